"""What is done to a column, as a short piece of its SQL that people can read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_LONGEST = 160
_MOST = 3


def excerpt(expression: exp.Expr, dialect: str, names: Mapping[str, str]) -> str:
    """The SQL of an expression without the quotes that nobody wrote, cut where it becomes long. `names`: of tables that
    were given others."""
    from sqlglot import exp

    shown = expression.unalias().copy()
    for table in shown.find_all(exp.Table):
        if table.name in names:
            table.set("this", exp.to_identifier(names[table.name].rpartition(".")[2]))
    for alias in shown.find_all(exp.Alias):
        if alias.alias.startswith("_col_"):  # sqlglot names what has no name
            alias.replace(alias.this)
    for name in shown.find_all(exp.Identifier):
        if _PLAIN.fullmatch(name.name):
            name.set("quoted", False)
    text = shown.sql(dialect=dialect)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def joined(found: Iterable[str]) -> str:
    """What was done one after the other, the last first; more than a few are only counted."""
    said = list(dict.fromkeys(found))
    more = [f"and {len(said) - _MOST} more"] if len(said) > _MOST else []
    return " ← ".join(said[:_MOST] + more)

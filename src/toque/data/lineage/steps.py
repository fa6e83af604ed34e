"""Steps of lineage as values: how the columns of one table are made of columns of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

How: TypeAlias = Literal["identity", "transformation", "aggregation"]
"""As OpenLineage calls it: the value as it is, a function of it, or a function of many of them."""

Via: TypeAlias = Literal["sql", "load", "sync", "dbt", "python"]

HOW: Final[tuple[How, ...]] = ("identity", "transformation", "aggregation")


class ColumnSource(msgspec.Struct, frozen=True, order=True):
    """A column that another one is made of."""

    table: str
    column: str
    how: How = "identity"


class ColumnLineage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column and all that goes into its values. What only decides which rows there are is left out."""

    name: str
    sources: tuple[ColumnSource, ...] = ()
    """Without any and not unknown, it is a constant, or counts rows."""
    unknown: str = ""
    """Why (part of) its origin cannot be told; "" when all of it is known."""
    expression: str = ""
    """What is done to the sources, as SQL; "" where they are taken as they are."""
    doc: str = ""
    """What its author says about it."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One statement, load or sync: what it writes, and what that is made of."""

    target: str
    """The table that it writes; "" for a query whose result goes nowhere."""
    inputs: tuple[str, ...] = ()
    """All tables that it reads, also those that only filter."""
    columns: tuple[ColumnLineage, ...] = ()
    via: Via = "sql"
    by: str = ""
    """Who does it: the name of a task or dbt model."""
    file: str = ""
    """Where it is written, relative to the project."""
    line: int = 0
    """0: not known."""
    problem: str = ""
    """Why nothing is known of its columns."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """The columns whose origin is not known; `*` stands for all that it may have."""
        return ("*",) if self.problem else tuple(column.name for column in self.columns if column.unknown)


def mapping(source: str, target: str, fields: Mapping[str, str] | Iterable[str], *, via: Via, by: str = "") -> Step:
    """A load or sync as a step: `fields` are target columns by source column, or columns of the same name."""
    pairs = fields.items() if isinstance(fields, Mapping) else [(name, name) for name in fields]
    columns = tuple(ColumnLineage(there, (ColumnSource(source, here),)) for here, there in pairs)
    return Step(target=target, inputs=(source,), columns=columns, via=via, by=by)

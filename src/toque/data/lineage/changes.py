"""MERGE and UPDATE as queries, so that the columns that they change can be followed like those of a SELECT."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def queries_of(statement: exp.Merge | exp.Update) -> list[exp.Select]:
    """A query for each set of assignments: its columns are called as the changed ones, and hold their new values.

    Raises `ValueError` for forms whose columns nobody names, such as `UPDATE SET *`.
    """
    from sqlglot import exp

    if isinstance(statement, exp.Update):
        tables = [statement.this, *_origins(statement)]
        return [_query(_assigned(statement), tables, statement)]
    tables = [statement.this, statement.args["using"]]
    found = []
    for when in statement.args["whens"].expressions:
        then = when.args["then"]
        if isinstance(then, exp.Update):
            found.append(_query(_assigned(then), tables, statement))
        elif isinstance(then, exp.Insert):
            found.append(_query(_inserted(then), tables, statement))
    return found


def _origins(statement: exp.Update) -> list[exp.Expr]:
    origin = statement.args.get("from_")
    return [] if origin is None else [origin.this]


def _assigned(update: exp.Update) -> list[tuple[str, exp.Expr]]:
    from sqlglot import exp

    plain = [one for one in update.expressions if isinstance(one, exp.EQ) and isinstance(one.this, exp.Column)]
    if len(plain) != len(update.expressions):
        raise ValueError(f"{update.sql()} names no columns")
    return [(assignment.this.name, assignment.expression) for assignment in plain]


def _inserted(insert: exp.Insert) -> list[tuple[str, exp.Expr]]:
    columns, values = getattr(insert.this, "expressions", []), getattr(insert.expression, "expressions", [])
    if not columns or len(columns) != len(values):
        raise ValueError("its INSERT names no columns")
    return [(column.name, value) for column, value in zip(columns, values, strict=True)]


def _query(pairs: list[tuple[str, exp.Expr]], tables: list[exp.Expr], statement: exp.Expr) -> exp.Select:
    from sqlglot import exp

    if not pairs:
        raise ValueError(f"{statement.key.upper()} names no columns")
    query = exp.select(*(exp.alias_(value.copy(), name, quoted=True) for name, value in pairs))
    query = query.from_(tables[0].copy())
    for table in tables[1:]:
        query = query.join(table.copy(), join_type="cross")
    if statement.args.get("with_") is not None:
        query.set("with_", statement.args["with_"].copy())
    return query

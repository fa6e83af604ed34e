"""Each row check as a condition in SQL that is true for exactly the rows that are wrong.

The condition can stand in a SELECT, an INSERT … SELECT and a DELETE of the checked table alike, so counting, sampling
and setting aside can never disagree. Null is wrong for `not_null` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from toque.data.checks.dialects import Sql, as_text, column_of, joined, quoted, value
from toque.data.loads.dialects import Dialect
from toque.graph import constants
from toque.graph.checks import (
    AcceptedValues,
    AnyRowCheck,
    Expression,
    InRange,
    NotNull,
    Relationships,
    Unique,
)
from toque.graph.loads import TableName


@dataclass(frozen=True)
class Rows:
    """The rows that are checked."""

    table: TableName
    dialect: Dialect
    where: str = ""
    """Narrows them, to a partition for example. Keys must be unique in the whole table all the same."""
    beside: TableName | None = None
    """Keys of this table count as taken: a batch may not repeat what was loaded before."""


def is_bad(check: AnyRowCheck, rows: Rows) -> Sql:
    """True for those of `rows` that break `check`."""
    table, dialect = rows.table, rows.dialect
    match check:
        case NotNull(column=column):
            return Sql(f"{column_of(table, column, dialect)} IS NULL")
        case Unique():
            return _is_repeated(check, rows)
        case AcceptedValues(column=column, values=values):
            return f"{column_of(table, column, dialect)} NOT IN (" + joined(", ", map(_decoded, values)) + ")"
        case Relationships():
            return _is_orphan(check, rows)
        case InRange(column=column, min=low, max=high):
            subject = column_of(table, column, dialect)
            bounds = [f"{subject} < " + _decoded(low)] if low is not None else []
            bounds += [f"{subject} > " + _decoded(high)] if high is not None else []
            return "(" + joined(" OR ", bounds) + ")"
        case Expression(sql=sql):
            return Sql(f"NOT ({sql}\n)")  # the line ends a comment that the condition may end in
        case _:
            assert_never(check)


def bad_among(checks: Sequence[AnyRowCheck], rows: Rows) -> Sql:
    """What stands after FROM to have those of `rows` that break at least one of the checks."""
    bad = joined(" OR ", ("(" + is_bad(check, rows) + ")" for check in checks))
    also = f"({rows.where}\n) AND " if rows.where else ""
    return f"{rows.dialect.table(rows.table)} WHERE {also}(" + bad + ")"


def looked_at(check: AnyRowCheck, rows: Rows) -> tuple[str, str]:
    """The columns that the check is about, as a name, and an expression of their value as text."""
    table, dialect = rows.table, rows.dialect
    match check:
        case Unique(columns=columns) if len(columns) > 1:
            values = [f"COALESCE({as_text(column_of(table, name, dialect), dialect)}, '')" for name in columns]
            return ", ".join(columns), " || ', ' || ".join(values)
        case Unique(columns=columns):
            column = columns[0]
        case Expression():
            return "", as_text("NULL", dialect)
        case _:
            column = check.column
    return column, as_text(column_of(table, column, dialect), dialect)


def _decoded(constant: object) -> Sql:
    return value(constants.decode(constant))


def _is_repeated(check: Unique, rows: Rows) -> Sql:
    table, beside, dialect = rows.table, rows.beside, rows.dialect
    ours = ", ".join(column_of(table, name, dialect) for name in check.columns)
    names = ", ".join(quoted(name) for name in check.columns)
    present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in check.columns)
    repeated = f"SELECT {names} FROM {dialect.table(table)} WHERE {present} GROUP BY {names} HAVING COUNT(*) > 1"
    found = f"({ours}) IN ({repeated})"
    if beside is not None:
        found = f"({found} OR ({ours}) IN (SELECT {names} FROM {dialect.table(beside)} WHERE {present}))"
    return Sql(found)


def _is_orphan(check: Relationships, rows: Rows) -> Sql:
    table, dialect = rows.table, rows.dialect
    child, field, parent = (
        column_of(table, check.column, dialect),
        quoted(check.field),
        dialect.table(TableName.parse(check.to)),
    )
    if dialect.name == "snowflake":  # which takes no correlated subquery in a SELECT list
        return Sql(f"({child} IS NOT NULL AND {child} NOT IN (SELECT {field} FROM {parent} WHERE {field} IS NOT NULL))")
    # PostgreSQL would search a NOT IN row by row once its subquery outgrows the memory of a hash.
    exists = f'SELECT 1 FROM {parent} AS "_parent" WHERE "_parent".{field} = {child}'
    return Sql(f"({child} IS NOT NULL AND NOT EXISTS ({exists}))")

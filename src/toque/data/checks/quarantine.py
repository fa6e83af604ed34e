"""Bad rows set aside: `<table>__rejects(batch_id, rule, "column", value, row_json)`, and the way back.

One line for each rule that a row breaks. A row that is set aside again under the same batch takes the place of its
lines, so that a load that is done twice leaves them once; rows that are not set aside again are never lost. All
statements of one list belong in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from toque.data.checks.dialects import (
    Columns,
    Sql,
    joined,
    quoted,
    row_as_json,
    rows_from_json,
    value,
)
from toque.data.checks.predicates import Rows, bad_among, looked_at
from toque.data.loads.dialects import Dialect
from toque.graph.checks import AnyRowCheck, name_of
from toque.graph.loads import TableName

_COLUMNS = ("batch_id", "rule", "column", "value", "row_json")


def rejects_of(table: TableName) -> TableName:
    """Where the bad rows of a table stand."""
    return table.sibling(f"{table.name}__rejects")


def create_rejects(rejects: TableName, dialect: Dialect) -> Sql:
    """Makes the table once."""
    columns = ", ".join(f"{dialect.own(name)} {dialect.types['text']}" for name in _COLUMNS)
    return Sql(f"CREATE TABLE IF NOT EXISTS {dialect.table(rejects)} ({columns})")


def forget(rejects: TableName, batch_id: str, dialect: Dialect) -> Sql:
    """Removes the rejects of one batch."""
    return f"DELETE FROM {dialect.table(rejects)} WHERE {dialect.own('batch_id')} = " + value(batch_id)


def count_of_batches(rejects: TableName, dialect: Dialect) -> Sql:
    """The batches that have rejects, and how many lines."""
    batch = dialect.own("batch_id")
    return Sql(f"SELECT {batch}, COUNT(*) FROM {dialect.table(rejects)} GROUP BY {batch} ORDER BY {batch}")


def set_aside(
    checks: Sequence[AnyRowCheck], rows: Rows, rejects: TableName, columns: Columns, batch_id: str
) -> list[Sql]:
    """Writes those of `rows` that break one of `checks` into `rejects`, and removes them from their table."""
    if not checks:
        return []
    row = row_as_json(rows.table, columns, rows.dialect)
    again = f" AND {rows.dialect.own('row_json')} IN (SELECT {row} FROM " + bad_among(checks, rows) + ")"
    into = f"INSERT INTO {rows.dialect.table(rejects)} ({', '.join(map(rows.dialect.own, _COLUMNS))}) "
    statements = [forget(rejects, batch_id, rows.dialect) + again]
    for name in dict.fromkeys(map(name_of, checks)):
        alike = [check for check in checks if name_of(check) == name]  # one line for each name, or rows come back twice
        column, shown = looked_at(alike[0], rows)
        chosen = "SELECT " + joined(", ", map(_text, (batch_id, name, column))) + f", {shown}, {row}"
        statements.append(into + chosen + " FROM " + bad_among(alike, rows))
    return [*statements, "DELETE FROM " + bad_among(checks, rows)]


def bring_back(
    rejects: TableName, stage: TableName, table: TableName, columns: Columns, batch_id: str, *, dialect: Dialect
) -> list[Sql]:
    """Moves the rejects of a batch as typed rows into `stage`, which has the columns of `table`.

    A row that broke several rules stands several times in `rejects`, once for each: its first rule stands for it, so
    that rows which are equal in every column come back as often as they were.
    """
    batch, rule, row = map(dialect.own, ("batch_id", "rule", "row_json"))
    first = (
        f'SELECT MIN("_other".{rule}) FROM {dialect.table(rejects)} AS "_other"'
        f' WHERE "_other".{batch} = "_one".{batch} AND "_other".{row} = "_one".{row}'
    )
    rows = f'SELECT "_one".{row} FROM {dialect.table(rejects)} AS "_one" WHERE "_one".{rule} = ({first})'
    rows += f' AND "_one".{batch} = '
    names = ", ".join(quoted(name) for name, _ in columns)
    insert = f"INSERT INTO {dialect.table(stage)} ({names}) " + rows_from_json(
        rows + value(batch_id), table, columns, dialect
    )
    return [insert, forget(rejects, batch_id, dialect)]


def _text(given: str) -> Sql:
    """PostgreSQL does not guess the type of a parameter in a SELECT list."""
    return "CAST(" + value(given) + " AS varchar)"

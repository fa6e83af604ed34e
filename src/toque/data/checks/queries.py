"""The few queries that check a table: one for all counts, one for the samples of each broken check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toque.data.checks.dialects import Sql, column_of, joined, table_sql
from toque.data.checks.predicates import Rows, bad_among, is_bad
from toque.graph.checks import ROW_CHECKS, AnyCheck, AnyRowCheck, CustomSql, Recent, RowCount
from toque.graph.loads import TableName

SAMPLES = 5
"""Rows shown of each broken check."""


@dataclass(frozen=True)
class Counting:
    """One query that answers for many checks: the number of rows, then a value for each of `checks`, in order."""

    sql: Sql
    checks: tuple[AnyCheck, ...]


def row_checks(checks: Sequence[AnyCheck]) -> tuple[AnyRowCheck, ...]:
    """Those that find bad rows."""
    return tuple(check for check in checks if isinstance(check, ROW_CHECKS))


def counting(checks: Sequence[AnyCheck], rows: Rows) -> Counting:
    """One pass over the table: all rows, the bad rows of each row check, the newest time of each freshness check."""
    pieces = [Sql("COUNT(*)")]
    answered: list[AnyCheck] = []
    for check in checks:
        if isinstance(check, ROW_CHECKS):
            bad = is_bad(check, rows)
            pieces.append("COALESCE(SUM(CASE WHEN " + bad + " THEN 1 ELSE 0 END), 0)")
        elif isinstance(check, Recent):
            pieces.append(Sql(f"MAX({column_of(rows.table, check.column)})"))
        elif not isinstance(check, RowCount):
            continue
        if not isinstance(check, RowCount):
            answered.append(check)
    named = joined(", ", (piece + f' AS "c{at}"' for at, piece in enumerate(pieces)))
    return Counting("SELECT " + named + f" FROM {_rows(rows)}", tuple(answered))


def samples(check: AnyRowCheck, rows: Rows, limit: int = SAMPLES) -> Sql:
    """Some rows that break the check."""
    return "SELECT * FROM " + bad_among([check], rows) + f" LIMIT {limit}"


def everything(rows: Rows) -> Sql:
    """All rows that are looked at."""
    return Sql(f"SELECT * FROM {_rows(rows)}")


def custom(check: CustomSql, table: TableName) -> tuple[Sql, Sql]:
    """How many rows the user's query returns, and some of them."""
    query = f"(\n{check.sql.replace('{table}', table_sql(table))}\n)"
    return Sql(f'SELECT COUNT(*) FROM {query} AS "_wrong"'), Sql(f'SELECT * FROM {query} AS "_wrong" LIMIT {SAMPLES}')


def _rows(rows: Rows) -> str:
    return table_sql(rows.table) + (f" WHERE ({rows.where}\n)" if rows.where else "")

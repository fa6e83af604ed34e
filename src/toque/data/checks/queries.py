"""The few queries that check a table: one for all counts, one for the samples of each broken check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toque.data.checks.dialects import Sql, column_of, joined, quoted
from toque.data.checks.predicates import Rows, bad_among, is_bad
from toque.graph.checks import ROW_CHECKS, AnyCheck, AnyRowCheck, CustomSql, Recent, RowCount

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
            pieces.append(Sql(f"MAX({column_of(rows.table, check.column, rows.dialect)})"))
        elif not isinstance(check, RowCount):
            continue
        if not isinstance(check, RowCount):
            answered.append(check)
    named = joined(", ", (piece + f' AS "c{at}"' for at, piece in enumerate(pieces)))
    return Counting("SELECT " + named + f" FROM {_rows(rows)}", tuple(answered))


def samples(check: AnyRowCheck, columns: Sequence[str], rows: Rows, limit: int = SAMPLES) -> Sql:
    """Some rows that break the check: these columns, in order."""
    return f"SELECT {', '.join(map(quoted, columns))} FROM " + bad_among([check], rows) + f" LIMIT {limit}"


def everything(columns: Sequence[str], rows: Rows) -> Sql:
    """These columns of all rows that are looked at."""
    return Sql(f"SELECT {', '.join(map(quoted, columns))} FROM {_rows(rows)}")


def custom(check: CustomSql, rows: Rows) -> tuple[Sql, Sql]:
    """How many rows the user's query returns, and some of them as JSON: nobody knows their columns."""
    query = f"(\n{check.sql.replace('{table}', rows.dialect.table(rows.table))}\n)"
    match rows.dialect.name:
        case "duckdb":
            as_json = 'CAST(to_json("_wrong") AS varchar)'
        case "postgresql":
            as_json = 'CAST(to_jsonb("_wrong".*) AS text)'
        case "snowflake":
            as_json = "TO_JSON(OBJECT_CONSTRUCT_KEEP_NULL(*))"
    sample = f'SELECT {as_json} FROM {query} AS "_wrong" LIMIT {SAMPLES}'
    return Sql(f'SELECT COUNT(*) FROM {query} AS "_wrong"'), Sql(sample)


def _rows(rows: Rows) -> str:
    return rows.dialect.table(rows.table) + (f" WHERE ({rows.where}\n)" if rows.where else "")

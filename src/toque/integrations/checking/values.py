"""Checks of a value in memory: a table of Arrow, pandas or polars, checked by DuckDB in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from toque.data.checks import verdicts
from toque.data.checks.dialects import Sql
from toque.data.checks.quarantine import rejects_of
from toque.data.checks.reports import Report
from toque.data.checks.verdicts import Verdict
from toque.data.loads.dialects import DUCKDB
from toque.graph.checks import AnyCheck, CustomSql, Matches, PythonCheck, Recent, RowCount, Schema
from toque.graph.loads import TableName
from toque.integrations.checking.auditing import audit, halt
from toque.integrations.checking.python_checks import verdict_of
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk
from toque.worker import frames


@dataclass(frozen=True)
class Checked:
    """What is left of a value, and what was set aside."""

    value: Any
    """Of the kind that was given, without the rows that were set aside, in their order."""
    rejects: Any
    """Those rows as an Arrow table: `batch_id`, `rule`, `column`, `value`, `row_json`; None when no check sets any
    aside."""
    report: Report


def check_value(
    value: Any,
    look: Look,
    checks: Sequence[AnyCheck],
    *,
    batch_id: str,
    others: Mapping[str, Any] | None = None,
) -> Checked:
    """Checks a table in memory; `look.table` is what it is called, `others` are tables that `relationships` names.

    Raises `DataError` when a check blocks. Functions and pandera models get the value as it is, before any row is set
    aside; all other checks are done by DuckDB.
    """
    by_python = {
        at: verdict_of(check, value, look.sensitive)
        for at, check in enumerate(checks)
        if isinstance(check, PythonCheck)
    }
    halt(Report(table=str(look.table), verdicts=tuple(by_python.values())))
    if isinstance(value, list) and not value and not any(isinstance(check, CustomSql | Matches) for check in checks):
        nothing = (by_python.get(at) or _of_nothing(check, look.now) for at, check in enumerate(checks))
        report = Report(table=str(look.table), verdicts=tuple(nothing), batch_id=batch_id)
        halt(report)
        return Checked(value, None, report)
    table = TableName(look.table.name)
    beside = {TableName.parse(name): other for name, other in (others or {}).items()}
    with _desk({**beside, table: value}) as desk:  # the key of an asset is one name, dots and all
        by_sql = [check for check in checks if not isinstance(check, PythonCheck)]
        report = audit(desk, replace(look, table=table), by_sql, batch_id=batch_id)
        left = [row for (row,) in desk.fetch(Sql(f"SELECT rowid FROM {DUCKDB.table(table)} ORDER BY rowid"))]
        rejects = _rejects(desk, table)
    found = iter(report.verdicts)
    verdicts = tuple(by_python[at] if at in by_python else next(found) for at in range(len(checks)))
    kept = value if not report.set_aside else _rows(value, left)
    return Checked(kept, rejects, msgspec.structs.replace(report, table=str(look.table), verdicts=verdicts))


def _of_nothing(check: AnyCheck, now: datetime) -> Verdict:
    """The verdict on a list without rows: nobody knows which columns it would have had."""
    match check:
        case RowCount():
            return verdicts.of_row_count(check, 0)
        case Recent():
            return verdicts.of_newest(check, None, 0, now)
        case Schema():
            return verdicts.of_schema(check, ())
        case CustomSql() | Matches() | PythonCheck():
            raise AssertionError(f"{check} looks at more than rows")
        case _:
            return verdicts.of_rows(check, 0, 0)


@contextmanager
def _desk(tables: Mapping[TableName, Any]) -> Iterator[Desk]:
    """DuckDB in memory with copies of these tables; the row id of a copy is the place of the row."""
    from toque.integrations.warehouses.duckdb import DuckDBWarehouse

    with DuckDBWarehouse(":memory:").session() as session:
        for table, value in tables.items():
            if table.schema:
                session.execute(f"CREATE SCHEMA IF NOT EXISTS {DUCKDB.own(table.schema)}")
            session.connection.register("_given", frames.to_arrow(value))
            session.execute(f"CREATE TABLE {DUCKDB.table(table)} AS SELECT * FROM _given")
            session.connection.unregister("_given")
        yield Desk(session, DUCKDB)


def _rejects(desk: Desk, table: TableName) -> Any:
    rejects = rejects_of(table)
    names = [column.name for column in desk.columns(rejects)]
    return desk.arrow(Sql(f"SELECT * FROM {DUCKDB.table(rejects)} ORDER BY ALL"), names) if names else None


def _rows(value: Any, places: list[int]) -> Any:
    """The rows at these places, in the kind of the value."""
    match frames.library(value):
        case "pandas":
            return value.iloc[places]
        case "polars":
            return value[places]
        case "pyarrow":
            import pyarrow as pa

            return value.take(pa.array(places, pa.int64()))
        case _:
            return [value[place] for place in places]

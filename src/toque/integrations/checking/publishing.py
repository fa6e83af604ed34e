"""Write, audit, publish: a table is built aside, checked, and takes the place of the live one only when it passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from toque.data.checks.dialects import Sql, joined, quoted, value
from toque.data.checks.reports import Report
from toque.errors import DataError, UserError
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.auditing import audit
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk


def staging_of(table: TableName) -> TableName:
    """Where a table is built aside."""
    return table.sibling(f"{table.name}__staging")


def publish(
    desk: Desk, live: Look, build: Callable[[TableName], None], checks: Sequence[AnyCheck], *, batch_id: str
) -> Report:
    """Builds `live.table` aside, checks it, and makes it live in one step. `build(table)` creates and fills the table.

    When a check blocks, the old data stays live, `DataError` says why, and what was built can be looked at under its
    name until the next try. Readers see the old rows or the new ones, never a mixture and never none.
    """
    if desk.dialect.name == "snowflake":
        raise UserError(
            "Snowflake commits at each rename: a table cannot be published there in one step.",
            fix="publish on DuckDB or PostgreSQL, or check the table with check_table() after the load",
        )
    table, aside = live.table, staging_of(live.table)
    desk.execute(Sql(f"DROP TABLE IF EXISTS {desk.dialect.table(aside)}"))
    build(aside)
    if not desk.columns(aside):
        raise UserError(
            f"Nothing was built: there is no table {aside}.", fix=f"create and fill {aside} in build(table)"
        )

    def then(report: Report) -> None:
        _take_place(desk, aside, table)

    try:
        return audit(desk, replace(live, table=aside), checks, batch_id=batch_id, target=table, then=then)
    except DataError as error:
        state = "The old data stays live" if desk.columns(table) else "Nothing was published"
        raise DataError(f"{error}\n  {state}; what was built stands in {aside}.", sample=error.sample) from error


def _take_place(desk: Desk, aside: TableName, live: TableName) -> None:
    """In a transaction: the table that was built aside becomes the live one."""
    if desk.columns(live) and desk.dialect.name == "postgresql" and _is_referred_to(desk, live):
        _refill(desk, aside, live)
        return
    desk.execute(Sql(f"DROP TABLE IF EXISTS {desk.dialect.table(live)}"))
    desk.execute(Sql(f"ALTER TABLE {desk.dialect.table(aside)} RENAME TO {desk.dialect.own(live.name)}"))


def _is_referred_to(desk: Desk, live: TableName) -> bool:
    """Views, foreign keys or grants hang on the table itself, and a rename would leave them behind."""
    oid = "CAST(" + value(desk.dialect.table(live)) + " AS regclass)"
    views = (
        "SELECT 1 FROM pg_depend WHERE deptype = 'n' AND classid = CAST('pg_rewrite' AS regclass) AND refobjid = " + oid
    )
    keys = "SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = " + oid
    grants = "SELECT 1 FROM pg_class WHERE relacl IS NOT NULL AND oid = " + oid
    return bool(desk.fetch("SELECT EXISTS (" + joined(" UNION ALL ", [views, keys, grants]) + ") AS found")[0][0])


def _refill(desk: Desk, aside: TableName, live: TableName) -> None:
    """The live table keeps its identity and gets the new rows."""
    ours, theirs = desk.columns(aside), desk.columns(live)
    if set(ours) != set(theirs):
        raise UserError(
            f"{live} cannot be published with other columns: views, foreign keys or grants depend on it.",
            fix="change the table and what depends on it by a migration",
        )
    names = ", ".join(quoted(column.name) for column in ours)
    desk.execute(Sql(f"DELETE FROM {desk.dialect.table(live)}"))
    desk.execute(
        Sql(f"INSERT INTO {desk.dialect.table(live)} ({names}) SELECT {names} FROM {desk.dialect.table(aside)}")
    )
    desk.execute(Sql(f"DROP TABLE {desk.dialect.table(aside)}"))

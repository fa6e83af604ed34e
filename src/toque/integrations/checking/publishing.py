"""Write, audit, publish: a table is built aside, checked, and takes the place of the live one only when it passed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import msgspec

from toque.data.checks.dialects import Sql, joined, quoted, value
from toque.data.checks.reports import Report
from toque.errors import UserError
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.auditing import ChecksFailed, audit
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk

Step = Callable[[Desk, TableName, TableName], None]
"""Takes what was built aside, and the live table."""


def staging_of(table: TableName) -> TableName:
    """Where what did not pass stands, until the next try."""
    return table.sibling(f"{table.name}__staging")


def publish(
    desk: Desk, live: Look, build: Callable[[TableName], None], checks: Sequence[AnyCheck], *, batch_id: str
) -> Report:
    """Builds `live.table` aside, checks it, and makes it live in one step. `build(table)` creates and fills the table.

    When a check blocks, the old data stays live, `ChecksFailed` says why, and what was built can be looked at until
    the next try: as `<table>__staging`. Readers see the old rows or the new ones, never a mixture and never none.

    On DuckDB and PostgreSQL rejects and rows are published in one transaction. Snowflake commits at each change of a
    table: rejects are committed first, then the tables are swapped by one statement; done again under its `batch_id`,
    a publication that was interrupted in between leaves both once.
    """
    is_swapped = desk.dialect.name == "snowflake"
    staged = Staged(desk, live, staging_of(live.table), batch_id)
    if is_swapped:
        report = staged.passed(build, checks)
        _swap(desk, staged.table, live.table)
        return report
    return staged.passed(build, checks, then=_take_place)


class Staged:
    """A table that is built aside under a name of its batch, so that two that publish one table never share it."""

    def __init__(self, desk: Desk, live: Look, kept: TableName, batch_id: str) -> None:
        self._desk = desk
        self._live = live
        self._kept = kept
        self._batch_id = batch_id
        mark = hashlib.blake2b(batch_id.encode(), digest_size=4).hexdigest()
        self.table = kept.sibling(f"{kept.name}_{mark}")

    def passed(
        self, build: Callable[[TableName], None], checks: Sequence[AnyCheck], *, then: Step | None = None
    ) -> Report:
        """Builds and checks; `then` publishes, in the transaction of the checks. Raises `ChecksFailed`."""
        desk, live = self._desk, self._live
        for old in (self._kept, self.table):
            self._drop(old)
        try:
            build(self.table)
            if not desk.columns(self.table):
                raise UserError(
                    f"Nothing was built: there is no table {self.table}.",
                    fix=f"create and fill {self.table} in build(table)",
                )
            look = replace(live, table=self.table)
            after = None if then is None else lambda _: then(desk, self.table, live.table)
            report = audit(desk, look, checks, batch_id=self._batch_id, target=live.table, then=after)
        except ChecksFailed as error:
            raise self._failed(error) from error
        except BaseException:
            with suppress(Exception):  # the connection may be what broke
                self._drop(self.table)
            raise
        return msgspec.structs.replace(report, table=str(live.table))

    def done(self) -> None:
        """Nothing of it is left aside."""
        self._drop(self.table)

    def _failed(self, error: ChecksFailed) -> ChecksFailed:
        self._drop(self._kept)
        self._desk.execute(_renamed(self._desk, self.table, self._kept))
        state = "The old data stays live" if self._desk.columns(self._live.table) else "Nothing was published"
        told = ChecksFailed(f"{error}\n  {state}; what was built stands in {self._kept}.", sample=error.sample)
        told.report = error.report
        return told

    def _drop(self, table: TableName) -> None:
        self._desk.execute(Sql(f"DROP TABLE IF EXISTS {self._desk.dialect.table(table)}"))


def _swap(desk: Desk, aside: TableName, live: TableName) -> None:
    """Each statement is a transaction of its own; after the first of them the new rows are live."""
    if not desk.columns(live):
        desk.execute(_renamed(desk, aside, live))
        return
    desk.execute(Sql(f"ALTER TABLE {desk.dialect.table(live)} SWAP WITH {desk.dialect.table(aside)}"))
    desk.execute(Sql(f"DROP TABLE {desk.dialect.table(aside)}"))


def _take_place(desk: Desk, aside: TableName, live: TableName) -> None:
    """In a transaction: the table that was built aside becomes the live one."""
    if desk.columns(live) and desk.dialect.name == "postgresql" and _is_referred_to(desk, live):
        _refill(desk, aside, live)
        return
    desk.execute(Sql(f"DROP TABLE IF EXISTS {desk.dialect.table(live)}"))
    desk.execute(_renamed(desk, aside, live))


def _renamed(desk: Desk, table: TableName, to: TableName) -> Sql:
    # Snowflake means a name without a schema in the schema of the session, the others in that of the table.
    name = desk.dialect.table(to) if desk.dialect.name == "snowflake" else desk.dialect.own(to.name)
    return Sql(f"ALTER TABLE {desk.dialect.table(table)} RENAME TO {name}")


def _is_referred_to(desk: Desk, live: TableName) -> bool:
    """Views, keys, grants, indexes or triggers hang on the table itself, and a rename would leave them behind."""
    oid = "CAST(" + value(desk.dialect.table(live)) + " AS regclass)"
    views = (
        "SELECT 1 FROM pg_depend WHERE deptype = 'n' AND classid = CAST('pg_rewrite' AS regclass) AND refobjid = " + oid
    )
    keys = "SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = " + oid
    grants = "SELECT 1 FROM pg_class WHERE relacl IS NOT NULL AND oid = " + oid
    indexes = "SELECT 1 FROM pg_index WHERE indrelid = " + oid
    triggers = "SELECT 1 FROM pg_trigger WHERE tgrelid = " + oid
    any_of = joined(" UNION ALL ", [views, keys, grants, indexes, triggers])
    return bool(desk.fetch("SELECT EXISTS (" + any_of + ") AS found")[0][0])


def _refill(desk: Desk, aside: TableName, live: TableName) -> None:
    """The live table keeps its identity and gets the new rows."""
    ours, theirs = desk.columns(aside), desk.columns(live)
    if set(ours) != set(theirs):
        raise UserError(
            f"{live} cannot be published with other columns: views, keys, grants, indexes or triggers depend on it.",
            fix="change the table and what depends on it by a migration",
        )
    names = ", ".join(quoted(column.name) for column in ours)
    desk.execute(Sql(f"DELETE FROM {desk.dialect.table(live)}"))
    desk.execute(
        Sql(f"INSERT INTO {desk.dialect.table(live)} ({names}) SELECT {names} FROM {desk.dialect.table(aside)}")
    )
    desk.execute(Sql(f"DROP TABLE {desk.dialect.table(aside)}"))

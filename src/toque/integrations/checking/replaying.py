"""Rejects replayed: rows that are right by now go into their table, the others stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from toque.data.checks.dialects import Sql, quoted, table_sql
from toque.data.checks.quarantine import bring_back, rejects_of, set_aside
from toque.data.checks.queries import row_checks
from toque.errors import NotFound
from toque.graph.checks import AnyCheck, AnyRowCheck
from toque.graph.loads import TableName
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Session, run_all


@dataclass(frozen=True)
class Replayed:
    """What became of the rejects of a batch."""

    batch_id: str
    loaded: int
    superseded: int
    """Rows whose key the table has by now: what was loaded later is kept, and these are dropped."""
    still_bad: int


def batches(session: Session, table: TableName) -> list[tuple[str, int]]:
    """The batches that have rejects, with their number of lines (one for each rule that a row breaks)."""
    rejects = rejects_of(table)
    if not session.columns(rejects):
        return []
    query = f'SELECT "batch_id", COUNT(*) AS "n" FROM {table_sql(rejects)} GROUP BY "batch_id" ORDER BY "batch_id"'
    return [(row["batch_id"], int(row["n"])) for row in session.rows(Sql(query))]


def replay(
    session: Session, look: Look, checks: Sequence[AnyCheck], *, batch_id: str = "", key: Sequence[str] = ()
) -> list[Replayed]:
    """Checks the rejects of a batch (or of each) again and loads what passes into `look.table`.

    With `key`, a row whose key is in the table by now is dropped: it was loaded later. Each batch is one transaction,
    and a row is either among the rejects or in the table at any moment. Raises `NotFound` for a batch without rejects.
    """
    known = [name for name, _ in batches(session, look.table)]
    if batch_id and batch_id not in known:
        raise NotFound(f"{rejects_of(look.table)} holds no rejects of batch {batch_id!r}.", fix=_listed(known))
    return [_one(session, look, checks, name, tuple(key)) for name in known if batch_id in ("", name)]


def _one(session: Session, look: Look, checks: Sequence[AnyCheck], batch_id: str, key: tuple[str, ...]) -> Replayed:
    table, rejects = look.table, rejects_of(look.table)
    stage = table.sibling(f"{table.name}__replay")
    columns = session.columns(table)
    names = ", ".join(quoted(name) for name, _ in columns)
    session.execute(Sql(f"DROP TABLE IF EXISTS {table_sql(stage)}"))
    session.execute(Sql(f"CREATE TABLE {table_sql(stage)} AS SELECT * FROM {table_sql(table)} WHERE 1 = 0"))
    try:
        with session.transaction():
            run_all(session, bring_back(rejects, stage, table, columns, batch_id, dialect=session.dialect))
            brought = _count(session, stage)
            superseded = _drop_superseded(session, stage, table, key)
            staged = replace(look, table=stage, where="", beside=table).rows(session.dialect)
            run_all(session, set_aside(_held_back(checks), staged, rejects, columns, batch_id))
            loaded = _count(session, stage)
            session.execute(Sql(f"INSERT INTO {table_sql(table)} ({names}) SELECT {names} FROM {table_sql(stage)}"))
    finally:
        session.execute(Sql(f"DROP TABLE IF EXISTS {table_sql(stage)}"))
    return Replayed(batch_id, loaded=loaded, superseded=superseded, still_bad=brought - superseded - loaded)


def _drop_superseded(session: Session, stage: TableName, table: TableName, key: tuple[str, ...]) -> int:
    if not key:
        return 0
    before = _count(session, stage)
    names = ", ".join(map(quoted, key))
    present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
    taken = f"SELECT {names} FROM {table_sql(table)} WHERE {present}"
    session.execute(Sql(f"DELETE FROM {table_sql(stage)} WHERE ({names}) IN ({taken})"))
    return before - _count(session, stage)


def _count(session: Session, table: TableName) -> int:
    return int(session.rows(Sql(f'SELECT COUNT(*) AS "n" FROM {table_sql(table)}'))[0]["n"])


def _listed(known: Sequence[str]) -> str:
    return "one of " + ", ".join(known[:10]) if known else "nothing: there are no rejects at all"


def _held_back(checks: Sequence[AnyCheck]) -> list[AnyRowCheck]:
    """A warning keeps no row out of its table."""
    return [check for check in row_checks(checks) if check.severity != "warn"]

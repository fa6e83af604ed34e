"""Rejects replayed: rows that are right by now go into their table, the others stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from toque.data.checks.columns import for_columns, typed
from toque.data.checks.dialects import Sql, quoted
from toque.data.checks.quarantine import bring_back, count_of_batches, rejects_of, set_aside
from toque.data.checks.queries import row_checks
from toque.data.loads.columns import find
from toque.errors import NotFound, UserError
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk


@dataclass(frozen=True)
class Replayed:
    """What became of the rejects of a batch."""

    batch_id: str
    loaded: int
    superseded: int
    """Rows whose key the table has by now: what was loaded later is kept, and these are dropped."""
    still_bad: int


def batches(desk: Desk, table: TableName) -> list[tuple[str, int]]:
    """The batches that have rejects, with their number of lines (one for each rule that a row breaks)."""
    rejects = rejects_of(table)
    if not desk.columns(rejects):
        return []
    return [(str(name), int(lines)) for name, lines in desk.fetch(count_of_batches(rejects, desk.dialect))]


def replay(
    desk: Desk, look: Look, checks: Sequence[AnyCheck], *, batch_id: str = "", key: Sequence[str] = ()
) -> list[Replayed]:
    """Checks the rejects of a batch (or of each) again and loads what passes into `look.table`.

    With `key`, a row whose key is in the table by now is dropped: it was loaded later. Each batch is one transaction,
    and a row is either among the rejects or in the table at any moment. Raises `NotFound` for a batch without rejects.
    """
    known = [name for name, _ in batches(desk, look.table)]
    if batch_id and batch_id not in known:
        raise NotFound(f"{rejects_of(look.table)} holds no rejects of batch {batch_id!r}.", fix=_listed(known))
    return [_one(desk, look, checks, name, tuple(key)) for name in known if batch_id in ("", name)]


def _one(desk: Desk, look: Look, checks: Sequence[AnyCheck], batch_id: str, key: tuple[str, ...]) -> Replayed:
    table, rejects = look.table, rejects_of(look.table)
    stage = table.sibling(f"{table.name}__replay")
    columns = desk.columns(table)
    kinds = typed(columns, desk.dialect)
    held = [for_columns(check, table, columns, desk.columns) for check in checks if check.severity != "warn"]
    names = ", ".join(quoted(column.name) for column in columns)
    desk.execute(Sql(f"DROP TABLE IF EXISTS {desk.dialect.table(stage)}"))
    desk.execute(
        Sql(f"CREATE TABLE {desk.dialect.table(stage)} AS SELECT * FROM {desk.dialect.table(table)} WHERE 1 = 0")
    )
    try:
        with desk.transaction():
            desk.execute(*bring_back(rejects, stage, table, kinds, batch_id, dialect=desk.dialect))
            brought = _count(desk, stage)
            superseded = _drop_superseded(desk, stage, table, key)
            staged = replace(look, table=stage, where="", beside=table).rows(desk.dialect)
            desk.execute(*set_aside(row_checks(held), staged, rejects, kinds, batch_id))
            loaded = _count(desk, stage)
            desk.execute(
                Sql(
                    f"INSERT INTO {desk.dialect.table(table)} ({names}) SELECT {names} FROM {desk.dialect.table(stage)}"
                )
            )
    finally:
        desk.execute(Sql(f"DROP TABLE IF EXISTS {desk.dialect.table(stage)}"))
    return Replayed(batch_id, loaded=loaded, superseded=superseded, still_bad=brought - superseded - loaded)


def _drop_superseded(desk: Desk, stage: TableName, table: TableName, key: tuple[str, ...]) -> int:
    if not key:
        return 0
    before = _count(desk, stage)
    key = tuple(_real(desk, table, name) for name in key)
    names = ", ".join(map(quoted, key))
    present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
    taken = f"SELECT {names} FROM {desk.dialect.table(table)} WHERE {present}"
    desk.execute(Sql(f"DELETE FROM {desk.dialect.table(stage)} WHERE ({names}) IN ({taken})"))
    return before - _count(desk, stage)


def _count(desk: Desk, table: TableName) -> int:
    return desk.number(Sql(f"SELECT COUNT(*) FROM {desk.dialect.table(table)}"))


def _listed(known: Sequence[str]) -> str:
    return "one of " + ", ".join(known[:10]) if known else "nothing: there are no rejects at all"


def _real(desk: Desk, table: TableName, name: str) -> str:
    column = find(desk.columns(table), name)
    if column is None:
        raise UserError(f"{table} has no column {name!r}, which is to be its key.")
    return column.name

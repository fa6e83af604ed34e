"""Rejects replayed: rows that are right by now go into their table, the others stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from toque.data.checks.columns import for_columns, typed
from toque.data.checks.dialects import Sql, quoted
from toque.data.checks.quarantine import bring_back, count_of_batches, rejects_of, set_aside
from toque.data.checks.queries import row_checks
from toque.errors import NotFound
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk
from toque.integrations.checking.versions import Versions


@dataclass(frozen=True)
class Replayed:
    """What became of the rejects of a batch."""

    batch_id: str
    loaded: int
    superseded: int
    """Rows of which the table has a newer version, or none since it was deleted: these are dropped."""
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

    With `key`, a row takes the place of an older version of it, and is dropped where the table has a newer one, or
    knows that it was deleted since. Where rows have no place among the versions of their key, as of an asset, what is
    in the table stays. Each batch is one transaction, and a row is either among the rejects or in the table at any
    moment. Raises `NotFound` for a batch without rejects.
    """
    known = [name for name, _ in batches(desk, look.table)]
    if batch_id and batch_id not in known:
        raise NotFound(f"{rejects_of(look.table)} holds no rejects of batch {batch_id!r}.", fix=_listed(known))
    return [_one(desk, look, checks, name, tuple(key)) for name in known if batch_id in ("", name)]


def _one(desk: Desk, look: Look, checks: Sequence[AnyCheck], batch_id: str, key: tuple[str, ...]) -> Replayed:
    table, rejects = look.table, rejects_of(look.table)
    stage, older = table.sibling(f"{table.name}__replay"), table.sibling(f"{table.name}__older")
    columns = desk.columns(table)
    keyed = Versions.of(desk, table, columns, key)
    kinds = typed(columns, desk.dialect)
    held = [for_columns(check, table, columns, desk.columns) for check in checks if check.severity != "warn"]
    names = ", ".join(quoted(column.name) for column in columns)
    for made in (stage, older):
        desk.execute(Sql(f"DROP TABLE IF EXISTS {desk.dialect.table(made)}"))
        desk.execute(
            Sql(f"CREATE TABLE {desk.dialect.table(made)} AS SELECT * FROM {desk.dialect.table(table)} WHERE 1 = 0")
        )
    try:
        with desk.transaction():
            desk.execute(*bring_back(rejects, stage, table, kinds, batch_id, dialect=desk.dialect))
            brought = _count(desk, stage)
            if keyed is not None:
                desk.execute(*keyed.drop_superseded(stage), *keyed.take_out(stage, older))
            superseded = brought - _count(desk, stage)
            staged = replace(look, table=stage, where="", beside=table).rows(desk.dialect)
            desk.execute(*set_aside(row_checks(held), staged, rejects, kinds, batch_id))
            good = _count(desk, stage)
            if keyed is not None:
                desk.execute(*keyed.keep_newest(stage), *keyed.put_back(stage, older))
            loaded = _count(desk, stage)
            superseded += good - loaded
            desk.execute(
                Sql(
                    f"INSERT INTO {desk.dialect.table(table)} ({names}) SELECT {names} FROM {desk.dialect.table(stage)}"
                )
            )
    finally:
        for made in (stage, older):
            desk.execute(Sql(f"DROP TABLE IF EXISTS {desk.dialect.table(made)}"))
    return Replayed(batch_id, loaded=loaded, superseded=superseded, still_bad=brought - superseded - loaded)


def _count(desk: Desk, table: TableName) -> int:
    return desk.number(Sql(f"SELECT COUNT(*) FROM {desk.dialect.table(table)}"))


def _listed(known: Sequence[str]) -> str:
    return "one of " + ", ".join(known[:10]) if known else "nothing: there are no rejects at all"

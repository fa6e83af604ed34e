"""What is known of data: written with the commits of the runtime, read for pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toque.engine.rows import AssetEventRow
from toque.engine.values import MapIndex
from toque.ports.assets import DynamicKey, EventQuery, SliceRow
from toque.ports.store import OutboxRow
from toque.store.slices import about_slices, added_by, fold, of_slices
from toque.store.sql import schema
from toque.store.sql.asset_tables import ASSET_EVENTS, ASSET_SLICES, DYNAMIC_KEYS, FAILING_SLICES
from toque.store.sql.codec import RowCodec, pack_index
from toque.store.sql.session import Database, Session

EVENT = RowCodec(ASSET_EVENTS, AssetEventRow)
SLICE = RowCodec(ASSET_SLICES, SliceRow)
KEY = RowCodec(DYNAMIC_KEYS, DynamicKey)
MESSAGE = RowCodec(schema.OUTBOX, OutboxRow)
SAYING = "said:"
"""Locked, so that of two servers that find the same to say one does."""
_EVENT_COLUMNS = ", ".join(EVENT.names)
_SLICE_COLUMNS = ", ".join(SLICE.names)


def told(session: Session, events: Sequence[AssetEventRow]) -> None:
    """Append the events, and fold them into the slices that they are about."""
    add_keys(session, added_by(events))
    events = of_slices(events)
    session.upsert(ASSET_EVENTS, EVENT.names, map(EVENT.encode, events))
    events = about_slices(events)
    # In one order everywhere, so that two transactions never wait for each other.
    standing: dict[tuple[str, str], SliceRow | None] = dict.fromkeys(
        sorted({(row.asset, row.partition) for row in events})
    )
    for asset, partition in standing:
        found = session.rows(
            f"SELECT {_SLICE_COLUMNS} FROM asset_slices WHERE asset = ? AND partition = ?{session.lock_rows}",
            (asset, partition),
        )
        standing[asset, partition] = SLICE.decode(found[0]) if found else None
    failed = {key for key, row in standing.items() if row is not None and row.failing}
    for row in events:
        standing[row.asset, row.partition] = fold(standing[row.asset, row.partition], row)
    session.upsert(ASSET_SLICES, SLICE.names, [SLICE.encode(row) for row in standing.values() if row is not None])
    failing = {key for key, row in standing.items() if row is not None and row.failing}
    session.insert(FAILING_SLICES, FAILING_SLICES.column_names, sorted(failing - failed))
    for key in sorted(failed - failing):
        session.run("DELETE FROM failing_slices WHERE asset = ? AND partition = ?", key)


def say(session: Session, said: Sequence[AssetEventRow], outbox: Sequence[OutboxRow]) -> bool:
    """See `Assets.say`."""
    session.lock_pools([SAYING])
    where = " AND ".join(f"{name} = ?" for name in ASSET_EVENTS.key)
    places = [EVENT.names.index(name) for name in ASSET_EVENTS.key]
    for row in map(EVENT.encode, said):
        if session.rows(f"SELECT 1 FROM asset_events WHERE {where}", tuple(row[place] for place in places)):
            return False
    told(session, said)
    session.upsert(schema.OUTBOX, MESSAGE.names, map(MESSAGE.encode, outbox))
    return True


class SqlAssets:
    """See `toque.ports.assets.Assets`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def say(self, said: Sequence[AssetEventRow], outbox: Sequence[OutboxRow] = ()) -> bool:
        """See `Assets.say`."""
        return await self._database.write(lambda session: say(session, said, outbox))

    async def standings(self, assets: Sequence[str]) -> dict[str, SliceRow]:
        """See `Assets.standings`."""
        return await self._database.browse(lambda session: _standings(session, assets))

    async def slices(self, asset: str, *, after: str | None = None, limit: int = 1000) -> list[SliceRow]:
        """See `Assets.slices`."""
        return await self._database.browse(lambda session: _slices(session, asset, after, limit))

    async def pick(self, asset: str, partitions: Sequence[str]) -> dict[str, SliceRow]:
        """See `Assets.pick`."""
        return await self._database.browse(lambda session: _pick(session, asset, partitions))

    async def made_counts(self, assets: Sequence[str]) -> dict[str, int]:
        """See `Assets.made_counts`."""
        return await self._database.browse(lambda session: _made_counts(session, assets))

    async def events(self, query: EventQuery) -> list[AssetEventRow]:
        """See `Assets.events`."""
        return await self._database.browse(lambda session: _events(session, query))

    async def told_in(self, run_id: str, task: str, map_index: MapIndex) -> list[AssetEventRow]:
        """See `Assets.told_in`."""
        return await self._database.browse(lambda session: _told_in(session, run_id, task, map_index))

    async def failing(self, limit: int) -> list[SliceRow]:
        """See `Assets.failing`."""
        return await self._database.browse(lambda session: _failing(session, limit))

    async def told_by(self, run_id: str) -> list[str]:
        """See `Assets.told_by`."""
        return await self._database.browse(lambda session: _told_by(session, run_id))

    async def known(self) -> list[str]:
        """See `Assets.known`."""
        return await self._database.browse(_known)

    async def dynamic(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """See `Assets.dynamic`."""
        return await self._database.browse(lambda session: _dynamic(session, names)) if names else {}

    async def add_keys(self, keys: Sequence[DynamicKey]) -> None:
        """See `Assets.add_keys`."""
        await self._database.write(lambda session: add_keys(session, keys))


def add_keys(session: Session, keys: Sequence[DynamicKey]) -> None:
    """When one came stays what it was."""
    if keys:
        session.upsert(DYNAMIC_KEYS, KEY.names, map(KEY.encode, sorted(keys, key=lambda each: (each.name, each.key))))


def _dynamic(session: Session, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        rows = session.rows("SELECT key FROM dynamic_keys WHERE name = ? ORDER BY name, added_us, key", (name,))
        if rows:
            found[name] = tuple(key for (key,) in rows)
    return found


def _standings(session: Session, assets: Sequence[str]) -> dict[str, SliceRow]:
    found: dict[str, SliceRow] = {}
    for asset in assets:
        rows = session.rows(
            f"SELECT {_SLICE_COLUMNS} FROM asset_slices WHERE asset = ?"
            " ORDER BY materialized_us DESC, partition DESC LIMIT 1",
            (asset,),
        )
        if rows:
            found[asset] = SLICE.decode(rows[0])
    return found


def _slices(session: Session, asset: str, after: str | None, limit: int) -> list[SliceRow]:
    condition, parameters = ("", (asset, limit)) if after is None else (" AND partition > ?", (asset, after, limit))
    rows = session.rows(
        f"SELECT {_SLICE_COLUMNS} FROM asset_slices WHERE asset = ?{condition} ORDER BY partition LIMIT ?", parameters
    )
    return [SLICE.decode(row) for row in rows]


def _pick(session: Session, asset: str, partitions: Sequence[str]) -> dict[str, SliceRow]:
    rows = session.rows(
        f"SELECT {_SLICE_COLUMNS} FROM asset_slices WHERE asset = ? AND {session.among('partition')}",
        (asset, session.listed(partitions)),
    )
    return {found.partition: found for found in map(SLICE.decode, rows)}


def _made_counts(session: Session, assets: Sequence[str]) -> dict[str, int]:
    rows = session.rows(
        f"SELECT asset, COUNT(*) FROM asset_slices WHERE {session.among('asset')} AND materialized_us > 0"
        " GROUP BY asset",
        (session.listed(assets),),
    )
    return dict(rows)


def _events(session: Session, query: EventQuery) -> list[AssetEventRow]:
    conditions, parameters = ["asset = ?"], [query.asset]
    if query.partition is not None:
        conditions.append("partition = ?")
        parameters.append(query.partition)
    if query.kind:
        conditions.append("kind = ?")
        parameters.append(query.kind)
    values: list[Any] = [*parameters]
    if query.before is not None:
        conditions.append("(at_us, run_id) < (?, ?)")
        values += query.before
    rows = session.rows(
        f"SELECT {_EVENT_COLUMNS} FROM asset_events WHERE {' AND '.join(conditions)}"
        " ORDER BY at_us DESC, run_id DESC, task DESC, map_index DESC, attempt DESC, n DESC LIMIT ?",
        (*values, query.limit),
    )
    return [EVENT.decode(row) for row in rows]


def _told_in(session: Session, run_id: str, task: str, map_index: MapIndex) -> list[AssetEventRow]:
    rows = session.rows(
        f"SELECT {_EVENT_COLUMNS} FROM asset_events WHERE run_id = ? AND task = ? AND map_index = ?"
        " ORDER BY attempt, n",
        (run_id, task, pack_index(map_index)),
    )
    return [EVENT.decode(row) for row in rows]


def _failing(session: Session, limit: int) -> list[SliceRow]:
    columns = ", ".join(f"s.{name}" for name in SLICE.names)
    rows = session.rows(
        f"SELECT {columns} FROM failing_slices AS f"
        " JOIN asset_slices AS s ON s.asset = f.asset AND s.partition = f.partition"
        " ORDER BY f.asset, f.partition LIMIT ?",
        (limit,),
    )
    return [SLICE.decode(row) for row in rows]


def _told_by(session: Session, run_id: str) -> list[str]:
    rows = session.rows("SELECT DISTINCT asset FROM asset_events WHERE run_id = ? ORDER BY asset", (run_id,))
    return [asset for (asset,) in rows]


def _known(session: Session) -> list[str]:
    """A walk from key to key, in one query: the number of slices does not matter."""
    rows = session.rows(
        "WITH RECURSIVE walk(asset) AS (SELECT MIN(asset) FROM asset_slices UNION ALL"
        " SELECT (SELECT MIN(s.asset) FROM asset_slices AS s WHERE s.asset > walk.asset) FROM walk"
        " WHERE walk.asset IS NOT NULL) SELECT asset FROM walk WHERE asset IS NOT NULL"
    )
    return [asset for (asset,) in rows]

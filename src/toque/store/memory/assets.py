"""What is known of data, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from toque.engine.rows import AssetEventRow
from toque.engine.values import MapIndex
from toque.ports.assets import DynamicKey, EventQuery, SliceRow
from toque.ports.store import OutboxRow
from toque.store.memory.tables import Tables
from toque.store.slices import about_slices, added_by, fold, of_slices


class MemoryAssets:
    """See `toque.ports.assets.Assets`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def say(self, said: Sequence[AssetEventRow], outbox: Sequence[OutboxRow] = ()) -> bool:
        """See `Assets.say`."""
        known = self._tables.asset_events
        if any(known.get((row.run_id, row.task, row.map_index, row.attempt, row.n)) is not None for row in said):
            return False
        told(self._tables, said)
        for message in outbox:
            self._tables.outbox.put(message.dedup, message)
        return True

    async def standings(self, assets: Sequence[str]) -> dict[str, SliceRow]:
        """See `Assets.standings`."""
        found: dict[str, SliceRow] = {}
        for row in sorted(self._tables.asset_slices.all(), key=lambda each: (each.materialized_us, each.partition)):
            if row.asset in assets:
                found[row.asset] = row
        return found

    async def slices(self, asset: str, *, after: str | None = None, limit: int = 1000) -> list[SliceRow]:
        """See `Assets.slices`."""
        rows = [row for row in self._tables.asset_slices.all() if row.asset == asset]
        return [row for row in rows if after is None or row.partition > after][:limit]

    async def pick(self, asset: str, partitions: Sequence[str]) -> dict[str, SliceRow]:
        """See `Assets.pick`."""
        found = ((each, self._tables.asset_slices.get((asset, each))) for each in partitions)
        return {each: row for each, row in found if row is not None}

    async def made_counts(self, assets: Sequence[str]) -> dict[str, int]:
        """See `Assets.made_counts`."""
        rows = self._tables.asset_slices.all()
        return dict(Counter(row.asset for row in rows if row.materialized_us and row.asset in assets))

    async def events(self, query: EventQuery) -> list[AssetEventRow]:
        """See `Assets.events`."""
        rows = [
            row
            for row in self._tables.asset_events.all()
            if row.asset == query.asset
            and query.partition in (None, row.partition)
            and query.kind in ("", row.kind)
            and (query.before is None or (row.at_us, row.run_id) < query.before)
        ]
        rows.sort(key=lambda row: (row.at_us, row.run_id, row.task, row.map_index, row.attempt, row.n), reverse=True)
        return rows[: query.limit]

    async def told_in(self, run_id: str, task: str, map_index: MapIndex) -> list[AssetEventRow]:
        """See `Assets.told_in`."""
        rows = self._tables.asset_events.all()
        found = [row for row in rows if (row.run_id, row.task, row.map_index) == (run_id, task, map_index)]
        return sorted(found, key=lambda row: (row.attempt, row.n))

    async def failing(self, limit: int) -> list[SliceRow]:
        """See `Assets.failing`."""
        return [row for row in self._tables.asset_slices.all() if row.failing][:limit]

    async def told_by(self, run_id: str) -> list[str]:
        """See `Assets.told_by`."""
        return sorted({row.asset for row in self._tables.asset_events.all() if row.run_id == run_id})

    async def known(self) -> list[str]:
        """See `Assets.known`."""
        return sorted({row.asset for row in self._tables.asset_slices.all()})

    async def dynamic(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """See `Assets.dynamic`."""
        found: dict[str, tuple[str, ...]] = {}
        for row in sorted(self._tables.dynamic_keys.all(), key=lambda each: (each.added_us, each.key)):
            if row.name in names:
                found[row.name] = (*found.get(row.name, ()), row.key)
        return found

    async def add_keys(self, keys: Sequence[DynamicKey]) -> None:
        """See `Assets.add_keys`."""
        add_keys(self._tables, keys)


def add_keys(tables: Tables, keys: Sequence[DynamicKey]) -> None:
    """When one came stays what it was."""
    for row in keys:
        known = tables.dynamic_keys.get((row.name, row.key))
        added_us = row.added_us if known is None else known.added_us
        tables.dynamic_keys.put((row.name, row.key), msgspec.structs.replace(row, added_us=added_us))


def told(tables: Tables, events: Sequence[AssetEventRow]) -> None:
    """Append the events, and fold them into the slices that they are about."""
    add_keys(tables, added_by(events))
    for row in of_slices(events):
        tables.asset_events.put((row.run_id, row.task, row.map_index, row.attempt, row.n), row)
    for row in about_slices(of_slices(events)):
        standing = tables.asset_slices.get((row.asset, row.partition))
        tables.asset_slices.put((row.asset, row.partition), fold(standing, row))

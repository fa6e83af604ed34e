"""How slices of assets stand now, as plans need it: which are missing or stale, which dynamic keys there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from toque.graph.assets import Asset
from toque.graph.ir import Pipeline
from toque.graph.partitions import AnyPartitioning
from toque.ports.assets import SliceRow
from toque.ports.store import Store
from toque.schedule.partitions import Known, dynamic_names, upstream_keys
from toque.schedule.partitions.keys import MAX_KEYS
from toque.schedule.partitions.staleness import Source, Standing, stale_slices


def made_by(pipeline: Pipeline) -> dict[str, Asset]:
    """The assets that a run of it makes, by key."""
    return {asset.key: asset for asset in pipeline.assets if asset.node}


def cuts_of(pipeline: Pipeline) -> dict[str, AnyPartitioning | None]:
    """How the assets that it makes or reads are cut."""
    return {asset.key: asset.partitions for asset in pipeline.assets}


async def known_of(store: Store, now_us: int, cuts: Iterable[AnyPartitioning | None]) -> Known:
    """What the arithmetic of these partitions has to know."""
    return Known(now_us, await store.assets.dynamic(dynamic_names(cuts)))


async def slices_of(store: Store, asset: str) -> dict[str, SliceRow]:
    """Every slice that is known of it, by key."""
    return {each.partition: each for each in await store.assets.slices(asset, limit=MAX_KEYS)}


class Looking:
    """Looks at slices of the assets of one pipeline; each asset is read once."""

    def __init__(self, store: Store, pipeline: Pipeline, known: Known) -> None:
        self._store = store
        self._known = known
        self._made = made_by(pipeline)
        self._cuts = cuts_of(pipeline)
        self._slices: dict[str, dict[str, Standing]] = {}

    async def stale(self) -> set[str]:
        """Keys of slices that were made, and would be made differently now, of any of its assets."""
        found: set[str] = set()
        for asset in self._made.values():
            slices = await self._standings(asset.key)
            sources = [
                Source(each.asset, each.mapping, self._cuts.get(each.asset), await self._standings(each.asset))
                for each in asset.sources
            ]
            stale = stale_slices
            found |= set(
                await asyncio.to_thread(stale, asset.partitions, asset.code_version, slices, sources, self._known)
            )
        return found

    async def made(self) -> set[str]:
        """Keys of slices that were made of all of its assets."""
        found = [{key for key, each in (await self._standings(key)).items() if each.made_us} for key in self._made]
        return set.intersection(*found) if found else set()

    def reading(self, keys: Iterable[str], changed: Mapping[str, set[str]]) -> set[str]:
        """Of `keys`, those that read one of the `changed` slices of what others make."""
        found: set[str] = set()
        for asset in self._made.values():
            for each in asset.sources:
                if each.asset in self._made or not changed.get(each.asset):
                    continue
                theirs = self._cuts.get(each.asset)
                for key in keys:
                    read = upstream_keys(each.mapping, asset.partitions, theirs, key, self._known)
                    if not changed[each.asset].isdisjoint(read):
                        found.add(key)
        return found

    async def _standings(self, asset: str) -> dict[str, Standing]:
        if asset not in self._slices:
            rows = await slices_of(self._store, asset)
            self._slices[asset] = {
                key: Standing(row.materialized_us, row.changed_us, row.code_version) for key, row in rows.items()
            }
        return self._slices[asset]

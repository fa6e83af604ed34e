"""The feeds of data: `assets`, all of them as lists and the graph show them, and `asset:KEY`, one with its history.

A commit only says of which assets something was told. How they, and what is made from them, stand now is looked up a
moment later, once for all that happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from toque.api.stream import patches
from toque.api.stream.changes import Changes
from toque.api.stream.feed import Feed, Sources
from toque.api.stream.other_runs import OtherRuns


class DataFeed(Feed):
    """What both have in common: which assets something was told of."""

    def __init__(self, name: str, sources: Sources, since: int) -> None:
        super().__init__(name, sources, since)
        self._told: set[str] = set()
        self._is_redefined = False
        self._others = OtherRuns(sources)

    async def open(self) -> None:
        """What other processes told before is in the state that the client asks for."""
        await self._others.gone_on()

    def told(self, assets: Iterable[str]) -> None:
        """A transaction of this process tells of them."""
        self._told.update(assets)

    def redefined(self) -> None:
        """The project says something else of its assets."""
        self._is_redefined = True

    async def reset(self) -> bytes:
        """Nothing: whoever watches has asked for the state, and asks again for what it may have missed."""
        return patches.reset(self.name, [])

    async def look(self, number: Callable[[], int]) -> bool:
        """See `Feed.look`."""
        for run_id in await self._others.gone_on():
            self._told.update(await self.sources.store.assets.told_by(run_id))
        if self._is_redefined:
            self._is_redefined = False
            n = number()
            for changes in self.kinds.values():
                changes.forget(n)
            return True
        if not self._told or self.sources.assets is None:
            return False
        told, self._told = sorted(self._told), set()
        return await self.put(number, told)

    async def put(self, number: Callable[[], int], told: Sequence[str]) -> bool:
        """Take note of how things stand after something was told of these assets; whether anything is new."""
        raise NotImplementedError


class AssetsFeed(DataFeed):
    """All assets: those of which something was told, and those made from them."""

    def __init__(self, name: str, sources: Sources, since: int) -> None:
        super().__init__(name, sources, since)
        self.kinds = {"assets": Changes(bytes, since), "asset_nodes": Changes(bytes, since)}
        self._sent: dict[tuple[str, str], bytes] = {}

    async def put(self, number: Callable[[], int], told: Sequence[str]) -> bool:
        """See `DataFeed.put`."""
        assert self.sources.assets is not None
        changed = False
        for key, summary, node in await self.sources.assets.standing(told):
            rows = {"assets": patches.encoded(summary), "asset_nodes": patches.encoded(node)}
            for kind, changes in self.kinds.items():
                if self._sent.get((kind, key)) != rows[kind]:
                    self._sent[kind, key] = rows[kind]
                    changes.put(number(), key, rows[kind])
                    changed = True
        return changed


class AssetFeed(DataFeed):
    """One asset: itself, the slices that stand otherwise than before, and what was told of it."""

    def __init__(self, name: str, sources: Sources, since: int, key: str) -> None:
        super().__init__(name, sources, since)
        self.key = key
        self._asset: Changes[bytes] = Changes(bytes, since)
        self._events: Changes[bytes] = Changes(bytes, since)
        self._slices: Changes[bytes] = Changes(bytes, since)
        self.kinds = {"asset": self._asset, "asset_events": self._events, "asset_slices": self._slices}
        self._cells: dict[str, bytes] = {}
        self._known: set[str] = set()
        """Events that were there or were sent, of the newest."""
        self._sent = b""

    async def open(self) -> None:
        """See `Feed.open`."""
        await super().open()
        if self.sources.assets is not None:
            self._cells = {partition: bytes(row) for partition, row in await self.sources.assets.slices(self.key)}
            self._known = {name for name, _ in await self.sources.assets.events(self.key)}

    async def put(self, number: Callable[[], int], told: Sequence[str]) -> bool:
        """See `DataFeed.put`."""
        assets = self.sources.assets
        assert assets is not None
        detail, upstream = await assets.detail(self.key)
        if not {self.key, *upstream}.intersection(told):
            return False
        # All of it is asked for before any of it is put: a stream may send in between, and half of it would be odd.
        slices, newest = await assets.slices(self.key), await assets.events(self.key)
        changed = False
        if detail and detail != self._sent:
            self._sent = detail
            self._asset.put(number(), self.key, detail)
            changed = True
        for partition, cell in slices:
            if self._cells.get(partition) != cell:
                self._cells[partition] = cell
                self._slices.put(number(), partition, cell)
                changed = True
        for name, event in reversed(newest):
            if name not in self._known:
                self._events.put(number(), name, event)
                changed = True
        self._known = {name for name, _ in newest}
        return changed

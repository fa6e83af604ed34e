"""Assets as the stream tells of them: the rows that routes answer, encoded, for those that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel

from toque.api import assets as shown
from toque.api.asset_slices import detail, event, states
from toque.api.services import Services
from toque.api.wire.assets import AssetNode, AssetSummary, SliceChange
from toque.errors import NotFound
from toque.ports.assets import EventQuery

NEWEST = 100
"""Events of one asset between two looks."""
STATES = {".": "missing", "m": "made", "s": "stale", "f": "failing"}


class AssetRows:
    """See `toque.api.stream.feed.AssetLooks`."""

    def __init__(self, asked: Services) -> None:
        self._asked = asked

    async def standing(self, told: Iterable[str]) -> list[tuple[str, AssetSummary, AssetNode]]:
        """See `AssetLooks.standing`."""
        known = await shown.catalogue(self._asked)
        wanted: dict[str, None] = {}
        for key in told:
            if key in known.assets:
                wanted |= dict.fromkeys((key, *known.downstream.get(key, ())))
        standing = await shown.stands(self._asked, known, list(wanted))
        return [(key, shown.summary(known, key, standing), shown.node(known, key, standing)) for key in wanted]

    async def detail(self, key: str) -> tuple[bytes, Sequence[str]]:
        """See `AssetLooks.detail`."""
        try:
            found = await detail(self._asked, await shown.catalogue(self._asked), key)
        except NotFound:
            return b"", ()
        return _encoded(found), found.upstream

    async def slices(self, key: str) -> list[tuple[str, bytes]]:
        """See `AssetLooks.slices`."""
        try:
            found = await states(self._asked, await shown.catalogue(self._asked), key)
        except NotFound:
            return []
        return [
            (partition, _encoded(SliceChange(partition=partition, state=STATES[cell])))  # type: ignore[arg-type]
            for partition, cell in zip(found.keys, found.cells, strict=True)
        ]

    async def events(self, key: str) -> list[tuple[str, bytes]]:
        """See `AssetLooks.events`."""
        rows = await self._asked.store.assets.events(EventQuery(asset=key, limit=NEWEST))
        return [
            (f"{row.run_id} {row.task} {row.map_index} {row.attempt} {row.n}", _encoded(event(row))) for row in rows
        ]


def _encoded(row: BaseModel) -> bytes:
    return row.model_dump_json(by_alias=True).encode()

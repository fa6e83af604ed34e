"""Which checks of an asset are still in the code: what was removed from it neither holds nor fails any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from toque.api.services import Services
from toque.engine.assets import Checked
from toque.engine.rows import AssetEventRow
from toque.graph.assets import Asset
from toque.ports.assets import EventQuery, SliceRow
from toque.ports.project import IndexedAsset
from toque.runtime.past import CHECKS

LOOKED_BACK = 500
"""Outcomes of all checks of an asset, to learn who told of one that it does not state."""


def is_gone(asset: Asset, check: str, told_by: str, made_by: str) -> bool:
    """Whether who makes an asset checked it so once and does so no more. Others have checks of it too: tests of dbt."""
    is_stated = asset.checks is None or check in asset.checks or check in CHECKS.values()
    return not is_stated and told_by == made_by


async def of_current(
    asked: Services, assets: Mapping[str, IndexedAsset], rows: Iterable[SliceRow]
) -> Sequence[SliceRow]:
    """The slices without what is gone among that what fails. Costs nothing where all of that is stated."""
    found = list(rows)
    for at, row in enumerate(found):
        indexed = assets.get(row.asset)
        if indexed is None or not any(is_gone(indexed.asset, check, row.task, row.task) for check in row.failing):
            continue
        query = EventQuery(asset=row.asset, partition=row.partition, kind="checked", limit=LOOKED_BACK)
        tellers = told_by(await asked.store.assets.events(query))
        left = {
            check: severity
            for check, severity in row.failing.items()
            if not is_gone(indexed.asset, check, tellers.get(check, ""), row.task)
        }
        found[at] = msgspec.structs.replace(row, failing=left)
    return found


def told_by(rows: Iterable[AssetEventRow]) -> dict[str, str]:
    """By check the task that told of it last; the newest rows come first."""
    found: dict[str, str] = {}
    for row in rows:
        if isinstance(row.event, Checked):
            found.setdefault(row.event.check, row.task)
    return found

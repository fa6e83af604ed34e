"""The measures of an asset over time: its rows with what was expected of them, and how its columns changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import pairwise

from toque.api.asset_checks import review_words
from toque.api.assets import Catalogue
from toque.api.services import Services
from toque.api.wire.asset_checks import AssetMeasures, Measure, SchemaChange
from toque.data.anomalies import LEAST_POINTS, Anomaly
from toque.engine.assets import Materialized
from toque.engine.rows import AssetEventRow
from toque.runtime.past import CHECKS, Made, judged, made_in, told_of

SHOWN = 120
"""Materializations; each is judged by those before it."""


async def measures(asked: Services, known: Catalogue, key: str, partition: str | None) -> AssetMeasures:
    """Of one asset, or one slice of it. Raises `NotFound`."""
    known.find(key)
    told = await told_of(asked.store, key, partition)
    points = await asyncio.to_thread(_judged, made_in(told)[-SHOWN:])
    return AssetMeasures(points=points, changes=list(_changes(told)))


def _judged(made: Sequence[Made]) -> list[Measure]:
    """Each by those before it, as it was judged when it was made; backfills are not."""
    found = []
    for at, each in enumerate(made):
        is_judged = each.rows is not None and not each.row.backfill_id
        odd = judged(each.rows or 0, each.row.at_us, made[:at], "rows") if is_judged else None
        found.append(_measure(each, odd))
    return found


def _measure(made: Made, odd: Anomaly | None) -> Measure:
    row = made.row
    band = odd.band if odd is not None and odd.points >= LEAST_POINTS else None
    return Measure(
        at_us=row.at_us,
        run_id=row.run_id,
        partition=row.partition,
        rows=made.rows,
        size_bytes=made.size_bytes,
        duration_s=made.duration_s,
        low=band.warn_low if band is not None else None,
        high=band.warn_high if band is not None else None,
        level=odd.level if odd is not None else "ok",
        message=odd.message if odd is not None and odd.is_odd else "",
        reviewed=review_words((made.reviews or {}).get(CHECKS["rows"])),
    )


def _changes(told: Sequence[AssetEventRow]) -> Iterable[SchemaChange]:
    """From one materialization that says its columns to the next."""
    made = [(row, dict(row.event.columns)) for row in told if isinstance(row.event, Materialized) and row.event.columns]
    for (_, was), (now, has) in pairwise(made):
        if was != has:
            yield SchemaChange(
                at_us=now.at_us,
                run_id=now.run_id,
                added=[f"{name} {kind}" for name, kind in has.items() if name not in was],
                removed=[f"{name} {kind}" for name, kind in was.items() if name not in has],
                retyped=[f"{name} {was[name]} → {kind}" for name, kind in has.items() if was.get(name, kind) != kind],
            )

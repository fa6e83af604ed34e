"""The measures of an asset over time: its rows with what was expected of them, and how its columns changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from toque.api.assets import Catalogue
from toque.api.services import Services
from toque.api.wire.asset_checks import AssetMeasures, Measure, SchemaChange
from toque.data.anomalies import LEAST_POINTS, Anomaly, Point, judge
from toque.engine.assets import Materialized, Observed
from toque.engine.rows import AssetEventRow
from toque.ports.assets import EventQuery

LOOKED_BACK = 400
"""Events; those of checks are among them."""
SHOWN = 120
"""Materializations; each is judged by those before it."""


async def measures(asked: Services, known: Catalogue, key: str, partition: str | None) -> AssetMeasures:
    """Of one asset, or one slice of it. Raises `NotFound`."""
    known.find(key)
    query = EventQuery(asset=key, partition=partition, limit=LOOKED_BACK)
    told = (await asked.store.assets.events(query))[::-1]
    points = await asyncio.to_thread(_judged, list(_counted(told))[-SHOWN:])
    return AssetMeasures(points=points, changes=list(_changes(told)))


def _counted(told: Sequence[AssetEventRow]) -> Iterable[tuple[AssetEventRow, int | None, int | None]]:
    """(what was told, rows, bytes), in order of time. Some count the rows of what they made when they have ended: those
    are told of as an observation by the same run."""
    made: tuple[AssetEventRow, int | None, int | None] | None = None
    for row in told:
        match row.event:
            case Materialized() as event:
                if made is not None:
                    yield made
                made = (row, event.rows, event.size_bytes)
            case Observed(rows=int(count)) if made is not None and made[0].run_id == row.run_id and made[1] is None:
                made = (made[0], count, made[2])
            case Observed(rows=int(count)):
                if made is not None:
                    yield made
                made = (row, count, None)
    if made is not None:
        yield made


def _judged(counted: Iterable[tuple[AssetEventRow, int | None, int | None]]) -> list[Measure]:
    past: list[Point] = []
    found = []
    for row, rows, size_bytes in counted:
        at = datetime.fromtimestamp(row.at_us / 1_000_000, UTC)
        odd = None
        if rows is not None:
            odd = judge(rows, at, past)
            past.append(Point(at, rows))
        found.append(_measure(row, rows, size_bytes, odd))
    return found


def _measure(row: AssetEventRow, rows: int | None, size_bytes: int | None, odd: Anomaly | None) -> Measure:
    band = odd.band if odd is not None and odd.points >= LEAST_POINTS else None
    return Measure(
        at_us=row.at_us,
        run_id=row.run_id,
        partition=row.partition,
        rows=rows,
        size_bytes=size_bytes,
        low=band.warn_low if band is not None else None,
        high=band.warn_high if band is not None else None,
        level=odd.level if odd is not None else "ok",
        message=odd.message if odd is not None and odd.is_odd else "",
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

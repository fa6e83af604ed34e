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
from toque.engine.assets import Materialized
from toque.engine.rows import AssetEventRow
from toque.ports.assets import EventQuery

SHOWN = 120
"""Materializations; each is judged by those before it."""


async def measures(asked: Services, known: Catalogue, key: str, partition: str | None) -> AssetMeasures:
    """Of one asset, or one slice of it. Raises `NotFound`."""
    known.find(key)
    query = EventQuery(asset=key, partition=partition, kind="materialized", limit=SHOWN)
    rows = (await asked.store.assets.events(query))[::-1]
    points = await asyncio.to_thread(_points, rows)
    return AssetMeasures(points=points, changes=list(_changes(rows)))


def _points(rows: Sequence[AssetEventRow]) -> list[Measure]:
    past: list[Point] = []
    found = []
    for row in rows:
        made = _made(row)
        at = datetime.fromtimestamp(row.at_us / 1_000_000, UTC)
        odd = None
        if made.rows is not None:
            odd = judge(made.rows, at, past)
            past.append(Point(at, made.rows))
        found.append(_measure(row, made, odd))
    return found


def _measure(row: AssetEventRow, made: Materialized, odd: Anomaly | None) -> Measure:
    band = odd.band if odd is not None and odd.points >= LEAST_POINTS else None
    return Measure(
        at_us=row.at_us,
        run_id=row.run_id,
        partition=row.partition,
        rows=made.rows,
        size_bytes=made.size_bytes,
        low=band.warn_low if band is not None else None,
        high=band.warn_high if band is not None else None,
        level=odd.level if odd is not None else "ok",
        message=odd.message if odd is not None and odd.is_odd else "",
    )


def _changes(rows: Sequence[AssetEventRow]) -> Iterable[SchemaChange]:
    """From one materialization that says its columns to the next."""
    told = [row for row in rows if _made(row).columns]
    for before, now in pairwise(told):
        was, has = dict(_made(before).columns), dict(_made(now).columns)
        if was != has:
            yield SchemaChange(
                at_us=now.at_us,
                run_id=now.run_id,
                added=[f"{name} {kind}" for name, kind in has.items() if name not in was],
                removed=[f"{name} {kind}" for name, kind in was.items() if name not in has],
                retyped=[f"{name} {was[name]} → {kind}" for name, kind in has.items() if was.get(name, kind) != kind],
            )


def _made(row: AssetEventRow) -> Materialized:
    assert isinstance(row.event, Materialized)
    return row.event

"""The past of an asset as anomalies are judged by it: its materializations with their rows and durations, and what
people said of those that were odd."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from toque.data.anomalies import Anomaly, Point, judge
from toque.engine.assets import Checked, Materialized, Observed, Reviewed
from toque.engine.rows import AssetEventRow
from toque.ports.assets import EventQuery
from toque.ports.store import Store

Measured: TypeAlias = Literal["rows", "duration"]
CHECKS: Mapping[Measured, str] = {"rows": "as_usual(rows)", "duration": "as_usual(duration)"}
"""What an anomaly is called among the checks of its asset."""
LEAST_MOVES: Mapping[Measured, float] = {"rows": 10.0, "duration": 10.0}
"""Rows, and seconds: smaller moves are nobody's business, however steady the past was."""
LOOKED_BACK = 120
"""Materializations; and as many looks, since some count the rows of what they made when they have ended."""
JUDGED_BY = 60
"""The same where an end waits to be recorded: eight weeks of days, as seasons need them, in about 2 ms."""


@dataclass(frozen=True)
class Made:
    """One materialization, or one look at what something else makes."""

    row: AssetEventRow
    rows: int | None = None
    size_bytes: int | None = None
    duration_s: float | None = None
    reviews: Mapping[str, bool] | None = None
    """By check: whether somebody said that it was an anomaly."""

    def value(self, measured: Measured) -> float | None:
        """What was measured of it."""
        return self.rows if measured == "rows" else self.duration_s

    def point(self, measured: Measured) -> Point | None:
        """What it teaches."""
        value = self.value(measured)
        if value is None:
            return None
        said = (self.reviews or {}).get(CHECKS[measured])
        is_excluded = bool(self.row.backfill_id) or said is True
        return Point(_at(self.row.at_us), value, is_excluded=is_excluded, is_normal=said is False)


async def told_of(
    store: Store, asset: str, partition: str | None = None, *, limit: int = LOOKED_BACK
) -> list[AssetEventRow]:
    """What its past consists of, the oldest first."""
    asked = (
        EventQuery(asset=asset, partition=partition, kind=kind, limit=limit)
        for kind in ("materialized", "observed", "reviewed")
    )
    found = await asyncio.gather(*map(store.assets.events, asked))
    return sorted((row for rows in found for row in rows), key=lambda row: (row.at_us, row.run_id, row.n))


def made_in(told: Sequence[AssetEventRow]) -> list[Made]:
    """The materializations among it, in order, with what is known of each by now."""
    reviews: dict[tuple[str, int, str], dict[str, bool]] = {}
    for row in told:
        if isinstance(event := row.event, Reviewed):
            reviews.setdefault((event.run, event.made_us, event.partition), {})[event.check] = event.was_anomaly
    return [
        replace(each, reviews=reviews.get((each.row.run_id, each.row.at_us, each.row.partition)))
        for each in _counted(told)
    ]


def _counted(told: Sequence[AssetEventRow]) -> Iterator[Made]:
    """Some count the rows of what they made when they have ended: those are told of as an observation by the run.

    What others saw of it is a point only of what nobody here makes: a reader may see all that there is, a run makes one
    partition.
    """
    is_made = any(isinstance(row.event, Materialized) for row in told)
    made: Made | None = None
    for row in told:
        match row.event:
            case Materialized() as event:
                if made is not None:
                    yield made
                made = Made(row, event.rows, event.size_bytes, event.duration_s)
            case Observed(rows=int(count)) if made is not None and made.row.run_id == row.run_id:
                made = made if made.rows is not None else replace(made, rows=count)
            case Observed(rows=int(count)) if not is_made:
                if made is not None:
                    yield made
                made = Made(row, count)
    if made is not None:
        yield made


def judged(value: float, at_us: int, past: Iterable[Made], measured: Measured) -> Anomaly:
    """How odd it is, after what was made before."""
    points = [point for each in past if (point := each.point(measured)) is not None]
    unit = "rows" if measured == "rows" else "s"
    return judge(value, _at(at_us), points, unit=unit, least_move=LEAST_MOVES[measured])


def verdict(event: Materialized | Observed, found: Anomaly, measured: Measured, *, blocks: bool) -> Checked:
    """As a check of the asset tells it."""
    return Checked(
        asset=event.asset,
        partition=event.partition,
        check=CHECKS[measured],
        passed=not found.is_odd,
        severity="block" if blocks else "warn",
        message=found.message,
    )


def _at(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)

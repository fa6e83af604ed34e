"""Calendar, durations and the day."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from toque.api.asking import Asked, Name, Parameters, TimeUs
from toque.api.errors import documented
from toque.api.lookups import find_current
from toque.api.routes.schedules import DAY_US, upcoming
from toque.api.wire.charts import Calendar, CalendarDay, Day, DayRun, DurationPoint, Durations
from toque.engine.values import AT_US
from toque.errors import UserError

router = APIRouter(tags=["charts"])
YEAR_DAYS = 371
"""What a calendar of a year shows: whole weeks."""
MOST_DAYS = 1100
MOST_HOURS = 24 * 8
MOST_RUNS = 5000


class CalendarQuery(Parameters):
    """Which days."""

    from_us: TimeUs = 0
    """By default a year before `to_us`."""
    to_us: TimeUs = 0
    """By default now."""
    tz: str = Field(default="UTC", max_length=100)


class DurationQuery(Parameters):
    """Which durations."""

    limit: int = Field(default=200, ge=1, le=1000)
    task: str = Field(default="", max_length=1000)


class DayQuery(Parameters):
    """Which range, at most 8 days."""

    from_us: TimeUs = 0
    """By default 24 hours before now."""
    to_us: TimeUs = 0
    """By default 12 hours after now, or 36 hours after `from_us`."""


@router.get("/pipelines/{name}/calendar", responses=documented(404, 422))
async def get_calendar(asked: Asked, name: Name, where: Annotated[CalendarQuery, Query()]) -> Calendar:
    """How the runs of each day ended, by their logical time."""
    await find_current(asked, name)
    to_us = where.to_us or asked.clock.now_us() + 1
    from_us = where.from_us or max(0, to_us - YEAR_DAYS * DAY_US)
    _check_range(from_us, to_us, MOST_DAYS * DAY_US, f"{MOST_DAYS} days")
    days = await asked.store.history.calendar(name, from_us, to_us, where.tz)
    return Calendar(
        days=[
            CalendarDay(
                date=day.date,
                succeeded=day.succeeded,
                failed=day.failed,
                cancelled=day.cancelled,
                active=day.active,
                total=day.succeeded + day.failed + day.cancelled + day.active,
            )
            for day in days
        ]
    )


@router.get("/pipelines/{name}/durations", responses=documented(404))
async def get_durations(asked: Asked, name: Name, where: Annotated[DurationQuery, Query()]) -> Durations:
    """How long ended runs took (or one task of them; `x[]` for all indexes of a mapped one), oldest first."""
    await find_current(asked, name)
    found = await asked.store.history.durations(name, task=where.task, limit=where.limit)
    ordered = sorted(point.duration_us for point in found if point.state == "succeeded")
    return Durations(
        points=[
            DurationPoint(
                run_id=point.run_id,
                created_us=point.created_us,
                queued_us=point.queued_us,
                duration_us=point.duration_us,
                state=point.state,
                version=point.version,
            )
            for point in found
        ],
        median_us=quantile(ordered, 0.5),
        p95_us=quantile(ordered, 0.95),
    )


@router.get("/day", responses=documented(422))
async def get_day(asked: Asked, where: Annotated[DayQuery, Query()]) -> Day:
    """What ran and what will run."""
    now_us = asked.clock.now_us()
    from_us = where.from_us or max(0, (where.to_us or now_us + DAY_US // 2) - DAY_US * 3 // 2)
    to_us = where.to_us or from_us + DAY_US * 3 // 2
    _check_range(from_us, to_us, MOST_HOURS * 3_600_000_000, "8 days")
    bars = await asked.store.history.day(from_us, to_us, MOST_RUNS)
    planned = await upcoming(asked, now_us, to_us, MOST_RUNS) if to_us > now_us else []
    return Day(
        runs=[
            DayRun(
                pipeline=bar.pipeline,
                run_id=bar.run_id,
                state=bar.state,
                created_us=bar.created_us,
                started_us=bar.started_us,
                finished_us=bar.finished_us,
            )
            for bar in bars
        ],
        ticks=[tick for tick in planned if tick.due_us >= from_us],
    )


def quantile(ordered: list[int], share: float) -> int:
    """The value below which `share` of them lie (nearest rank); 0 of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def _check_range(from_us: AT_US, to_us: AT_US, most_us: int, words: str) -> None:
    if to_us <= from_us:
        raise UserError("the range ends before it begins", fix="from_us comes before to_us")
    if to_us - from_us > most_us:
        raise UserError(f"the range is longer than {words}", fix="ask for a part of it")

"""Schedules and their ticks."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field

from toque.api import trigger_rows
from toque.api.asking import Actor, Asked, Paging, Parameters, TimeUs
from toque.api.errors import documented
from toque.api.lookups import cursor_of, position_of
from toque.api.services import Services
from toque.api.wire.model import Page
from toque.api.wire.schedules import SchedulePreview, SchedulePreviewRequest, ScheduleSummary, Tick
from toque.engine.values import AT_US
from toque.errors import NotFound, UserError
from toque.graph.schedules import Schedule
from toque.ports.triggers import ScheduleFilter, ScheduleRow
from toque.runtime.pausing import find_schedule, set_paused
from toque.runtime.ticking import Planned, plan
from toque.schedule import checks, reading
from toque.schedule.ticks import ticks
from toque.schedule.words import describe

router = APIRouter(tags=["schedules"])
ScheduleId = Annotated[str, Path(description="`pipeline/name`, URL-encoded or not.", min_length=3, max_length=400)]
DAY_US = 86_400_000_000
NEVER = 253_402_300_799_000_000
MOST = 10_000


class ScheduleQuery(Paging):
    """Which schedules."""

    pipeline: str = Field(default="", max_length=200)


class UpcomingQuery(Parameters):
    """How far ahead."""

    until_us: TimeUs = 0
    """By default 24 hours from now."""
    limit: int = Field(default=100, ge=1, le=1000)


@router.get("/schedules")
async def list_schedules(asked: Asked, where: Annotated[ScheduleQuery, Query()]) -> Page[ScheduleSummary]:
    """All schedules, or those of a pipeline."""
    after = position_of(where.cursor, str)
    found = await asked.store.triggers.list_schedules(
        ScheduleFilter(pipeline=where.pipeline, limit=where.limit + 1, after=after[0] if after else "")
    )
    page = found[: where.limit]
    more = len(found) > len(page)
    return Page(items=[trigger_rows.schedule(row) for row in page], next=cursor_of([page[-1].id]) if more else None)


@router.post("/schedules/preview", responses=documented(404, 422))
async def preview_schedule(asked: Asked, wanted: SchedulePreviewRequest) -> SchedulePreview:
    """What a rule means in words, and its next ticks."""
    now_us = asked.clock.now_us()
    pipeline, schedule = await _wanted(asked, wanted)
    # A rule that hardly ever fires is looked for over centuries: not on the loop's thread.
    found = await asyncio.to_thread(lambda: list(islice(ticks(schedule, pipeline, now_us, NEVER), wanted.count)))
    name = f"{pipeline}/{schedule.name}" if pipeline else ""
    return SchedulePreview(words=describe(schedule), ticks=[trigger_rows.tick(name, each) for each in found])


@router.post("/schedules/{schedule:path}/pause", responses=documented(404))
async def pause_schedule(asked: Asked, schedule: ScheduleId, actor: Actor) -> ScheduleSummary:
    """Let it start nothing."""
    return await _paused(asked, schedule, actor, pause=True)


@router.post("/schedules/{schedule:path}/unpause", responses=documented(404))
async def unpause_schedule(asked: Asked, schedule: ScheduleId, actor: Actor) -> ScheduleSummary:
    """Let it start runs again."""
    return await _paused(asked, schedule, actor, pause=False)


@router.get("/schedules/{schedule:path}/ticks", responses=documented(404))
async def list_ticks(asked: Asked, schedule: ScheduleId, page: Annotated[Paging, Query()]) -> Page[Tick]:
    """What became of its ticks, newest first."""
    row = await asked.store.triggers.get_schedule(schedule)
    if row is None:
        raise NotFound(f"there is no schedule {schedule!r}", fix="GET /api/v1/schedules lists them")
    before = position_of(page.cursor, int)
    found = await asked.store.triggers.list_ticks(schedule, before_us=before[0] if before else 0, limit=page.limit + 1)
    shown = found[: page.limit]
    more = len(found) > len(shown)
    next_us = (shown[-1].tick.first_us or shown[-1].tick.at_us) if more else 0
    return Page(items=[trigger_rows.seen_tick(seen) for seen in shown], next=cursor_of([next_us]) if more else None)


@router.get("/upcoming")
async def list_upcoming(asked: Asked, where: Annotated[UpcomingQuery, Query()]) -> Page[Tick]:
    """Planned ticks of all schedules, soonest first."""
    now_us = asked.clock.now_us()
    until_us = where.until_us or now_us + DAY_US
    return Page(items=await upcoming(asked, now_us, until_us, where.limit))


async def upcoming(asked: Services, now_us: AT_US, until_us: AT_US, limit: int) -> list[Tick]:
    """Ticks of all schedules up to an instant, soonest first."""
    found = await asked.store.triggers.list_schedules(
        ScheduleFilter(due_before_us=max(until_us, 1), limit=min(MOST, limit * 10))
    )
    return await asyncio.to_thread(_merged, found, until_us, limit)


def _merged(found: list[ScheduleRow], until_us: AT_US, limit: int) -> list[Tick]:
    streams = [_planned_ticks(row, until_us) for row in found]
    return list(islice(heapq.merge(*streams, key=lambda tick: tick.due_us), limit))


def _planned_ticks(row: ScheduleRow, until_us: AT_US) -> Iterator[Tick]:
    try:
        planned: Planned = plan(row)
    except msgspec.ValidationError:
        return
    if planned.tick is None:
        return
    after_us = planned.tick.at_us - 1
    for each in ticks(planned.schedule, row.pipeline, after_us, until_us):
        yield trigger_rows.tick(row.id, each)


async def _paused(asked: Services, schedule: str, actor: str, *, pause: bool) -> ScheduleSummary:
    row = await asked.store.triggers.get_schedule(schedule)
    if row is None or row.retired:
        raise NotFound(f"there is no schedule {schedule!r}", fix="GET /api/v1/schedules lists them")
    done = await set_paused(asked.store, [row], pause=pause, actor=actor, now_us=asked.clock.now_us())
    return trigger_rows.schedule(done[0] if done else row)


async def _wanted(asked: Services, wanted: SchedulePreviewRequest) -> tuple[str, Schedule]:
    """Raises `NotFound`, `UserError`."""
    if not wanted.rule:
        if not wanted.pipeline:
            raise UserError("neither a rule nor a pipeline is given", fix='{"rule": "0 7 * * 1-5"}')
        name = f"{wanted.pipeline}/{wanted.name}" if wanted.name else wanted.pipeline
        return wanted.pipeline, plan(await find_schedule(asked.store, name)).schedule
    # Whether a rule ever fires may take a search over years.
    return "", await asyncio.to_thread(_of_rule, wanted.rule, wanted.tz)


def _of_rule(text: str, tz: str) -> Schedule:
    """Raises `UserError`."""
    checks.check_zone(tz)
    schedule = Schedule(name="preview", rule=reading.rule(text, tz), tz=tz)
    checks.validate(schedule)
    return schedule

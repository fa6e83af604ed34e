"""Schedules and their ticks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from toque.api.asking import Actor, Asked, Paging, Parameters, TimeUs
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.model import Page
from toque.api.wire.schedules import SchedulePreview, SchedulePreviewRequest, ScheduleSummary, Tick

router = APIRouter(tags=["schedules"])
ScheduleId = Annotated[str, Path(description="`pipeline/name`, URL-encoded or not.", min_length=3, max_length=400)]


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
    raise NotImplementedYet("list_schedules")


@router.post("/schedules/preview", responses=documented(404, 422))
async def preview_schedule(asked: Asked, wanted: SchedulePreviewRequest) -> SchedulePreview:
    """What a rule means in words, and its next ticks."""
    raise NotImplementedYet("preview_schedule")


@router.post("/schedules/{schedule:path}/pause", responses=documented(404))
async def pause_schedule(asked: Asked, schedule: ScheduleId, actor: Actor) -> ScheduleSummary:
    """Let it start nothing."""
    raise NotImplementedYet("pause_schedule")


@router.post("/schedules/{schedule:path}/unpause", responses=documented(404))
async def unpause_schedule(asked: Asked, schedule: ScheduleId, actor: Actor) -> ScheduleSummary:
    """Let it start runs again."""
    raise NotImplementedYet("unpause_schedule")


@router.get("/schedules/{schedule:path}/ticks", responses=documented(404))
async def list_ticks(asked: Asked, schedule: ScheduleId, page: Annotated[Paging, Query()]) -> Page[Tick]:
    """What became of its ticks, newest first."""
    raise NotImplementedYet("list_ticks")


@router.get("/upcoming")
async def list_upcoming(asked: Asked, where: Annotated[UpcomingQuery, Query()]) -> Page[Tick]:
    """Planned ticks of all schedules, soonest first."""
    raise NotImplementedYet("list_upcoming")

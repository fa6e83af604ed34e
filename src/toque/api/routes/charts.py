"""Calendar, durations and the day."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from toque.api.asking import Asked, Name, Parameters, TimeUs
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.charts import Calendar, Day, Durations

router = APIRouter(tags=["charts"])


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
    """By default 24 hours before `to_us`."""
    to_us: TimeUs = 0
    """By default 12 hours from now."""


@router.get("/pipelines/{name}/calendar", responses=documented(404, 422))
async def get_calendar(asked: Asked, name: Name, where: Annotated[CalendarQuery, Query()]) -> Calendar:
    """How the runs of each day ended."""
    raise NotImplementedYet("get_calendar")


@router.get("/pipelines/{name}/durations", responses=documented(404))
async def get_durations(asked: Asked, name: Name, where: Annotated[DurationQuery, Query()]) -> Durations:
    """How long ended runs took (or one task of them), oldest first."""
    raise NotImplementedYet("get_durations")


@router.get("/day", responses=documented(422))
async def get_day(asked: Asked, where: Annotated[DayQuery, Query()]) -> Day:
    """What ran and what will run."""
    raise NotImplementedYet("get_day")

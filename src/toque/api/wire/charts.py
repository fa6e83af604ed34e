"""A pipeline over time: calendar and durations; everything over a day."""

from __future__ import annotations

from toque.api.wire.model import Wire
from toque.api.wire.schedules import Tick
from toque.engine.states import RunState


class CalendarDay(Wire):
    """How the runs of one day ended."""

    date: str
    """`2026-11-22`, in the asked time zone."""
    succeeded: int
    failed: int
    cancelled: int
    active: int
    total: int


class Calendar(Wire):
    """Days with runs, oldest first."""

    days: list[CalendarDay]


class DurationPoint(Wire):
    """One ended run (or one ended run of a task)."""

    run_id: str
    created_us: int
    queued_us: int
    """How long it waited."""
    duration_us: int
    state: str
    version: str


class Durations(Wire):
    """Oldest first."""

    points: list[DurationPoint]
    median_us: int
    p95_us: int


class DayRun(Wire):
    """A run on the timeline of the day."""

    pipeline: str
    run_id: str
    state: RunState
    created_us: int
    started_us: int
    finished_us: int


class Day(Wire):
    """What ran and what will run."""

    runs: list[DayRun]
    ticks: list[Tick]
    """Planned ones."""

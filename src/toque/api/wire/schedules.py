"""Schedules and their ticks."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from toque.api.wire.model import Text, Wire
from toque.engine.states import RunState


class ScheduleSummary(Wire):
    """A time rule of a pipeline."""

    id: str
    """`pipeline/name`."""
    pipeline: str
    name: str
    rule: str
    words: str
    """What the rule means."""
    tz: str
    paused: bool
    next_us: int
    """0: none."""
    last_us: int
    """Every tick up to this instant has an outcome; 0: none was ever due."""
    catchup: str
    parameters: dict[str, Any]
    version: str
    """Its runs are pinned to it."""
    changed_us: int
    """When somebody paused or resumed it last; 0: never."""
    actor: str
    """Who did."""


class Tick(Wire):
    """One firing of a schedule."""

    schedule: str
    at_us: int
    """The nominal instant."""
    start_us: int
    end_us: int
    """Its data interval."""
    due_us: int
    """When it fires: `at_us` and its jitter."""
    outcome: Literal["started", "skipped", "coalesced", "planned"]
    """`planned`: it has not fired. In a `ticks` frame of the stream that is the next tick of a schedule that was
    changed; with `at_us` 0 it has none, and `reason` says why."""
    reason: str
    """Why it started nothing; of a planned one `paused`, `retired` or nothing."""
    run_id: str
    run_state: RunState | None = None
    """None: it has no run, or it was removed."""
    count: int = 1
    """Ticks with the same fate, from `first_us` to `at_us`."""
    first_us: int = 0


class SchedulePreviewRequest(Wire):
    """Of a declared schedule (`pipeline`, `name`), or of any rule."""

    pipeline: Text = ""
    name: Text = ""
    rule: Text = ""
    """`0 7 * * 1-5`, `every 15m`, or an RRULE."""
    tz: Text = "UTC"
    count: int = Field(default=10, ge=1, le=200)


class SchedulePreview(Wire):
    """What a rule means, and when it fires next."""

    words: str
    ticks: list[Tick]

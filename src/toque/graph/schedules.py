"""Schedules in the IR: when a pipeline starts by itself, as values. `toque.schedule` says what they mean."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from toque.graph.value import IRValue

CatchUpPolicy: TypeAlias = Literal["skip", "latest", "all"]
"""What becomes of ticks that nobody could start in time: none, the newest, or all of them."""


class Rule(IRValue, frozen=True, kw_only=True, tag_field="kind"):
    """What all rules share."""


class CronRule(Rule, frozen=True, kw_only=True, tag="cron"):
    """Wall-clock times by five fields (minute, hour, day, month, weekday), or six with seconds in front."""

    text: str


class IntervalRule(Rule, frozen=True, kw_only=True, tag="interval"):
    """Every so many seconds of elapsed time, counted from an anchor; no zone changes that."""

    every_s: float
    anchor_us: int = 0
    """UTC; the ticks are at `anchor + n * every`, for every whole n."""


class RRuleRule(Rule, frozen=True, kw_only=True, tag="rrule"):
    """Wall-clock times by a recurrence rule of RFC 5545: `FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18`."""

    text: str
    """The parts of one RRULE, without its name, `DTSTART` and `UNTIL`."""
    dtstart: str
    """The first wall-clock time of the series, as `2026-01-01T09:00:00`."""
    until: str = ""
    """The last wall-clock time of the series, inclusive; "" when it has no end."""


class BusinessDaysRule(Rule, frozen=True, kw_only=True, tag="business_days"):
    """Wall-clock times of business days: weekdays that are no holiday of the schedule's calendar."""

    at: tuple[str, ...]
    """`HH:MM` or `HH:MM:SS`, ascending."""
    nth: tuple[int, ...] = ()
    """Only these business days of a month: 1 is the first, -1 the last; () is all of them."""
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    """ISO numbers: 1 is Monday."""


AnyRule: TypeAlias = CronRule | IntervalRule | RRuleRule | BusinessDaysRule


class Calendar(IRValue, frozen=True, kw_only=True):
    """Days without ticks. Read from a file at load and carried here, so that a version knows its holidays."""

    holidays: tuple[str, ...]
    """Local dates as `2026-12-25`, ascending."""
    file: str = ""
    """Where they were read, relative to the project; for people."""


class Schedule(IRValue, frozen=True, kw_only=True):
    """A rule that starts runs of a pipeline, with what those runs are given."""

    name: str
    """Unique within its pipeline; its id everywhere else is `pipeline/name`."""
    rule: AnyRule
    tz: str = "UTC"
    """IANA name of the zone whose wall clock the rule reads."""
    parameters: dict[str, Any] = {}
    """All parameters of its runs in tagged JSON: validated at load, defaults of the pipeline included."""
    catchup: CatchUpPolicy = "latest"
    catchup_limit: int = 100
    """With `all`: so many of the missed ticks are started, the newest ones."""
    jitter_s: float = 0.0
    """Spreads schedules that coincide: each starts up to so much later, always by the same share of it."""
    start_us: int = 0
    """No tick before; 0: as far back as one looks."""
    end_us: int = 0
    """No tick at or after; 0: no end."""
    paused: bool = False
    """Paused when it is first seen; from then on people decide."""
    calendar: Calendar | None = None

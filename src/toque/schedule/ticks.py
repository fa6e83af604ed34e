"""The ticks of a schedule: when they are, and which span of data each stands for.

A rule names wall-clock times; a zone says which instants show them. Where the clocks change, two laws decide:

- **Times of the day** (`0 2 * * *`, `0 9-17 * * *`, business days, a daily recurrence) happen once each. Those that
  the clocks leap over happen together, as one tick, at the instant of the leap: nobody's night is lost. Those that
  the clocks show twice happen the first time only.
- **A pace** (a rule that holds in every hour of the day: `*/15 * * * *`, `30 * * * *`) happens at each instant whose
  wall clock fits: none for times that are leapt over, two for times that are shown twice, so that the pace holds in
  elapsed time. Vixie's cron looks for a `*` instead; here `*/2` and `0-23/2` are the same, and name hours.

Intervals count elapsed time and know no zone. So the set of ticks does not depend on where one starts to look.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from toque.graph.schedules import IntervalRule, Schedule
from toque.schedule import zones
from toque.schedule.walls import NEVER, Cursor, WallRule, holidays, is_steady

_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
_LOOK_BACK: Final = 9
"""So often the span in which the tick before is looked for grows, eight times each: from a minute to 32 years."""
_FIRST_US: Final = -62_000_000_000 * _SECOND_US  # the year 5: zones and calendars know nothing before


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One firing of a schedule. (pipeline, schedule, `at_us`) is its key."""

    at_us: int
    """The nominal instant, UTC: the logical time of the run, and the end of its data interval."""
    start_us: int
    """Start of the data interval: the tick before. The very first tick of a series has an empty interval."""
    due_us: int
    """When to start it: `at_us` and the schedule's share of jitter. Rises with `at_us`."""

    @property
    def end_us(self) -> int:
        """End of the data interval."""
        return self.at_us


def ticks(schedule: Schedule, pipeline: str, after_us: int, until_us: int) -> Iterator[Tick]:
    """The ticks with `after_us < at_us <= until_us`, ascending."""
    late_us = jitter_us(schedule, pipeline)
    before: int | None = None
    for at_us in instants(schedule, after_us, until_us):
        if before is None:
            before = _tick_before(schedule, at_us, max(after_us, schedule.start_us - 1))
        yield Tick(at_us=at_us, start_us=before, due_us=at_us + late_us)
        before = at_us


def next_tick(schedule: Schedule, pipeline: str, after_us: int) -> Tick | None:
    """The first tick with `at_us > after_us`; None when there is none any more."""
    return next(ticks(schedule, pipeline, after_us, NEVER), None)


def jitter_us(schedule: Schedule, pipeline: str) -> int:
    """By how much each tick of the schedule is due after its nominal instant: a hash of the names, no random number.

    The same for all of its ticks: schedules that coincide are spread, and the pace of each stays even.
    """
    if not schedule.jitter_s:
        return 0
    digest = hashlib.sha256(f"{pipeline}/{schedule.name}".encode()).digest()
    return int(schedule.jitter_s * _SECOND_US * (int.from_bytes(digest[:8], "big") / 2**64))


def instants(schedule: Schedule, after_us: int, until_us: int) -> Iterator[int]:
    """The `at_us` of the ticks in a span, without what it costs to find their data intervals."""
    after_us = max(after_us, schedule.start_us - 1) if schedule.start_us else after_us
    until_us = min(until_us, schedule.end_us - 1) if schedule.end_us else until_us
    return _of_rule(schedule, max(after_us, _FIRST_US), until_us)


def _tick_before(schedule: Schedule, at_us: int, after_us: int) -> int:
    """The tick before, also where it lies before `start_us`: what starts on a Monday begins with Sunday's data."""
    if isinstance(schedule.rule, IntervalRule) and schedule.calendar is None:
        return at_us - _every_us(schedule.rule)
    if next(_of_rule(schedule, after_us - 1, after_us), None) is not None:
        return after_us  # nothing lies between, and who goes from tick to tick asks just this
    # Most rules have the same distance on both sides.
    following = next(_of_rule(schedule, at_us, at_us + _DAY_US), at_us + _DAY_US)
    span_us = max(following - at_us, 60 * _SECOND_US)
    for _ in range(_LOOK_BACK):
        found = deque(_of_rule(schedule, max(at_us - span_us - 1, _FIRST_US), at_us - 1), maxlen=1)
        if found:
            return found[0]
        span_us *= 8
    return at_us


def _of_rule(schedule: Schedule, after_us: int, until_us: int) -> Iterator[int]:
    if isinstance(schedule.rule, IntervalRule):
        return _of_interval(schedule, schedule.rule, after_us, until_us)
    return _of_walls(schedule, schedule.rule, after_us, until_us)


def _of_interval(schedule: Schedule, rule: IntervalRule, after_us: int, until_us: int) -> Iterator[int]:
    every_us = _every_us(rule)
    off = holidays(schedule.calendar)
    last_us = min(until_us, zones.instant_us(zones.utc(0).replace(year=zones.LAST_YEAR)))
    at_us = rule.anchor_us + ((after_us - rule.anchor_us) // every_us + 1) * every_us
    while at_us <= last_us:
        if not off or zones.local(schedule.tz, at_us).date() not in off:
            yield at_us
        at_us += every_us


def _of_walls(schedule: Schedule, rule: WallRule, after_us: int, until_us: int) -> Iterator[int]:
    """Walk the zone's segments; each shows one stretch of the wall clock."""
    steady = is_steady(rule)
    cursor = Cursor(rule, schedule.calendar)
    for segment in zones.segments(schedule.tz, after_us):
        if segment.start_us > until_us:
            return
        shown_from = segment.start_us + segment.offset_us
        shown_until = segment.end_us + segment.offset_us
        shown_before = segment.start_us + segment.before_us
        from_us = max(shown_from, after_us + 1 + segment.offset_us)
        last = after_us
        if not steady:
            if shown_before < shown_from and segment.start_us > after_us:
                found = cursor.at_or_after(shown_before)
                if found < shown_from and segment.start_us <= until_us:
                    last = segment.start_us
                    yield last
            from_us = max(from_us, shown_before)
        while (found := cursor.at_or_after(from_us)) < shown_until:
            at_us = found - segment.offset_us
            if at_us > until_us:
                return
            if at_us > last:
                yield at_us
            from_us = found + 1
        # At the end of a series that keeps a pace, its last hour may be shown once more.
        if found == NEVER and (not steady or cursor.at_or_after(shown_until - _DAY_US) == NEVER):
            return


def _every_us(rule: IntervalRule) -> int:
    return max(1, math.floor(rule.every_s * _SECOND_US + 0.5))

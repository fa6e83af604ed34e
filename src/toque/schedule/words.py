"""A schedule in plain words: what the rule says, and what becomes of it in the nights when the clocks change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Final, NamedTuple, assert_never

from toque.durations import text as duration_text
from toque.graph.schedules import BusinessDaysRule, Calendar, CronRule, IntervalRule, RRuleRule, Schedule
from toque.schedule import cron, zones
from toque.schedule.recurrence_words import DAYS, joined, ordinal, recurrence
from toque.schedule.walls import Cursor, is_steady

_SAMPLED: Final = tuple(zones.instant_us(datetime.fromisoformat(f"{year}-01-01T00:00:00Z")) for year in (2026, 2032))
"""Clock changes of these years say whether a rule is ever touched by one; of a fixed span, so that words stay."""
_WEEKDAYS: Final = "on Monday through Friday"


def describe(schedule: Schedule) -> str:
    """What the schedule means as one line: the rule, its zone, and the clock changes that touch it."""
    return "; ".join([phrase(schedule), *_clock_changes(schedule)])


def phrase(schedule: Schedule) -> str:
    """The rule, its zone and its holidays in a few words."""
    match rule := schedule.rule:
        case CronRule():
            said = _cron(rule.text)
        case IntervalRule():
            said = _interval(rule)
        case RRuleRule():
            said = recurrence(rule)
        case BusinessDaysRule():
            said = _business_days(rule)
        case _:
            assert_never(rule)
    zone = "" if isinstance(rule, IntervalRule) else f" in {schedule.tz}"
    return f"{said}{zone}{_holidays(schedule.calendar)}"


def _cron(text: str) -> str:
    """cronsim says "At 02:00 on Monday through Friday" and "Every 15th minute of every hour"."""
    said = cron.parsed(text).explain()
    found = re.fullmatch(r"Every (\d+)\w\w (minute|second) of every (?:hour|minute)", said)
    if found and 60 % int(found[1]) == 0:
        return f"every {found[1]} {found[2]}s"
    if (found := re.fullmatch(r"At ([\d:]+(?:, (?:and )?[\d:]+| and [\d:]+)*) (.+)", said)) is not None:
        if found[2] == _WEEKDAYS:
            return f"every weekday at {found[1]}"
        if found[2].startswith("every "):
            return f"{found[2]} at {found[1]}"
    return said[0].lower() + said[1:].replace(_WEEKDAYS, "on weekdays")


def _interval(rule: IntervalRule) -> str:
    units = (("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, size_s = next((each for each in units if rule.every_s % each[1] == 0), ("", 1))
    count = int(rule.every_s // size_s)
    every = unit if count == 1 else f"{count} {unit}s"
    if not unit or count > 90:
        every = duration_text(rule.every_s)
    anchor = f", counted from {zones.utc(rule.anchor_us):%Y-%m-%d %H:%M:%S} UTC" if rule.anchor_us else ""
    return f"every {every} of elapsed time{anchor}"


def _business_days(rule: BusinessDaysRule) -> str:
    times = joined(rule.at)
    if rule.nth:
        return f"on the {joined([ordinal(n) for n in rule.nth])} business day of each month at {times}"
    if rule.weekdays == (1, 2, 3, 4, 5):
        return f"every business day, Monday to Friday, at {times}"
    return f"every business day, {joined([DAYS[n - 1] for n in rule.weekdays])}, at {times}"


def _holidays(calendar: Calendar | None) -> str:
    if calendar is None:
        return ""
    count = len(calendar.holidays)
    source = f" of {calendar.file}" if calendar.file else ""
    return f", but not on the {count} holidays{source}" if count != 1 else f", but not on the 1 holiday{source}"


def _clock_changes(schedule: Schedule) -> Iterator[str]:
    rule = schedule.rule
    if isinstance(rule, IntervalRule):
        return
    begin, end = _SAMPLED
    within = takewhile(lambda each: each.start_us < end, zones.segments(schedule.tz, begin))
    changes = [each for each in within if each.offset_us != each.before_us]
    if is_steady(rule):
        if changes:
            yield "when the clocks change it keeps its pace: what they skip is left out, what comes twice runs twice"
        return
    if (leap := next(_touched(schedule, [c for c in changes if c.offset_us > c.before_us]), None)) is not None:
        verb = "runs at" if len(leap.times) == 1 else "run once, at"
        yield f"when the clocks leap from {leap.before} to {leap.after}, {joined(leap.times)} {verb} {leap.after}"
    if (back := next(_touched(schedule, [c for c in changes if c.offset_us < c.before_us]), None)) is not None:
        verb = "runs once, the first time" if len(back.times) == 1 else "run once each, the first time"
        yield f"when they go back from {back.before} to {back.after}, {joined(back.times)} {verb}"


class _Change(NamedTuple):
    """What a change of the clocks does to a rule: the clock before and after, and (a few of) the times concerned."""

    before: str
    after: str
    times: list[str]


def _touched(schedule: Schedule, changes: Sequence[zones.Segment]) -> Iterator[_Change]:
    """Those changes that skip or repeat times of the rule."""
    assert not isinstance(schedule.rule, IntervalRule)
    for change in changes:
        before, after = change.start_us + change.before_us, change.start_us + change.offset_us
        cursor = Cursor(schedule.rule, schedule.calendar)
        times: list[str] = []
        low, high = min(before, after), max(before, after)
        while (low := cursor.at_or_after(low)) < high and len(times) < 4:
            times.append(_clock(low))
            low += 1
        if times:
            yield _Change(_clock(before), _clock(after), times if len(times) < 4 else [*times[:2], "more"])


def _clock(wall_us: int) -> str:
    return f"{zones.wall(wall_us):%H:%M:%S}".removesuffix(":00")

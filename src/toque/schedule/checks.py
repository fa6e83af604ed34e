"""What can be wrong with a schedule, said so that it can be put right."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final, assert_never, get_args

from toque.durations import text as duration_text
from toque.errors import UserError
from toque.graph.schedules import BusinessDaysRule, CatchUpPolicy, CronRule, IntervalRule, RRuleRule, Schedule
from toque.schedule import cron, rrules, walls, zones

SHORTEST_S: Final = 1.0
MAX_CATCHUP: Final = 10_000
_NAME: Final = re.compile(r"[^\W\d][\w-]*")
_RECENT: Final = datetime.fromisoformat("2020-01-01")


def validate(schedule: Schedule) -> None:
    """Raises `UserError` (without a line: the author's or the API's caller adds it) for the first fault."""
    if not _NAME.fullmatch(schedule.name):
        raise UserError(
            f"{schedule.name!r} cannot be the name of a schedule.",
            fix="letters, digits, _ and -, beginning with a letter",
        )
    check_zone(schedule.tz)
    for day in schedule.calendar.holidays if schedule.calendar else ():
        if not _is_date(day):
            raise UserError(f"{day!r} is not a date.", fix="a date such as 2026-12-25")
    _check_rule(schedule)
    if schedule.catchup not in get_args(CatchUpPolicy):
        raise UserError(f"catchup={schedule.catchup!r} does not exist.", fix='"skip", "latest" or "all"')
    if not 1 <= schedule.catchup_limit <= MAX_CATCHUP:
        raise UserError(f"catchup_limit={schedule.catchup_limit} is out of range.", fix=f"1 to {MAX_CATCHUP}")
    if not 0 <= schedule.jitter_s <= 86_400:
        raise UserError(f"jitter={duration_text(schedule.jitter_s)} is out of range.", fix="up to a day")
    if schedule.end_us and schedule.end_us <= schedule.start_us:
        raise UserError("end is not after start: there would be no tick.", fix="an end after the start")


def check_zone(tz: str) -> None:
    """Raises `UserError` that names the nearest zone."""
    if tz not in zones.names():
        near = zones.nearest(tz)
        raise UserError(
            f"There is no time zone {tz!r}.", fix=f'tz="{near}"' if near else 'an IANA name such as tz="Europe/Madrid"'
        )


def _check_rule(schedule: Schedule) -> None:
    match rule := schedule.rule:
        case CronRule():
            cron.parsed(rule.text)
        case IntervalRule():
            if not SHORTEST_S <= rule.every_s < 1e10:
                raise UserError(f"Every({rule.every_s:g} s) is out of range.", fix="a second or more")
            return
        case RRuleRule():
            rrules.check(rule)
        case BusinessDaysRule():
            _check_business_days(rule)
        case _:
            assert_never(rule)
    start = zones.wall(schedule.start_us) if schedule.start_us else _RECENT
    if isinstance(rule, RRuleRule):
        start = min(start, datetime.fromisoformat(rule.dtstart))
    if not walls.ever(rule, schedule.calendar, start):
        raise UserError(
            "The rule never fires: no day is like that.", fix="toque schedule preview shows what a rule does"
        )


def _check_business_days(rule: BusinessDaysRule) -> None:
    if not rule.at:
        raise UserError("BusinessDays(at=[]) has no time of the day.", fix='at="09:00"')
    for at in rule.at:
        if not _is_time(at):
            raise UserError(f"BusinessDays(at={at!r}) is not a time of the day.", fix='at="09:00", or "09:00:30"')
    for n in rule.nth:
        if n == 0 or abs(n) > 23:
            raise UserError(
                f"BusinessDays(nth={n}): a month has no such business day.", fix="1 for the first, -1 for the last"
            )
    if not rule.weekdays or not set(rule.weekdays) <= set(range(1, 8)):
        raise UserError(f"BusinessDays(weekdays={list(rule.weekdays)}) names no weekdays.", fix='weekdays="mon-fri"')


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return re.fullmatch(r"\d\d:\d\d(:\d\d)?", text) is not None and time.fromisoformat(text) is not None
    except ValueError:
        return False

"""What a rule says of the wall clock: naive local times in order, before anybody asks which of them exist."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import Final, assert_never

from toque.graph.schedules import BusinessDaysRule, Calendar, CronRule, RRuleRule
from toque.schedule import business_days, cron, rrules, zones

WallRule = CronRule | RRuleRule | BusinessDaysRule
NEVER: Final = 1 << 62


def is_steady(rule: WallRule) -> bool:
    """It is about a pace (in every hour of the day), not about times of the day."""
    match rule:
        case CronRule(text=text):
            return cron.is_steady(text)
        case RRuleRule():
            return rrules.is_steady(rule)
        case BusinessDaysRule():
            return False
        case _:
            assert_never(rule)


def walls(rule: WallRule, calendar: Calendar | None, start: datetime) -> Iterator[datetime]:
    """The naive wall-clock times from `start` on, inclusive, without those on holidays."""
    off = holidays(calendar)
    match rule:
        case CronRule(text=text):
            found = cron.walls(text, start)
        case RRuleRule():
            found = rrules.walls(rule, start)
        case BusinessDaysRule():
            return business_days.walls(rule, off, start)
        case _:
            assert_never(rule)
    return (each for each in found if each.date() not in off) if off else found


def holidays(calendar: Calendar | None) -> frozenset[date]:
    """The days without ticks."""
    return _dates(calendar.holidays) if calendar else frozenset()


@lru_cache(maxsize=256)
def _dates(texts: tuple[str, ...]) -> frozenset[date]:
    return frozenset(date.fromisoformat(each) for each in texts)


class Cursor:
    """A walk over the times of a rule that can be asked for the first one from some time on."""

    def __init__(self, rule: WallRule, calendar: Calendar | None) -> None:
        self._rule = rule
        self._calendar = calendar
        self._from_us = NEVER
        self._walk: Iterator[datetime] = iter(())
        self._pending_us = NEVER

    def at_or_after(self, low_us: int) -> int:
        """The first time not before `low_us`; `NEVER` when there is none."""
        if low_us < self._from_us:
            self._walk = walls(self._rule, self._calendar, zones.wall(low_us))
            self._pending_us = self._next()
        self._from_us = low_us
        while self._pending_us < low_us:
            self._pending_us = self._next()
        return self._pending_us

    def _next(self) -> int:
        try:
            found = next(self._walk, None)
        except OverflowError:  # past the year 9999
            found = None
        return NEVER if found is None else zones.wall_us(found)


def ever(rule: WallRule, calendar: Calendar | None, start: datetime) -> bool:
    """It has at least one time from `start` on."""
    try:
        return next(chain(walls(rule, calendar, start), (None,)), None) is not None
    except OverflowError:
        return False

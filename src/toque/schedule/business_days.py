"""Business days as wall-clock times: weekdays that are no holiday."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from toque.graph.schedules import BusinessDaysRule


def walls(rule: BusinessDaysRule, holidays: frozenset[date], start: datetime) -> Iterator[datetime]:
    """The naive wall-clock times from `start` on, inclusive."""
    times = [time.fromisoformat(each) for each in rule.at]
    day = start.date().replace(day=1)
    while True:
        following = (day + timedelta(days=32)).replace(day=1)
        for each in _chosen(rule, holidays, day, following):
            for at in times:
                if (found := datetime.combine(each, at)) >= start:
                    yield found
        day = following


def _chosen(rule: BusinessDaysRule, holidays: frozenset[date], first: date, following: date) -> list[date]:
    month = [first + timedelta(days=n) for n in range((following - first).days)]
    days = [each for each in month if each.isoweekday() in rule.weekdays and each not in holidays]
    if not rule.nth:
        return days
    wanted = {n - 1 if n > 0 else len(days) + n for n in rule.nth}
    return [each for position, each in enumerate(days) if position in wanted]

"""Three years of every kind of schedule through five zones: nothing twice, nothing lost.

What the wall clock says comes from croniter, which shares no code with cronsim; which instants show it, from the
standard library's folds, with the same release of the zone database: an older one moves Casablanca otherwise. At the
changes themselves, `transitions.toml` is the judge; the oracle here has the two laws in its own words.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter

from tests.unit.schedule.making import schedule, us
from toque.graph.schedules import AnyRule, BusinessDaysRule, Calendar, CronRule, IntervalRule, RRuleRule
from toque.schedule import zones
from toque.schedule.ticks import instants, next_tick, ticks

ZONES = ["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
FIRST, LAST = us("2025-01-01T00:00Z"), us("2028-01-01T00:00Z")
HOLIDAYS = ("2025-12-25", "2026-01-01", "2026-03-30", "2026-12-25", "2027-01-01")

TIMES_OF_THE_DAY: dict[str, tuple[AnyRule, str]] = {
    "daily": (CronRule(text="30 2 * * *"), "30 2 * * *"),
    "in the hour of the changes": (CronRule(text="0,10,40 1,2,3 * * *"), "0,10,40 1,2,3 * * *"),
    "working hours": (CronRule(text="15 9-17 * * MON-FRI"), "15 9-17 * * 1-5"),
    "every six hours": (CronRule(text="0 */6 * * *"), "0 */6 * * *"),
    "with seconds": (CronRule(text="20 45 1 * * *"), "45 1 * * * 20"),
    "days of the month": (CronRule(text="0 2 1,15 * *"), "0 2 1,15 * *"),
    "daily recurrence": (RRuleRule(text="FREQ=DAILY", dtstart="2020-01-01T02:30:00"), "30 2 * * *"),
    "weekly recurrence": (
        RRuleRule(text="FREQ=WEEKLY;BYDAY=SU;BYHOUR=1,2;BYMINUTE=45", dtstart="2020-01-01T00:00:00"),
        "45 1,2 * * SUN",
    ),
    "last Sunday": (RRuleRule(text="FREQ=MONTHLY;BYDAY=-1SU", dtstart="2020-01-05T02:15:00"), "15 2 * * L0"),
    "yearly recurrence": (RRuleRule(text="FREQ=YEARLY", dtstart="2020-03-29T02:30:00"), "30 2 29 3 *"),
    "business days": (BusinessDaysRule(at=("02:30", "18:00")), "30 2 * * 1-5|0 18 * * 1-5"),
}
PACES: dict[str, tuple[AnyRule, str]] = {
    "half past": (CronRule(text="30 * * * *"), "30 * * * *"),
    "each hour with seconds": (CronRule(text="7 0 * * * *"), "0 * * * * 7"),
    "hourly recurrence": (RRuleRule(text="FREQ=HOURLY;BYMINUTE=45", dtstart="2020-01-01T00:00:00"), "45 * * * *"),
}


@lru_cache(maxsize=32)
def walls(text: str) -> tuple[datetime, ...]:
    """The naive times of cron rules (joined by `|`), by croniter, from a day before to a day after."""
    found: set[datetime] = set()
    for rule in text.split("|"):
        walk = croniter(rule, datetime.fromisoformat("2024-12-30"), ret_type=datetime)
        while (wall := walk.get_next()) < datetime.fromisoformat("2028-01-03"):
            found.add(wall)
    return tuple(sorted(found))


def shown_at(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants at which a clock in the zone shows a time: none, one or two."""
    by_fold = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return sorted({each for each in by_fold if each.astimezone(zone).replace(tzinfo=None) == wall})


def end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first second after the leap that skips a time."""
    late, early = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset():
            early = middle
        else:
            late = middle
    return late


def once_each(text: str, tz: str) -> list[datetime]:
    zone = zones.zone(tz)
    return sorted({(shown_at(wall, zone) or [end_of_gap(wall, zone)])[0] for wall in walls(text)})


def every_one(text: str, tz: str) -> list[datetime]:
    zone = zones.zone(tz)
    return sorted({at for wall in walls(text) for at in shown_at(wall, zone)})


def within(found: list[datetime]) -> list[int]:
    return [at for each in found if FIRST < (at := zones.instant_us(each)) <= LAST]


def judged(rule: AnyRule, tz: str, expected: list[int]) -> None:
    found = list(ticks(schedule(rule, tz), "p", FIRST, LAST))
    assert [tick.at_us for tick in found] == expected
    assert all(before.at_us < after.at_us for before, after in pairwise(found))
    assert all(before.at_us == after.start_us for before, after in pairwise(found))


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("kind", TIMES_OF_THE_DAY)
def test_each_time_of_the_day_happens_once(kind: str, tz: str) -> None:
    rule, text = TIMES_OF_THE_DAY[kind]
    judged(rule, tz, within(once_each(text, tz)))


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("kind", PACES)
def test_a_pace_happens_whenever_the_clock_fits(kind: str, tz: str) -> None:
    rule, text = PACES[kind]
    judged(rule, tz, within(every_one(text, tz)))


@pytest.mark.parametrize("tz", ZONES)
def test_an_interval_knows_no_zone(tz: str) -> None:
    step = timedelta(minutes=50)
    anchor = datetime(2024, 6, 1, 0, 7, tzinfo=UTC)
    expected = (anchor + step * n for n in range(40_000))
    rule = IntervalRule(every_s=3000, anchor_us=zones.instant_us(anchor))
    judged(rule, tz, [at for each in expected if FIRST < (at := zones.instant_us(each)) <= LAST])


@pytest.mark.parametrize("tz", ZONES)
def test_holidays_have_no_ticks_and_the_next_one_covers_them(tz: str) -> None:
    off = {date.fromisoformat(day) for day in HOLIDAYS}
    zone = zones.zone(tz)
    wanted = [wall for wall in walls("30 2 * * 1-5") if wall.date() not in off]
    expected = within(sorted((shown_at(wall, zone) or [end_of_gap(wall, zone)])[0] for wall in wanted))
    rule = schedule(BusinessDaysRule(at=("02:30",)), tz, calendar=Calendar(holidays=HOLIDAYS))
    found = list(ticks(rule, "p", FIRST, LAST))
    assert [tick.at_us for tick in found] == expected
    assert all(before.at_us == after.start_us for before, after in pairwise(found))


@pytest.mark.parametrize("tz", ZONES)
def test_the_last_business_day_of_each_month(tz: str) -> None:
    found = [zones.local(tz, at).date() for at in business_month_ends(tz)]
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(3 * 365)]
    working = [day for day in days if day.isoweekday() < 6 and day.isoformat() not in HOLIDAYS]
    assert found == [
        max(day for day in working if (day.year, day.month) == month)
        for month in sorted({(day.year, day.month) for day in days})
    ]


def business_month_ends(tz: str) -> Iterator[int]:
    rule = BusinessDaysRule(at=("12:00",), nth=(-1,))
    return instants(schedule(rule, tz, calendar=Calendar(holidays=HOLIDAYS)), FIRST, LAST)


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("kind", ["daily", "every six hours", "last Sunday", "business days"])
def test_going_from_tick_to_tick_loses_nothing(kind: str, tz: str) -> None:
    rule = schedule(TIMES_OF_THE_DAY[kind][0], tz)
    at_us, found = FIRST, []
    while (tick := next_tick(rule, "p", at_us)) is not None and tick.at_us <= LAST:
        found.append(tick)
        at_us = tick.at_us
    assert found == list(ticks(rule, "p", FIRST, LAST))

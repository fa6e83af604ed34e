"""Rules on the wall clock: what a series costs does not grow with its age, and its phase holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.schedule.making import schedule, us
from toque.errors import UserError
from toque.graph.schedules import BusinessDaysRule, Calendar, CronRule, IntervalRule, RRuleRule
from toque.schedule import business_days, cron, reading, rrules, zones
from toque.schedule.ticks import instants, jitter_us, next_tick
from toque.schedule.walls import NEVER, Cursor, is_steady, walls


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


TEXTS = [
    *("FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=3;BYMONTH=2,7;BYDAY=2TU,-1FR", "FREQ=YEARLY;BYYEARDAY=1,100,-1"),
    *("FREQ=YEARLY;BYWEEKNO=1,20;BYDAY=MO", "FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=5", "FREQ=MONTHLY;BYMONTHDAY=31,-1"),
    *("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU"),
    *("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO", "FREQ=DAILY;INTERVAL=10", "FREQ=DAILY;BYMONTH=1;BYHOUR=3,4"),
    *("FREQ=HOURLY;INTERVAL=7", "FREQ=HOURLY;BYMINUTE=1,2;BYDAY=MO", "FREQ=MINUTELY;INTERVAL=1000"),
    *("FREQ=DAILY;INTERVAL=3;BYDAY=MO,TU", "FREQ=MINUTELY;INTERVAL=1000;BYMONTH=4,5", "FREQ=DAILY;BYMONTHDAY=-1"),
    *("FREQ=HOURLY;INTERVAL=5;BYMONTHDAY=1,15;BYHOUR=1,2,3", "FREQ=DAILY;BYYEARDAY=60,-1", "FREQ=DAILY;BYDAY=1MO"),
]


@pytest.mark.parametrize("text", TEXTS)
@settings(deadline=None, max_examples=50)
@given(
    first=st.datetimes(at("2019-12-01"), at("2020-03-31")).map(lambda each: each.replace(microsecond=0)),
    away=st.integers(0, 3 * 365 * 24),
)
def test_a_series_is_the_same_wherever_one_begins(text: str, first: datetime, away: int) -> None:
    """Equal to dateutil's own walk from the first time on, which takes the longer the older the series is."""
    start = first + timedelta(hours=away)
    expected = islice(rrulestr(text, dtstart=first).xafter(start, inc=True), 4)
    rule = RRuleRule(text=text, dtstart=first.isoformat())
    assert list(islice(rrules.walls(rule, start), 4)) == list(expected)


def test_seconds_of_rare_days_are_found_without_walking_there() -> None:
    rule = RRuleRule(text="FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=29", dtstart="2020-01-01T00:00:00")
    assert [each.isoformat() for each in islice(rrules.walls(rule, at("2025-01-01")), 2)] == [
        "2028-02-29T00:00:00",
        "2028-02-29T00:00:01",
    ]


def test_a_count_counts_from_the_first_time() -> None:
    rule = RRuleRule(text="FREQ=DAILY;COUNT=3", dtstart="2026-01-01T09:00:00")
    assert [each.day for each in rrules.walls(rule, at("2026-01-02"))] == [2, 3]
    assert next_tick(schedule(rule), "p", us("2026-01-03T09:00Z")) is None


def test_an_end_is_inclusive() -> None:
    rule = RRuleRule(text="FREQ=DAILY", dtstart="2026-01-01T09:00:00", until="2026-01-03T09:00:00")
    assert [each.day for each in rrules.walls(rule, at("2026-01-01"))] == [1, 2, 3]


def test_the_first_tick_of_a_series_has_an_empty_interval() -> None:
    rule = RRuleRule(text="FREQ=DAILY", dtstart="2026-01-01T09:00:00")
    found = next_tick(schedule(rule), "p", 0)
    assert found is not None
    assert found.start_us == found.end_us == us("2026-01-01T09:00Z")


@pytest.mark.parametrize("start", ["2026-03-01", "2026-03-01T02:00", "2026-03-01T01:59:59.999999"])
def test_cron_begins_where_it_is_told_inclusively(start: str) -> None:
    assert next(cron.walls("0 2 * * *", at(start))) == at("2026-03-01T02:00")


def test_cron_does_not_repeat_what_a_fraction_of_a_second_ago_was() -> None:
    assert next(cron.walls("0 2 * * *", at("2026-03-01T02:00:00.000001"))) == at("2026-03-02T02:00")


@pytest.mark.parametrize(
    ("rule", "steady"),
    [
        (CronRule(text="*/15 * * * *"), True),
        (CronRule(text="30 0-23 * * *"), True),
        (CronRule(text="30 */1 * * 1-5"), True),
        (CronRule(text="0 */2 * * *"), False),
        (CronRule(text="* 2 * * *"), False),
        (RRuleRule(text="FREQ=HOURLY", dtstart="2026-01-01T00:00:00"), True),
        (RRuleRule(text="FREQ=MINUTELY;INTERVAL=60", dtstart="2026-01-01T00:00:00"), True),
        (RRuleRule(text="FREQ=MINUTELY;INTERVAL=90", dtstart="2026-01-01T00:00:00"), False),
        (RRuleRule(text="FREQ=HOURLY;INTERVAL=2", dtstart="2026-01-01T00:00:00"), False),
        (RRuleRule(text="FREQ=MINUTELY;BYHOUR=2", dtstart="2026-01-01T00:00:00"), False),
        (RRuleRule(text="FREQ=DAILY", dtstart="2026-01-01T00:00:00"), False),
        (BusinessDaysRule(at=("09:00",)), False),
    ],
)
def test_what_holds_in_every_hour_is_a_pace(rule: CronRule | RRuleRule | BusinessDaysRule, steady: bool) -> None:
    assert is_steady(rule) is steady


def test_business_days_of_a_month() -> None:
    off = frozenset({at("2026-01-01").date(), at("2026-01-30").date()})
    rule = BusinessDaysRule(at=("09:00",), nth=(1, 2, -1))
    found = [each.date().isoformat() for each in islice(business_days.walls(rule, off, at("2026-01-01")), 4)]
    assert found == ["2026-01-02", "2026-01-05", "2026-01-29", "2026-02-02"]


def test_the_middle_of_a_day_leaves_its_later_times() -> None:
    rule = BusinessDaysRule(at=("09:00", "18:00"))
    assert next(business_days.walls(rule, frozenset(), at("2026-01-05T12:00"))) == at("2026-01-05T18:00")


def test_a_cursor_goes_back_when_it_is_asked_to() -> None:
    cursor = Cursor(CronRule(text="0 2 * * *"), None)
    second, first = (zones.wall_us(at(each)) for each in ("2026-01-02T02:00", "2026-01-01T02:00"))
    assert cursor.at_or_after(first + 1) == second
    assert cursor.at_or_after(first) == first
    ended = Cursor(RRuleRule(text="FREQ=DAILY;COUNT=1", dtstart="2026-01-01T02:00:00"), None)
    assert ended.at_or_after(first + 1) == NEVER


def test_a_rule_that_has_no_more_times_ends() -> None:
    rule = RRuleRule(text="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", dtstart="9990-01-01T00:00:00")
    assert list(walls(rule, None, at("9998-01-01"))) == []


def test_an_interval_is_counted_from_its_anchor_both_ways() -> None:
    rule = schedule(IntervalRule(every_s=90, anchor_us=us("2026-01-01T00:00:10Z")))
    found = list(instants(rule, us("2025-12-31T23:58:00Z"), us("2026-01-01T00:02:00Z")))
    assert found == [us("2025-12-31T23:58:40Z"), us("2026-01-01T00:00:10Z"), us("2026-01-01T00:01:40Z")]


def test_an_interval_observes_holidays_of_its_zone() -> None:
    rule = schedule(IntervalRule(every_s=3600 * 8), "Asia/Kathmandu", calendar=Calendar(holidays=("2026-01-02",)))
    found = list(instants(rule, us("2026-01-01T00:00Z"), us("2026-01-02T23:00Z")))
    # In Kathmandu the day lasts from 18:15 to 18:15 UTC.
    assert found == [us("2026-01-01T08:00Z"), us("2026-01-01T16:00Z")]


def test_jitter_is_of_the_names_alone() -> None:
    rule = schedule("0 2 * * *", jitter_s=600.0)
    assert jitter_us(rule, "p") == jitter_us(schedule("5 * * * *", jitter_s=600.0), "p")
    assert len({jitter_us(rule, f"p{n}") for n in range(100)}) == 100
    assert jitter_us(schedule("0 2 * * *"), "p") == 0


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0 7  * * 1-5", CronRule(text="0 7 * * 1-5")),
        (" @Hourly ", CronRule(text="0 * * * *")),
        ("every 15m", IntervalRule(every_s=900)),
        ("Every 1h30m", IntervalRule(every_s=5400)),
        ("FREQ=DAILY", RRuleRule(text="FREQ=DAILY", dtstart="1970-01-01T00:00:00")),
        ("RRULE:FREQ=DAILY;BYHOUR=9", RRuleRule(text="FREQ=DAILY;BYHOUR=9", dtstart="1970-01-01T00:00:00")),
    ],
)
def test_any_rule_in_one_line(text: str, rule: object) -> None:
    assert reading.rule(text, "UTC") == rule


def test_the_start_of_a_schedule_is_that_of_its_recurrence() -> None:
    found = reading.rule("FREQ=WEEKLY;INTERVAL=2", "Asia/Kathmandu", us("2026-01-05T00:00Z"))
    assert found == RRuleRule(text="FREQ=WEEKLY;INTERVAL=2", dtstart="2026-01-05T05:45:00")


@pytest.mark.parametrize("text", ["every x", "FREQ=", "TZID:FREQ=DAILY", "FREQ=DAILY;UNTIL=20261332"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        reading.rule(text, "UTC")

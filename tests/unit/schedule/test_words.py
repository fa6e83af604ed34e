"""What a schedule means, in plain words."""

from __future__ import annotations

import pytest

from tests.unit.schedule.making import schedule, us
from toque.graph.schedules import AnyRule, BusinessDaysRule, Calendar, IntervalRule, RRuleRule
from toque.schedule.words import describe, phrase


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("0 4 * * *", "every day at 04:00"),
        ("0 4 * * 1-5", "every weekday at 04:00"),
        ("0 4 * * MON-FRI", "every weekday at 04:00"),
        ("0 4,16 * * *", "every day at 04:00 and 16:00"),
        ("30 4 1,15 * *", "at 04:30 on the first and the 15th day of month"),
        ("0 0 * * 5L", "at 00:00 on the last Friday of the month"),
        ("5 4 * JAN SUN#2", "at 04:05 on the second Sunday of the month in January"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("*/7 * * * *", "every seventh minute of every hour"),
        ("0 9-17 * * MON-FRI", "at minute 0 past every hour from 9 through 17 on weekdays"),
    ],
)
def test_cron(rule: str, words: str) -> None:
    assert phrase(schedule(rule)) == f"{words} in UTC"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FREQ=DAILY", "every day at 18:30"),
        ("FREQ=DAILY;BYHOUR=6,18;BYMINUTE=0", "every day at 06:00 and 18:00"),
        ("FREQ=DAILY;COUNT=5", "every day at 18:30, 5 times in all from 2026-01-02"),
        ("FREQ=WEEKLY", "every week on Friday at 18:30"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
            "every 2 weeks on Monday and Thursday at 18:30, counted from 2026-01-02",
        ),
        ("FREQ=MONTHLY", "every month on the second day at 18:30"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday at 18:30"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1", "every month on the first and last day of the month at 18:30"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on Friday that is the 13th day at 18:30"),
        ("FREQ=YEARLY", "every year on 2 January at 18:30"),
        ("FREQ=YEARLY;BYMONTH=3,9;BYDAY=2TU", "every year on the second Tuesday in March and September at 18:30"),
        ("FREQ=YEARLY;BYWEEKNO=20", "every year at 18:30 (BYWEEKNO=20)"),
        ("FREQ=HOURLY;INTERVAL=6", "every 6 hours at minute 30"),
        ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10", "every 20 minutes in hour 9 and 10"),
        ("FREQ=SECONDLY;INTERVAL=30", "every 30 seconds"),
        ("FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6", "every day at 7 times of the day"),
        ("FREQ=WEEKLY;BYSECOND=5", "every week on Friday at 18:30:05"),
    ],
)
def test_recurrence_rules(text: str, words: str) -> None:
    assert phrase(schedule(RRuleRule(text=text, dtstart="2026-01-02T18:30:00"))) == f"{words} in UTC"


def test_the_end_of_a_recurrence() -> None:
    rule = RRuleRule(text="FREQ=DAILY", dtstart="2026-01-02T18:30:00", until="2026-02-01T00:00:00")
    assert phrase(schedule(rule)) == "every day at 18:30, until 2026-02-01 00:00:00 in UTC"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (IntervalRule(every_s=900), "every 15 minutes of elapsed time"),
        (IntervalRule(every_s=3600), "every hour of elapsed time"),
        (IntervalRule(every_s=86_400 * 14), "every 2 weeks of elapsed time"),
        (IntervalRule(every_s=60_060), "every 16h41m of elapsed time"),
        (IntervalRule(every_s=1.5), "every 1s500ms of elapsed time"),
        (
            IntervalRule(every_s=900, anchor_us=us("2026-01-01T00:05Z")),
            "every 15 minutes of elapsed time, counted from 2026-01-01 00:05:00 UTC",
        ),
        (BusinessDaysRule(at=("09:00",)), "every business day, Monday to Friday, at 09:00 in UTC"),
        (
            BusinessDaysRule(at=("09:00",), weekdays=(1, 7)),
            "every business day, Monday and Sunday, at 09:00 in UTC",
        ),
        (
            BusinessDaysRule(at=("09:00", "18:00"), nth=(1, -1)),
            "on the first and last business day of each month at 09:00 and 18:00 in UTC",
        ),
    ],
)
def test_intervals_and_business_days(rule: AnyRule, words: str) -> None:
    assert phrase(schedule(rule)) == words


def test_holidays() -> None:
    two = Calendar(holidays=("2026-01-01", "2026-12-25"), file="holidays.txt")
    assert phrase(schedule("0 4 * * *", calendar=two)).endswith(", but not on the 2 holidays of holidays.txt")
    assert phrase(schedule("0 4 * * *", calendar=Calendar(holidays=("2026-01-01",)))).endswith("on the 1 holiday")


def test_the_nights_of_the_changes() -> None:
    assert describe(schedule("30 2 * * *", "Europe/Madrid")) == (
        "every day at 02:30 in Europe/Madrid; "
        "when the clocks leap from 02:00 to 03:00, 02:30 runs at 03:00; "
        "when they go back from 03:00 to 02:00, 02:30 runs once, the first time"
    )


def test_several_times_of_one_night() -> None:
    words = describe(schedule("*/20 2 * * *", "Europe/Madrid"))
    assert "02:00, 02:20 and 02:40 run once, at 03:00" in words
    assert "02:00, 02:20 and 02:40 run once each, the first time" in words
    assert "02:00, 02:01 and more run once, at 03:00" in describe(schedule("* 2 * * *", "Europe/Madrid"))


def test_half_an_hour_of_lord_howe() -> None:
    assert "when the clocks leap from 02:00 to 02:30, 02:15 runs at 02:30" in describe(
        schedule("15 2 * * *", "Australia/Lord_Howe")
    )


def test_a_pace_says_that_it_is_one() -> None:
    assert "it keeps its pace" in describe(schedule("*/15 * * * *", "Europe/Madrid"))


@pytest.mark.parametrize(
    ("rule", "tz"),
    [
        ("30 2 * * *", "UTC"),
        ("*/15 * * * *", "Asia/Kathmandu"),
        ("30 2 * * 1-5", "Europe/Madrid"),
        ("30 12 * * *", "Europe/Madrid"),
    ],
)
def test_who_is_touched_by_no_change_reads_of_none(rule: str, tz: str) -> None:
    assert "clocks" not in describe(schedule(rule, tz))


def test_an_interval_reads_of_none_either() -> None:
    assert "clocks" not in describe(schedule(IntervalRule(every_s=60), "Europe/Madrid"))

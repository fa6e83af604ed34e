"""A schedule that cannot be meant is refused, with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.schedule.making import schedule, us
from toque.errors import UserError
from toque.graph.schedules import AnyRule, BusinessDaysRule, Calendar, IntervalRule, RRuleRule
from toque.schedule.checks import validate


def recurrence(text: str) -> RRuleRule:
    return RRuleRule(text=text, dtstart="2026-01-02T02:30:00")


def refused(rule: AnyRule | str, tz: str = "UTC", **fields: Any) -> str:
    with pytest.raises(UserError) as raised:
        validate(schedule(rule, tz, **fields))
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("60 2 * * *", "'60' is no minute.\n  Fix: 0-59;"),
        ("0 25 * * *", "'25' is no hour.\n  Fix: 0-23;"),
        ("0 2 32 * *", "'32' is no day of the month.\n  Fix: 1-31,"),
        ("0 2 * FOO *", "'FOO' is no month.\n  Fix: 1-12 or JAN-DEC;"),
        ("0 2 * * FRI-MON", "'FRI-MON' is no day of the week.\n  Fix: 0-7 or SUN-SAT,"),
        ("61 0 2 * * *", "'61' is no second.\n  Fix: 0-59;"),
        ("*/0 * * * *", "'*/0' is no minute."),
        ("0 2 * *", 'has 4 fields, and needs 5 or 6.\n  Fix: "minute hour day month weekday"'),
        ("", "has 0 fields"),
        ("0 2 31 FEB *", "never fires: none of its months has such a day"),
        ("0 2 31 APR MON#1", "never fires"),
    ],
)
def test_a_wrong_cron_field_is_named(text: str, said: str) -> None:
    if text == "0 2 31 APR MON#1":
        validate(schedule(text))  # either of the two days will do, as in every cron
    else:
        assert said in refused(text)


@pytest.mark.parametrize(
    ("tz", "near"),
    [
        ("Europe/Madrit", "Europe/Madrid"),
        ("europe/madrid", "Europe/Madrid"),
        ("Madrid", "Europe/Madrid"),
        ("America/NewYork", "America/New_York"),
        ("New York", "America/New_York"),
        ("Kathmandu", "Asia/Kathmandu"),
        ("xyzzy", "an IANA name"),
        ("", "an IANA name"),
    ],
)
def test_an_unknown_zone_names_the_nearest(tz: str, near: str) -> None:
    said = refused("0 2 * * *", tz)
    assert f"There is no time zone {tz!r}" in said
    assert near in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DAILY", "'DAILY' is no part of a recurrence rule"),
        ("BYDAY=MO", "does not say how often"),
        ("FREQ=FORTNIGHTLY", "FREQ= one of YEARLY, MONTHLY"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ is given twice"),
        ("FREQ=DAILY;BYHOUR=44", "BYHOUR cannot be '44'"),
        ("FREQ=DAILY;BYDAY=XX", "BYDAY cannot be 'XX'"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0 is not a number.\n  Fix: INTERVAL=1 or more"),
        ("FREQ=DAILY;INTERVAL=x", "INTERVAL=X is not a number"),
        ("FREQ=DAILY;COUNT=1000000", "COUNT is over 10000"),
        ("FREQ=DAILY;BYFOO=1", "'BYFOO=1' is no part"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never fires: none of its months has such a day"),
        ("FREQ=SECONDLY;BYMONTH=4,6;BYMONTHDAY=31,-31", "never fires: none of its months has such a day"),
        ("FREQ=HOURLY;BYMONTH=1;BYYEARDAY=366", "The rule never fires"),
    ],
)
def test_a_wrong_part_of_a_recurrence_is_named(text: str, said: str) -> None:
    assert said in refused(recurrence(text))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (BusinessDaysRule(at=("9:00",)), "'9:00') is not a time of the day"),
        (BusinessDaysRule(at=("24:00",)), "is not a time of the day"),
        (BusinessDaysRule(at=()), "has no time of the day"),
        (BusinessDaysRule(at=("09:00",), nth=(0,)), "nth=0): a month has no such business day"),
        (BusinessDaysRule(at=("09:00",), weekdays=()), "names no weekdays"),
        (BusinessDaysRule(at=("09:00",), weekdays=(8,)), "names no weekdays"),
        (IntervalRule(every_s=0.5), "out of range.\n  Fix: a second or more"),
    ],
)
def test_wrong_business_days_and_intervals(rule: AnyRule, said: str) -> None:
    assert said in refused(rule)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"catchup": "some"}, 'catchup=\'some\' does not exist.\n  Fix: "skip", "latest" or "all"'),
        ({"catchup_limit": 0}, "catchup_limit=0 is out of range"),
        ({"jitter_s": 90_000}, "jitter=1d1h is out of range"),
        ({"start_us": 5, "end_us": 5}, "end is not after start"),
        ({"calendar": Calendar(holidays=("25.12.2026",))}, "'25.12.2026' is not a date"),
        ({"name": "a/b"}, "'a/b' cannot be the name of a schedule"),
    ],
)
def test_wrong_options(fields: dict[str, Any], said: str) -> None:
    if "name" in fields:
        import msgspec

        with pytest.raises(UserError, match=said):
            validate(msgspec.structs.replace(schedule("0 2 * * *"), **fields))
    else:
        assert said in refused("0 2 * * *", **fields)


def test_days_that_are_all_holidays_never_come() -> None:
    only = Calendar(holidays=("2026-01-02", "2026-01-03"))
    assert "never fires" in refused(recurrence("FREQ=DAILY;COUNT=2"), calendar=only)


@pytest.mark.parametrize("text", ["0 2 * * *", "*/5 * * * * *", "0 0 L * *", "0 0 LW * *", "0 0 29 2 *", "0 9 * * 5L"])
def test_what_is_right_passes(text: str) -> None:
    validate(schedule(text, "Europe/Madrid", start_us=us("2026-01-01T00:00Z"), end_us=us("2027-01-01T00:00Z")))

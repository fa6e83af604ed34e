"""Until when data is fresh enough: by its age, or by the ticks at which it has to be there."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque import Cron, Fresh
from toque.schedule.deadlines import deadline_us, policy_words

NINE = Cron("0 9 * * *", tz="Europe/Madrid")
SECOND = 1_000_000


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * SECOND


def test_an_age_counts_from_the_data() -> None:
    assert deadline_us(Fresh("26h").value, us("2026-11-22T10:00Z")) == us("2026-11-23T12:00Z")


@pytest.mark.parametrize(
    ("updated", "deadline"),
    [
        ("2026-11-22T19:59:59Z", "2026-11-23T08:00Z"),  # at nine it is a second older than twelve hours
        ("2026-11-22T20:00:00Z", "2026-11-24T08:00Z"),  # exactly as old as it may be
        ("2026-11-23T07:59:00Z", "2026-11-24T08:00Z"),
        ("2026-03-28T12:00:00Z", "2026-03-29T07:00Z"),  # nine in summer
    ],
)
def test_by_a_time_of_the_day_it_may_have_an_age(updated: str, deadline: str) -> None:
    assert deadline_us(Fresh(by=NINE, within="12h").value, us(updated)) == us(deadline)


@pytest.mark.parametrize(
    ("updated", "deadline"),
    [
        ("2026-11-22T07:59:59Z", "2026-11-23T08:00Z"),
        ("2026-11-22T08:00:00Z", "2026-11-23T08:00Z"),  # not newer than the deadline before
        ("2026-11-22T08:00:01Z", "2026-11-24T08:00Z"),
    ],
)
def test_without_an_age_it_has_to_be_newer_than_the_deadline_before(updated: str, deadline: str) -> None:
    assert deadline_us(Fresh(by=NINE).value, us(updated)) == us(deadline)


def test_a_rule_that_has_ended_has_no_deadline() -> None:
    ended = Fresh(by=Cron("0 9 * * *", end="2026-01-01"), within="1h").value
    assert deadline_us(ended, us("2026-11-22T08:00Z")) == 0


@given(st.lists(st.integers(us("2026-01-01T00:00Z"), us("2026-12-31T00:00Z")), min_size=2, max_size=2))
def test_newer_data_is_never_due_earlier(moments: list[int]) -> None:
    sooner, later = sorted(moments)
    for policy in (Fresh("3h"), Fresh(by=NINE), Fresh(by=NINE, within="5h")):
        assert deadline_us(policy.value, sooner) <= deadline_us(policy.value, later)


def test_policies_in_words() -> None:
    assert policy_words(Fresh("26h").value) == "not older than 1d2h"
    assert policy_words(Fresh(by=NINE).value) == "newer than the deadline before, every day at 09:00 in Europe/Madrid"

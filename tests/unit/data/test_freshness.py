"""Whether data is fresh enough: a table of moments, and laws that hold at all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.data.freshness import judge, usual_words

HOUR = 3_600_000_000
MOMENTS = st.integers(min_value=1, max_value=10**15)


@pytest.mark.parametrize(
    ("now_us", "state", "since_us", "changes_us"),
    [
        (10 * HOUR, "fresh", 10 * HOUR, 20 * HOUR),
        (20 * HOUR - 1, "fresh", 10 * HOUR, 20 * HOUR),
        (20 * HOUR, "due", 20 * HOUR, 22 * HOUR),
        (22 * HOUR - 1, "due", 20 * HOUR, 22 * HOUR),
        (22 * HOUR, "overdue", 22 * HOUR, 0),
        (99 * HOUR, "overdue", 22 * HOUR, 0),
    ],
)
def test_data_is_fresh_then_due_then_overdue(now_us: int, state: str, since_us: int, changes_us: int) -> None:
    found = judge(10 * HOUR, 22 * HOUR, now_us, warn_s=7200)
    assert (found.state, found.since_us, found.changes_us) == (state, since_us, changes_us)


def test_without_a_warning_it_is_never_due() -> None:
    assert judge(10 * HOUR, 22 * HOUR, 22 * HOUR - 1).state == "fresh"
    assert judge(10 * HOUR, 22 * HOUR, 22 * HOUR - 1).changes_us == 22 * HOUR


def test_what_never_came_is_not_too_old() -> None:
    found = judge(0, 0, 99 * HOUR, warn_s=1)
    assert (found.state, found.changes_us, found.words) == ("unknown", 0, "no data yet")


def test_after_the_last_deadline_it_is_fresh_for_ever() -> None:
    found = judge(HOUR, 0, 99 * HOUR, warn_s=1)
    assert (found.state, found.changes_us, found.words) == ("fresh", 0, "fresh")


def test_it_says_its_deadline() -> None:
    at = [judge(10 * HOUR, 22 * HOUR, hour * HOUR, warn_s=3600).words for hour in (12, 21, 30)]
    assert at == [
        "fresh until 1970-01-01 22:00:00 UTC",
        "due by 1970-01-01 22:00:00 UTC, its data is of 1970-01-01 10:00:00 UTC",
        "overdue since 1970-01-01 22:00:00 UTC, its data is of 1970-01-01 10:00:00 UTC",
    ]


@given(updated_us=MOMENTS, age_us=MOMENTS, now_us=MOMENTS, warn_s=st.integers(0, 10**6))
def test_it_changes_exactly_when_it_says(updated_us: int, age_us: int, now_us: int, warn_s: int) -> None:
    """Whoever sleeps until `changes_us` misses nothing: a microsecond before it all is the same, then not."""
    deadline_us = updated_us + age_us
    found = judge(updated_us, deadline_us, now_us, warn_s=warn_s)
    if found.changes_us > now_us:
        assert judge(updated_us, deadline_us, found.changes_us - 1, warn_s=warn_s) == found
    if found.changes_us:
        assert judge(updated_us, deadline_us, found.changes_us, warn_s=warn_s).state != found.state
    assert (found.state == "overdue") == (now_us >= deadline_us)


def test_without_a_policy_its_past_says_what_is_usual() -> None:
    assert usual_words(3600, 93_600) == "as usual: its past says within 1d2h"
    assert usual_words(200_000, 93_645) == "2d8h without new data, its past says within 1d2h"

"""Every tick that nobody could start in time gets exactly one outcome."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.schedule.making import schedule, shown, us
from toque.graph.schedules import CatchUpPolicy, IntervalRule
from toque.schedule.catchup import COUNTED, LISTED, CatchUp, missed
from toque.schedule.ticks import Tick, instants, jitter_us

HOUR_US = 3_600_000_000
DOWN, BACK = us("2026-06-01T00:30Z"), us("2026-06-01T05:15Z")
"""Down over the ticks of 01:00 to 05:00."""


def at(found: tuple[Tick, ...]) -> list[str]:
    return [shown(tick.at_us)[11:16] for tick in found]


def outcomes(found: CatchUp) -> tuple[list[str], list[str], list[str]]:
    """What is started, coalesced and skipped."""
    return (
        at(found.start),
        at(tuple(tick for tick, _ in found.coalesced)),
        at(tuple(tick for tick, _ in found.skipped)),
    )


def hourly(catchup: CatchUpPolicy, **fields: object) -> CatchUp:
    return missed(schedule("0 * * * *", catchup=catchup, **fields), "p", DOWN, BACK)


def test_skip_starts_none() -> None:
    found = hourly("skip")
    assert outcomes(found) == ([], [], ["01:00", "02:00", "03:00", "04:00", "05:00"])
    assert {reason for _, reason in found.skipped} == {"nobody could start it in time, and catch-up is skip"}


def test_latest_starts_the_newest_which_stands_for_the_others() -> None:
    found = hourly("latest")
    assert outcomes(found) == (["05:00"], ["01:00", "02:00", "03:00", "04:00"], [])
    assert "the run of 2026-06-01 05:00:00 UTC stands for it" in found.coalesced[0][1]


def test_all_starts_all_oldest_first() -> None:
    assert outcomes(hourly("all")) == (["01:00", "02:00", "03:00", "04:00", "05:00"], [], [])


def test_all_starts_the_newest_so_many() -> None:
    found = hourly("all", catchup_limit=2)
    assert outcomes(found) == (["04:00", "05:00"], [], ["01:00", "02:00", "03:00"])
    assert found.skipped[0][1] == "more ticks were missed than catchup_limit=2 lets start"


@pytest.mark.parametrize("catchup", ["skip", "latest", "all"])
def test_a_tick_within_the_grace_is_on_time(catchup: CatchUpPolicy) -> None:
    rule = schedule("0 * * * *", catchup=catchup)
    found = missed(rule, "p", us("2026-06-01T04:30Z"), BACK, grace_us=15 * 60_000_000)
    assert outcomes(found) == (["05:00"], [], [])


def test_with_latest_a_tick_on_time_stands_for_those_that_were_not() -> None:
    found = missed(schedule("0 * * * *", catchup="latest"), "p", DOWN, BACK, grace_us=20 * 60_000_000)
    assert outcomes(found) == (["05:00"], ["01:00", "02:00", "03:00", "04:00"], [])


def test_nothing_was_missed() -> None:
    assert missed(schedule("0 * * * *"), "p", us("2026-06-01T05:00Z"), BACK) == CatchUp()


def test_a_tick_whose_jitter_is_not_over_was_not_missed() -> None:
    rule = schedule("0 * * * *", catchup="all", jitter_s=3000.0)
    late_us = jitter_us(rule, "p")
    five = us("2026-06-01T05:00Z")
    assert late_us > 0
    assert at(missed(rule, "p", DOWN, five + late_us - 1).start)[-1] == "04:00"
    assert at(missed(rule, "p", DOWN, five + late_us).start)[-1] == "05:00"


def test_intervals_of_what_is_started_are_its_own() -> None:
    (newest,) = hourly("latest").start
    assert (shown(newest.start_us), shown(newest.end_us)) == ("2026-06-01T04:00Z", "2026-06-01T05:00Z")


def test_ticks_far_back_get_one_outcome_together() -> None:
    rule = schedule("* * * * *", catchup="skip")
    after = us("2026-05-31T00:00Z")
    found = missed(rule, "p", after, after + 2000 * 60_000_000 + 1)
    assert len(found.skipped) == LISTED
    assert (found.skipped_beyond, found.beyond_at_least) == (1000, False)
    assert found.beyond_from_us == after + 60_000_000
    assert found.beyond_until_us == found.skipped[0][0].at_us - 60_000_000
    assert found.beyond_reason == found.skipped[0][1]


def test_they_are_counted_up_to_a_bound() -> None:
    found = missed(schedule(IntervalRule(every_s=1)), "p", us("2020-01-01T00:00Z"), us("2026-01-01T00:00Z") + 1)
    assert (found.skipped_beyond, found.beyond_at_least) == (COUNTED, True)
    assert found.beyond_from_us == us("2020-01-01T00:00:01Z")
    assert found.beyond_until_us == found.coalesced[0][0].at_us - 1_000_000


def test_a_limit_above_what_is_listed_holds() -> None:
    found = missed(
        schedule("* * * * *", catchup="all", catchup_limit=1500), "p", us("2026-05-01T00:00Z"), us("2026-06-01T00:00Z")
    )
    assert len(found.start) == 1500
    assert found.last_us == us("2026-06-01T00:00Z")
    assert found.beyond_reason == "more ticks were missed than catchup_limit=1500 lets start"


@settings(deadline=None)
@given(
    st.sampled_from(["skip", "latest", "all"]),
    st.integers(1, 40),
    st.integers(0, 60 * HOUR_US),
    st.integers(0, 5 * HOUR_US),
    st.sampled_from([0.0, 4000.0]),
)
def test_each_tick_that_fell_due_has_one_outcome(
    catchup: CatchUpPolicy, limit: int, span_us: int, grace_us: int, jitter_s: float
) -> None:
    """start, coalesced and skipped partition the ticks, and going on from `last_us` repeats none."""
    rule = schedule("30 */2 * * *", "Europe/Madrid", catchup=catchup, catchup_limit=limit, jitter_s=jitter_s)
    now_us = DOWN + span_us
    found = missed(rule, "p", DOWN, now_us, grace_us)
    given_one = [*found.start, *(tick for tick, _ in found.coalesced), *(tick for tick, _ in found.skipped)]
    due = list(instants(rule, DOWN, now_us - jitter_us(rule, "p")))
    assert sorted(tick.at_us for tick in given_one) == due
    assert found.last_us == (due[-1] if due else 0)
    assert missed(rule, "p", found.last_us or DOWN, now_us, grace_us) == CatchUp()

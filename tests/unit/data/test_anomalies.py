"""Bounds of what is normal: cases as tables, laws by Hypothesis."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.data.anomalies import (
    ERROR_ABOVE,
    IGNORED_MOVE,
    LEAST_POINTS,
    WARN_ABOVE,
    Point,
    freshness,
    judge,
    quantile,
)

NOW = datetime(2026, 3, 30, 8, 0, tzinfo=UTC)  # a Monday


def daily(values: list[float], *, at: datetime = NOW) -> list[Point]:
    """One point a day at the same hour, the last one yesterday."""
    return [Point(at - timedelta(days=len(values) - n), value) for n, value in enumerate(values)]


STEADY = daily([1000, 1010, 990, 1020, 980, 1005, 995, 1000, 1015, 985])


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (1000, "ok"),
        (1049, "ok"),  # a move under 5 %
        (1070, "warn"),
        (940, "warn"),
        (1200, "error"),
        (500, "error"),
        (0, "error"),
        (100_000, "error"),
    ],
)
def test_a_steady_past_makes_moves_odd(value: float, level: str) -> None:
    assert judge(value, NOW, STEADY).level == level


@pytest.mark.parametrize(
    ("past", "value", "level"),
    [
        ([100, 200, 50, 400, 120, 300, 80, 150], 30, "ok"),  # a wild past forgives
        ([100, 200, 50, 400, 120, 300, 80, 150], 4, "warn"),
        ([100, 200, 50, 400, 120, 300, 80, 150], 100_000, "error"),
        ([7, 7, 7, 7, 7, 7, 7], 7, "ok"),  # no spread at all: the floor
        ([7, 7, 7, 7, 7, 7, 7], 8, "error"),
        ([1000] * 7, 1051, "ok"),  # 5 %: within 3.5 floors
        ([1000] * 7, 1060, "warn"),
        ([1000] * 7, 1100, "error"),
        ([0, 0, 0, 0, 0, 0, 0], 0, "ok"),
        ([0, 0, 0, 0, 0, 0, 0], 1, "error"),
        ([1000] * 6, 5, "ok"),  # six points know nothing
        ([], 5, "ok"),
        # One outlier in the past moves neither the median nor the spread.
        ([1000, 1010, 990, 1020, 980, 1005, 995, 1_000_000], 1200, "error"),
    ],
)
def test_the_past_says_what_is_odd(past: list[float], value: float, level: str) -> None:
    assert judge(value, NOW, daily(past)).level == level


def test_zero_rows_are_an_error_where_there_normally_are_some() -> None:
    wild: list[float] = [1, 3, 1, 40, 2, 90, 1, 5, 200, 1]
    judged = judge(0, NOW, daily(wild))
    assert judged.score < WARN_ABOVE
    assert (judged.level, "there always were some" in judged.message) == ("error", True)
    rarely_empty = daily([*wild, *wild, 0])
    assert judge(0, NOW, rarely_empty).level == "error"
    assert "there normally are some" in judge(0, NOW, rarely_empty).message
    assert judge(0, NOW, daily([*wild, 0, 0])).level == "ok"


def test_the_same_weekday_and_hour_speak_once_there_are_eight_of_them() -> None:
    """Mondays bring 10,000 rows, all other days 100."""
    days = [NOW - timedelta(days=n) for n in range(1, 7 * 8 + 1)]
    past = [Point(day, 10_000 if day.weekday() == 0 else 100) for day in days]
    monday = judge(10_000, NOW, past)
    assert (monday.level, monday.basis, monday.points) == ("ok", "same_weekday_and_hour", 8)
    assert judge(100, NOW, past).level == "error"
    younger = [point for point in past if point.at > NOW - timedelta(days=50)]
    assert (judge(10_000, NOW, younger).basis, judge(10_000, NOW, younger).level) == ("all", "error")


def test_hours_are_those_of_the_zone() -> None:
    """9:00 in Madrid is 8:00 UTC in winter and 7:00 in summer."""
    madrid = ZoneInfo("Europe/Madrid")
    mondays = [datetime(2026, 4, 6, 9, tzinfo=madrid) - timedelta(weeks=n) for n in range(1, 10)]
    past = [Point(monday.astimezone(UTC), 500) for monday in mondays]
    now = datetime(2026, 4, 6, 9, tzinfo=madrid)
    assert judge(500, now.astimezone(UTC), past, zone=madrid).points == 9
    assert judge(500, now.astimezone(UTC), past, zone=madrid).basis == "same_weekday_and_hour"
    assert judge(500, now.astimezone(UTC), past).basis == "all"


def test_backfills_and_confirmed_anomalies_teach_nothing() -> None:
    odd = [replace(point, value=50_000, is_excluded=True) for point in STEADY]
    assert judge(1200, NOW, [*STEADY, *odd]) == judge(1200, NOW, STEADY)
    assert judge(1200, NOW, odd).basis == "none"


def test_what_comes_later_teaches_nothing() -> None:
    later = Point(NOW + timedelta(days=1), 50_000)
    assert judge(1200, NOW, [*STEADY, later]) == judge(1200, NOW, STEADY)


def test_the_message_shows_the_band() -> None:
    assert judge(500, NOW, STEADY).message == "500 rows, expected 949 to 1,053 rows, after 10 points"
    assert judge(2.5, NOW, daily([2.5] * 6), unit="s").message == "only 6 points: at least 7 are needed"
    assert judge(2.5, NOW, daily([2.5] * 7), unit="s").message == "2.5 s, expected 2.32 to 2.69 s, after 7 points"
    assert judge(5, NOW, []).message == "nothing to compare with yet"


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_what_is_no_measurement_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be judged"):
        judge(value, NOW, STEADY)


counts = st.floats(0, 1e9, allow_nan=False) | st.integers(0, 10**9)
pasts = st.lists(counts, max_size=40).map(daily)


@given(counts, pasts)
def test_the_band_is_there_whenever_there_are_points_and_in_order(value: float, past: list[Point]) -> None:
    band = judge(value, NOW, past).band
    assert (band is None) == (not past)
    if band is not None:
        ordered = [band.error_low, band.warn_low, band.median, band.warn_high, band.error_high]
        assert ordered == sorted(ordered)
        assert band.error_low >= 0


@given(counts, pasts)
def test_inside_the_band_nothing_is_odd_and_outside_of_it_something_is(value: float, past: list[Point]) -> None:
    """The band that people see and the verdict never contradict each other, but for an unexpected zero."""
    judged = judge(value, NOW, past)
    if len(past) < LEAST_POINTS or judged.band is None:
        assert judged.level == "ok"
        return
    band, hair = judged.band, 1e-6 * (1 + value)
    if band.warn_low + hair < value < band.warn_high - hair:
        assert judged.level == "ok" or value == 0
    elif value < band.error_low - hair or value > band.error_high + hair:
        assert judged.level == "error"
    elif band.error_low + hair < value < band.warn_low - hair or band.warn_high + hair < value < band.error_high - hair:
        assert judged.level == "warn" or value == 0


@given(pasts, counts, counts)
def test_further_away_is_never_less_odd(past: list[Point], one: float, other: float) -> None:
    """On one side of the median, the level only rises with the distance."""
    levels = ["ok", "warn", "error"]
    band = judge(one, NOW, past).band
    if band is None:
        return
    near, far = sorted((one, other), key=lambda value: abs(value - band.median))
    if near and (near > band.median) == (far > band.median):
        assert levels.index(judge(near, NOW, past).level) <= levels.index(judge(far, NOW, past).level)


@given(st.lists(st.floats(1, 1e6), min_size=LEAST_POINTS, max_size=40), st.floats(1 - IGNORED_MOVE, 1 + IGNORED_MOVE))
def test_a_move_below_five_percent_of_the_median_is_never_odd(values: list[float], move: float) -> None:
    band = judge(1, NOW, daily(values)).band
    assert band is not None
    value = band.median * (1 + (move - 1) * 0.999)
    assert judge(value, NOW, daily(values)).level == "ok"


@given(pasts, counts, st.randoms(use_true_random=False))
def test_the_order_of_the_past_does_not_matter(past: list[Point], value: float, random: st.DrawFn) -> None:
    shuffled = list(past)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(value, NOW, shuffled) == judge(value, NOW, past)


def test_the_thresholds_are_those_of_the_score() -> None:
    past = daily([1000.0] * 20)
    for threshold, below, above in ((WARN_ABOVE, "ok", "warn"), (ERROR_ABOVE, "warn", "error")):
        for factor, level in ((0.999, below), (1.001, above)):
            log = math.log1p(1000) + factor * threshold * 0.01 / 0.6745
            assert judge(math.expm1(log), NOW, past).level == level


HOURLY = [NOW - timedelta(hours=n) for n in range(20)]


@pytest.mark.parametrize(
    ("updates", "after", "policy_s", "late", "basis"),
    [
        (HOURLY, timedelta(minutes=89), None, False, "past"),
        (HOURLY, timedelta(minutes=91), None, True, "past"),
        (HOURLY, timedelta(minutes=91), 7200, False, "policy"),
        (HOURLY, timedelta(hours=3), 7200, True, "policy"),
        (HOURLY[:7], timedelta(days=3), None, False, "none"),  # six gaps
        (HOURLY[:8], timedelta(days=3), None, True, "past"),
        (HOURLY[:1], timedelta(hours=3), 7200, True, "policy"),
        (HOURLY, timedelta(minutes=-5), None, False, "past"),  # clocks differ
    ],
)
def test_a_gap_is_held_against_the_policy_or_the_past(
    updates: list[datetime], after: timedelta, policy_s: float | None, late: bool, basis: str
) -> None:
    found = freshness(updates, NOW + after, policy_s=policy_s)
    assert (found.is_late, found.basis) == (late, basis)
    assert (found.allowed_s is None) == (basis == "none")


def test_what_was_never_updated_has_no_freshness() -> None:
    with pytest.raises(ValueError, match="no update"):
        freshness([], NOW)


@given(st.lists(st.floats(0, 1e6), min_size=1).map(sorted), st.floats(0, 1))
def test_a_quantile_lies_between_the_least_and_the_greatest(ordered: list[float], share: float) -> None:
    assert ordered[0] <= quantile(ordered, share) <= ordered[-1] or math.isclose(quantile(ordered, share), ordered[-1])


def test_quantiles_are_interpolated() -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert quantile([10.0], 0.95) == 10.0
    assert quantile(list(map(float, range(101))), 0.95) == 95.0

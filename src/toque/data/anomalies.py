"""Bounds of what is normal for row counts, durations and freshness, learnt from the past.

Counts are compared as `log1p`, so that twice as many is as odd as half as many. The score is Iglewicz and Hoaglin's
modified z-score, `0.6745 * |x - median| / MAD` ("How to Detect and Handle Outliers", 1993): the median and the MAD are
not moved by the outliers that they are to find. It does not find slow drift: a bound follows its data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["ok", "warn", "error"]
Basis: TypeAlias = Literal["none", "all", "same_weekday_and_hour"]

WARN_ABOVE: Final = 3.5
ERROR_ABOVE: Final = 6.0
LEAST_POINTS: Final = 7
"""With fewer, nothing is known to be odd."""
SEASON_POINTS: Final = 8
"""So many points of the same weekday and hour speak for themselves; with fewer, all points do."""
IGNORED_MOVE: Final = 0.05
"""A move of less than this share of the median is never odd, however steady the past was."""
MAD_FLOOR: Final = 0.01
"""On the scale of log1p, about one percent: a past without any spread would make every move infinitely odd."""
_CONSISTENT: Final = 0.6745
FRESHNESS_FACTOR: Final = 1.5
FRESHNESS_QUANTILE: Final = 0.95


@dataclass(frozen=True)
class Point:
    """One measurement of the past."""

    at: datetime
    """With a zone."""
    value: float
    """Rows, or seconds; not negative."""
    is_excluded: bool = False
    """A backfill, or an anomaly that somebody confirmed: it teaches nothing."""
    is_normal: bool = False
    """Somebody said so: what is close to it is no anomaly."""


@dataclass(frozen=True)
class Band:
    """What was expected: below `warn_low` or above `warn_high` is a warning, outside of the others an error."""

    median: float
    warn_low: float
    warn_high: float
    error_low: float
    error_high: float


@dataclass(frozen=True)
class Anomaly:
    """How odd a value is. The band is there whenever there are points to learn from, odd or not."""

    level: Level
    value: float
    score: float
    band: Band | None
    points: int
    basis: Basis
    message: str

    @property
    def is_odd(self) -> bool:
        """A warning or an error."""
        return self.level != "ok"


def judge(
    value: float,
    at: datetime,
    past: Sequence[Point],
    *,
    zone: tzinfo | None = None,
    unit: str = "rows",
    least_move: float = 0.0,
) -> Anomaly:
    """How odd `value` is at this time, after what was measured before.

    `zone` is the one whose weekdays and hours count; without it, that of `at`. Zero where there normally is something
    is an error, whatever the score says; a move of less than `least_move` is never odd otherwise, nor what is close to
    a value that somebody called normal. Raises `ValueError` for a value that is negative or no number.
    """
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{value!r} cannot be judged: a count or a duration is finite and not negative")
    points, basis = _comparable(at, past, zone or at.tzinfo)
    if not points:
        return Anomaly("ok", value, 0.0, None, 0, "none", "nothing to compare with yet")
    logs = sorted(math.log1p(point.value) for point in points)
    middle = _median(logs)
    spread = max(_median(sorted(abs(log - middle) for log in logs)), MAD_FLOOR)
    score = _CONSISTENT * abs(math.log1p(value) - middle) / spread
    band = _band(middle, spread)
    known = f"{len(points)} points" + (" of this weekday and hour" if basis == "same_weekday_and_hour" else "")
    if len(points) < LEAST_POINTS:
        return Anomaly(
            "ok", value, score, band, len(points), basis, f"only {known}: at least {LEAST_POINTS} are needed"
        )
    level = _level(value, score, band.median) if abs(value - band.median) >= least_move else "ok"
    expected = f"expected {_number(band.warn_low)} to {_number(band.warn_high)} {unit}, after {known}"
    if value == 0 and _is_normally_above_zero(points):
        level, expected = (
            "error",
            f"there always were some; {expected}"
            if all(p.value for p in points)
            else f"there normally are some; {expected}",
        )
    if level != "ok" and any(_is_close(value, point.value) for point in past if point.is_normal):
        level, expected = "ok", f"which somebody called normal; {expected}"
    return Anomaly(level, value, score, band, len(points), basis, f"{_number(value)} {unit}, {expected}")


@dataclass(frozen=True)
class Staleness:
    """Whether something has not been updated for too long."""

    is_late: bool
    gap_s: float
    allowed_s: float | None
    """None: too little is known."""
    basis: Literal["policy", "past", "none"]


def freshness(updates: Sequence[datetime], now: datetime, *, policy_s: float | None = None) -> Staleness:
    """Whether the gap since the last update is longer than the policy, or than what past gaps make likely.

    Without a policy, 1.5 times the 95th percentile of past gaps is allowed, once there are enough of them. Raises
    `ValueError` without any update: what never was cannot be stale.
    """
    if not updates:
        raise ValueError("there is no update to measure from")
    times = sorted(updates)
    gap_s = max((now - times[-1]).total_seconds(), 0.0)
    if policy_s is not None:
        return Staleness(gap_s > policy_s, gap_s, policy_s, "policy")
    gaps = sorted((later - sooner).total_seconds() for sooner, later in pairwise(times))
    if len(gaps) < LEAST_POINTS:
        return Staleness(False, gap_s, None, "none")
    allowed_s = FRESHNESS_FACTOR * quantile(gaps, FRESHNESS_QUANTILE)
    return Staleness(gap_s > allowed_s, gap_s, allowed_s, "past")


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of ascending numbers, with linear interpolation between neighbours."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _comparable(at: datetime, past: Sequence[Point], zone: tzinfo | None) -> tuple[list[Point], Basis]:
    """The points of the same weekday and hour when there are enough, else all."""
    taught = [point for point in past if not point.is_excluded and point.at < at]
    if not taught:
        return [], "none"
    season = _season(at, zone)
    same = [point for point in taught if _season(point.at, zone) == season]
    return (same, "same_weekday_and_hour") if len(same) >= SEASON_POINTS else (taught, "all")


def _season(at: datetime, zone: tzinfo | None) -> tuple[int, int]:
    local = at.astimezone(zone)
    return local.weekday(), local.hour


def _level(value: float, score: float, median: float) -> Level:
    if abs(value - median) < IGNORED_MOVE * median or score <= WARN_ABOVE:
        return "ok"
    return "error" if score > ERROR_ABOVE else "warn"


def _band(middle: float, spread: float) -> Band:
    """The values at which the level changes: where the score does, but never closer than an ignored move."""
    median = math.expm1(middle)

    def bound(threshold: float, sign: int) -> float:
        by_score = math.expm1(max(middle + sign * threshold * spread / _CONSISTENT, 0.0))
        by_move = median * (1 + sign * IGNORED_MOVE)
        return min(by_score, by_move) if sign < 0 else max(by_score, by_move)

    return Band(median, bound(WARN_ABOVE, -1), bound(WARN_ABOVE, 1), bound(ERROR_ABOVE, -1), bound(ERROR_ABOVE, 1))


def _is_close(value: float, other: float) -> bool:
    return abs(value - other) <= IGNORED_MOVE * other


def _is_normally_above_zero(points: Sequence[Point]) -> bool:
    """More than nine of ten: a table that is empty now and then is not broken when it is."""
    return sum(point.value > 0 for point in points) > 0.9 * len(points)


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:,.3g}"

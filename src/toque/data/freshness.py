"""Whether the data of an asset is fresh enough, since when it is not, and that in words.

Data is fresh until its deadline, due in the time before it that its policy names, overdue from the deadline on. What
never came cannot be too old: freshness begins with the first data. Deadlines come as values: `toque.schedule.deadlines`
knows the clock on the wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from toque.durations import text

FreshnessState: TypeAlias = Literal["fresh", "due", "overdue", "unknown"]
_SECOND_US = 1_000_000


@dataclass(frozen=True)
class Freshness:
    """How fresh an asset is at one moment."""

    state: FreshnessState
    since_us: int
    """When it came to be so; 0 where that is not known."""
    updated_us: int
    """Of when its newest data is; 0: there was none."""
    deadline_us: int
    """From when on that is, or was, too old; 0: never."""
    changes_us: int
    """When the state becomes another one if no data comes; 0: never."""

    @property
    def words(self) -> str:
        """For people; instants as `2026-11-23 09:00:00 UTC`."""
        match self.state:
            case "unknown":
                return "no data yet"
            case "overdue":
                return f"overdue since {instant(self.deadline_us)}, its data is of {instant(self.updated_us)}"
            case "due":
                return f"due by {instant(self.deadline_us)}, its data is of {instant(self.updated_us)}"
            case "fresh":
                return f"fresh until {instant(self.deadline_us)}" if self.deadline_us else "fresh"


def judge(updated_us: int, deadline_us: int, now_us: int, *, warn_s: float = 0.0) -> Freshness:
    """How fresh data of `updated_us` is, whose deadline is `deadline_us` (0: it has none)."""
    if not updated_us:
        return Freshness("unknown", 0, 0, 0, 0)
    if not deadline_us:
        return Freshness("fresh", updated_us, updated_us, 0, 0)
    if now_us >= deadline_us:
        return Freshness("overdue", deadline_us, updated_us, deadline_us, 0)
    due_us = max(deadline_us - round(warn_s * _SECOND_US), updated_us)
    if warn_s and now_us >= due_us:
        return Freshness("due", due_us, updated_us, deadline_us, deadline_us)
    return Freshness("fresh", updated_us, updated_us, deadline_us, due_us if warn_s else deadline_us)


def usual_words(gap_s: float, allowed_s: float) -> str:
    """Of an asset without a policy: how its gap compares with those of its past."""
    known = f"its past says within {text(_coarse(allowed_s))}"
    return f"{text(_coarse(gap_s))} without new data, {known}" if gap_s > allowed_s else f"as usual: {known}"


def instant(at_us: int) -> str:
    """As sentences have it: pages tell it in the zone of whoever looks."""
    return datetime.fromtimestamp(at_us / _SECOND_US, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _coarse(duration_s: float) -> int:
    """Nobody wants to read seconds of days."""
    unit = next((size for size in (86_400, 3600, 60) if duration_s >= 10 * size), 1)
    return round(duration_s / unit) * unit

"""What a server says about the ticks that it missed: which they were, and what it did about them."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime

from toque.ports.triggers import Change, TickRow
from toque.runtime.ticking import Fate

log = logging.getLogger("toque.schedules")

LINES = 20
"""So many schedules are named at a time; the others are counted. What happened to each tick stands in the store."""


class Missed:
    """Collects what was caught up in one go."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._more = 0

    def add(self, change: Change, fate: Fate) -> None:
        """Ticks of one schedule that were decided; of those in time nothing is said."""
        if not fate.missed:
            return
        if len(self._lines) == LINES:
            self._more += 1
            return
        self._lines.append(f"{change.after.id}: {words(change.ticks, fate)}")

    def say(self) -> None:
        """To the log."""
        for line in self._lines:
            log.warning("%s", line)
        if self._more:
            log.warning(
                "and %d more schedules with missed ticks: `toque schedule ticks NAME` tells about each", self._more
            )


def words(ticks: list[TickRow], fate: Fate) -> str:
    """`3 ticks were missed (2026-11-22 02:00 to 04:00 UTC): 1 started, 2 coalesced (…)`."""
    outcomes: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for tick in ticks:
        outcomes[tick.outcome] += tick.count
        if tick.reason:
            reasons.setdefault(tick.outcome, tick.reason)
    first = min(tick.first_us or tick.at_us for tick in ticks)
    last = max(tick.at_us for tick in ticks)
    total = sum(outcomes.values())
    span = moment(first) if first == last else f"{moment(first)} to {moment(last)}"
    noun = "tick was" if total == 1 else "ticks were"
    paused = any(tick.is_by_pause for tick in ticks)
    verb = "skipped by a pause" if paused else "not started in time"
    parts = [
        f"{count} {outcome}" + (f" ({reasons[outcome]})" if outcome in reasons else "")
        for outcome, count in outcomes.items()
    ]
    return f"{total} {noun} {verb} ({span}): {', '.join(parts)}"


def moment(at_us: int) -> str:
    """In UTC, to the second."""
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

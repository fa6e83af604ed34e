"""Deadlines of freshness: until when the data of one instant is fresh enough."""

from __future__ import annotations

from itertools import islice

from toque.durations import text
from toque.graph.freshness import FreshnessPolicy
from toque.schedule.ticks import instants
from toque.schedule.walls import NEVER
from toque.schedule.words import phrase

_SECOND_US = 1_000_000


def deadline_us(policy: FreshnessPolicy, updated_us: int) -> int:
    """The first instant at which data of `updated_us` is too old; 0: it never is, since there are no more ticks.

    With ticks: the first one at which the data would have to be newer. At a tick itself, data that is exactly as old as
    it may be is fresh, and the next tick is its deadline.
    """
    if policy.by is None:
        assert policy.within_s is not None
        return updated_us + round(policy.within_s * _SECOND_US)
    if policy.within_s is not None:
        return next(instants(policy.by, updated_us + round(policy.within_s * _SECOND_US), NEVER), 0)
    # Newer than the tick before: it serves the first tick after it, and is too old for the second.
    return next(islice(instants(policy.by, updated_us - 1, NEVER), 1, None), 0)


def policy_words(policy: FreshnessPolicy) -> str:
    """What the data has to be, for people."""
    age = f"not older than {text(policy.within_s)}" if policy.within_s is not None else "newer than the deadline before"
    return age if policy.by is None else f"{age}, {phrase(policy.by)}"

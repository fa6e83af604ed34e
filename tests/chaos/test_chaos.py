"""Runs whose processes are killed end as undisturbed ones do; `make chaos` does fifteen times as much of it."""

from __future__ import annotations

import random

import pytest

from tests.chaos.disturb import disturb
from tests.chaos.ticks import disturb_ticks

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_whatever_is_killed_runs_end_as_if_nothing_had_been(store: str) -> None:
    """No committed outcome runs again, none is recorded twice, no slot stays taken, no process is left behind."""
    seed = str(random.SystemRandom().randrange(10**9))
    assert disturb(store, 10, seed) == [], f"python -m tests.chaos --kills 10 --store {store} --seed {seed}"


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_servers_that_are_killed_around_ticks_lose_none_and_start_none_twice(store: str) -> None:
    """Each tick has one outcome and exactly one run, which succeeds."""
    seed = str(random.SystemRandom().randrange(10**9))
    assert disturb_ticks(store, 4, seed) == [], f"python -m tests.chaos --ticks 4 --store {store} --seed {seed}"

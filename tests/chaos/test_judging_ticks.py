"""The judge of ticks would notice: each test spoils one thing of a flawless time."""

from __future__ import annotations

import msgspec

from tests import trigger_rows as made
from tests.chaos.ticks import judge
from toque.engine.rows import RunRow
from toque.engine.states import RunState, TickOutcome
from toque.ports.triggers import TickSeen


def flawless() -> tuple[list[TickSeen], list[RunRow]]:
    """Five ticks ten apart, newest first, each with its run."""
    runs = [made.queued(f"r{n}", 10 * n, state=RunState.SUCCEEDED, actor="p/s") for n in range(1, 6)]
    ticks = [TickSeen(tick=made.tick(run.logical_us, run_id=run.run_id), run_state=run.state) for run in runs]
    return ticks[::-1], runs


def wrong(ticks: list[TickSeen], runs: list[RunRow]) -> list[str]:
    return judge("p/s", 10, ticks, runs)


def test_a_flawless_time_is_left_alone() -> None:
    assert wrong(*flawless()) == []


def test_a_tick_that_was_lost_is_noticed() -> None:
    ticks, runs = flawless()
    assert wrong(ticks[:2] + ticks[3:], [run for run in runs if run.run_id != "r3"]) == ["p/s lost the tick 30"]
    assert wrong([], []) == ["p/s has no tick"]


def test_a_tick_that_never_was_is_noticed() -> None:
    ticks, runs = flawless()
    extra = TickSeen(tick=made.tick(33, run_id="r9"))
    found = wrong([*ticks, extra], [*runs, made.queued("r9", 33, state=RunState.SUCCEEDED)])
    assert "p/s has a tick 33 that never was" in found
    assert "p/s has a run of 33, which is no tick" in found


def test_a_second_run_of_a_tick_is_noticed() -> None:
    ticks, runs = flawless()
    found = wrong(ticks, [*runs, made.queued("r9", 30, state=RunState.SUCCEEDED)])
    assert found == ["p/s 30 has 2 runs", "run r9 is named by no tick"]


def test_a_tick_without_its_run_is_noticed() -> None:
    ticks, runs = flawless()
    assert wrong(ticks, runs[1:]) == ["p/s 10 has no run"]


def test_a_tick_that_was_not_started_and_a_run_that_did_not_succeed_are_noticed() -> None:
    ticks, runs = flawless()
    ticks[0] = TickSeen(tick=msgspec.structs.replace(ticks[0].tick, outcome=TickOutcome.COALESCED, reason="late"))
    runs[0] = msgspec.structs.replace(runs[0], state=RunState.FAILED)
    assert wrong(ticks, runs) == ["p/s 50 was coalesced: late", "run r1 is failed: None"]

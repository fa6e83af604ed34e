"""Many attempts, workers that die at random, work that is taken back at random: each attempt ends exactly once."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter

import pytest

from tests.attempts import node, spec
from tests.integration.executors.conftest import Benches, pid_of
from toque.engine.inputs import AttemptLost, AttemptReturned, AttemptStarted, AttemptSucceeded

ATTEMPTS = 3_000
KILLS = 12


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_attempt_ends_once_whatever_dies(benches: Benches, seed: int) -> None:
    chance = random.Random(seed)
    bench = await benches(workers=3)
    # Mostly nothing, sometimes 5 to 40 ms: long enough for what waits behind it to be taken back.
    lengths = [chance.choice([0] * 30 + [100_000, 1_000_000]) for _ in range(ATTEMPTS)]
    nodes = {length: node("count_to", length, id=f"count_to_{length}") for length in set(lengths)}
    waiting = [spec(nodes[length], map_index=(n,)) for n, length in enumerate(lengths)]
    submitted = []
    ended: set[object] = set()
    kill_at = sorted(chance.sample(range(1, ATTEMPTS), KILLS))
    withdrawn = 0
    while len(ended) < ATTEMPTS:
        room = min(len(waiting), max(1, bench.executor.free()))
        batch, waiting = waiting[:room], waiting[room:]
        submitted += batch
        bench.submit(*batch)
        if batch and chance.random() < 0.2:
            tokens = [each.token for each in chance.sample(batch, max(1, len(batch) // 3))]
            bench.executor.withdraw(tokens)
            withdrawn += len(tokens)
        before = len(bench.sink.reports)
        if len(ended) < len(submitted):
            await bench.sink.until(lambda: len(bench.sink.reports) > before)  # noqa: B023
        ended = {report.token for report in bench.sink.reports if not isinstance(report, AttemptStarted)}
        if kill_at and len(ended) >= kill_at[0]:
            kill_at.pop(0)
            begun = [report for report in bench.sink.reports[-50:] if isinstance(report, AttemptStarted)]
            if begun:
                kill(pid_of(chance.choice(begun).worker))
    ends = Counter(report.token for report in bench.sink.reports if not isinstance(report, AttemptStarted))
    assert set(ends.values()) == {1}, f"seed {seed}"
    begins = Counter(report.token for report in bench.sink.reports if isinstance(report, AttemptStarted))
    kinds = Counter(type(report) for report in bench.sink.reports if not isinstance(report, AttemptStarted))
    assert set(kinds) <= {AttemptSucceeded, AttemptLost, AttemptReturned}
    assert kinds[AttemptLost] <= KILLS
    for report in bench.sink.reports:
        match report:
            case AttemptSucceeded():
                assert begins[report.token] == 1, f"seed {seed}"
            case AttemptLost():
                # 0: its process died while it was next in line, and may have died of it.
                assert begins[report.token] <= 1, f"seed {seed}"
            case AttemptReturned():
                assert begins[report.token] == 0, f"seed {seed}"
            case _:
                pass


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return

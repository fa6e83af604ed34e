"""2,000 seeds (`TOQUE_SIMULATION_SEEDS` for more) of the simulator, in chunks that run side by side."""

from __future__ import annotations

import os

import pytest

from tests.simulation.simulate import simulate

SEEDS = int(os.environ.get("TOQUE_SIMULATION_SEEDS", "2000"))
CHUNK = max(1, SEEDS // 40)


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_disturbance_changes_how_a_run_ends(first: int) -> None:
    for seed in range(first, min(first + CHUNK, SEEDS)):
        simulate(seed)

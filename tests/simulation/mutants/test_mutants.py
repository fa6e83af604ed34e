"""Each known way to break the engine is seen by the simulator within 2,000 seeds: one that sees nothing is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.mutants.planting import hunt, patches, plant

SEEDS = 2000


@pytest.mark.parametrize("patch", patches(), ids=lambda patch: patch.stem)
def test_a_planted_mutant_is_caught(patch: Path, tmp_path: Path) -> None:
    plant(patch, tmp_path)
    hunted = hunt(tmp_path, SEEDS)
    assert hunted.returncode == 1, f"{patch.stem} lives on:\n{hunted.stdout}\n{hunted.stderr[-2000:]}"
    assert "Broken: seed " in hunted.stderr, hunted.stderr[-2000:]


def test_there_are_at_least_a_dozen_mutants() -> None:
    assert len(patches()) >= 12

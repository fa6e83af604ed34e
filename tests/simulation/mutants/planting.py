"""Planting a mutant: a copy of the sources with one patch applied, simulated in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COPIED = ("src/toque", "tests/simulation", "tests/unit/engine")


def patches() -> list[Path]:
    """All mutants."""
    return sorted(Path(__file__).parent.glob("*.patch"))


def plant(patch: Path, where: Path) -> None:
    """Copy the sources to `where` and break them."""
    for part in COPIED:
        shutil.copytree(ROOT / part, where / part, ignore=shutil.ignore_patterns("__pycache__", "web", "*.patch"))
    applied = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-p1", str(patch)],
        cwd=where,
        capture_output=True,
        text=True,
        # Outside of any repository, or git would look for the paths in the one around us.
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(where.parent)},
        check=False,
    )
    if applied.returncode:
        raise AssertionError(f"{patch.name} does not apply any more, plant it anew:\n{applied.stderr}")


def hunt(where: Path, seeds: int) -> subprocess.CompletedProcess[str]:
    """Simulate the sources in `where` until a seed breaks."""
    path = os.pathsep.join((str(where / "src"), str(where)))
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", str(seeds)],
        cwd=where,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

"""Runs what the documentation shows, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Shell = Callable[..., subprocess.CompletedProcess[str]]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a command as a user would, with this Toque and an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    environ = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def run(command: str, cwd: Path, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            command, shell=True, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=120
        )
        assert (ended.returncode != 0) is fails, f"{command}\n{ended.stdout}\n{ended.stderr}"
        return ended

    return run

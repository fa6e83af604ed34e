"""Small projects to snapshot."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A declared project of three files, outside of any repository."""
    root = tmp_path / "project"
    (root / "lib").mkdir(parents=True)
    (root / "toque.toml").write_text("")
    (root / "flow.py").write_text("x = 1\n")
    (root / "lib" / "q.sql").write_text("select 1\n")
    return root


@pytest.fixture
def git(project: Path) -> Git:
    """Runs git in the project, which is made a repository."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(project.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.invalid",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.invalid",
    }

    def run(*arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=True).stdout

    run("init", "-q")
    return run

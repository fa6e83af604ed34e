"""`init` makes a project that runs, and touches nothing that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.cli.conftest import Toque
from toque.settings import load


def test_a_new_project_has_settings_a_pipeline_and_a_test(toque: Toque, tmp_path: Path) -> None:
    answer = toque("init", str(tmp_path / "new"))
    assert answer.code == 0
    assert "toque run pipelines/words.py" in answer.out
    assert "toque dev" in answer.out
    assert load(tmp_path / "new").name == "new"
    listed = toque("list", "--json", "--project", str(tmp_path / "new")).json
    assert [each["name"] for each in listed["pipelines"]] == ["words"]
    assert listed["broken"] == []


def test_what_was_there_is_kept_but_the_state_of_runs_is_ignored_by_git(toque: Toque, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / ".gitignore").write_text("*.log")
    data = toque("init", str(tmp_path / "new"), "--name", "mine", "--json").json
    assert data["kept"] == [".gitignore"]
    assert (tmp_path / "new" / ".gitignore").read_text() == "*.log\n.toque/\n"
    assert load(tmp_path / "new").name == "mine"


def test_a_project_is_not_made_twice(toque: Toque) -> None:
    answer = toque("init")
    assert (answer.code, "is a project already" in answer.err) == (2, True)


def test_the_test_of_the_new_project_passes(toque: Toque, tmp_path: Path) -> None:
    toque("init", str(tmp_path / "new"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ended = subprocess.run(command, cwd=tmp_path / "new", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout

"""The ways into the program, and out of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import toque.cli


def run(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_module_is_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "toque", "--version"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("toque 0.")


def test_windows_gets_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit, match="WSL"):
        toque.cli.main()


def test_the_exit_code_reaches_the_shell(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['toque', 'runs']; from toque.cli import main; main()"
    assert run(code, tmp_path).returncode == 4


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    pipeline = f"{sys.executable} -m toque --help | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", pipeline], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (ended.stdout.strip(), ended.stderr) == ("0", "")


def test_a_defect_shows_its_traceback(tmp_path: Path) -> None:
    code = (
        "import toque.cli.commands.runs as runs\n"
        "def broken(*_): raise ZeroDivisionError('by zero')\n"
        "runs.in_store = broken\n"
        "from toque.cli.application import call\n"
        "print(call(['runs']))\n"
    )
    ended = run(code, tmp_path)
    assert ended.stdout.strip() == "70"
    assert "Traceback" in ended.stderr
    assert "please report it: ZeroDivisionError: by zero" in ended.stderr

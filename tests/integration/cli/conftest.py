"""The `toque` command as a process, on projects whose tasks wait at gates: nothing here sleeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60
TOQUE = (sys.executable, "-m", "toque")


class Command:
    """A running `toque`; its output is read line by line."""

    def __init__(self, command: tuple[str, ...], cwd: Path, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.seen: list[str] = []

    def until(self, part: str) -> str:
        """Read on until a line has `part`; that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen.append(line)
            if part in line:
                return line
        raise AssertionError(f"{part!r} never came:\n{''.join(self.seen)}\n{self.process.stderr.read()}")  # type: ignore[union-attr]

    def until_error(self, part: str) -> str:
        """As `until`, on standard error."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.seen.append(line)
            if part in line:
                return line
        raise AssertionError(f"{part!r} never came:\n{''.join(self.seen)}")

    def interrupt(self) -> None:
        """Ctrl-C, as the terminal sends it: to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """`kill -9` of this process only."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def end(self, said: str = "") -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(said or None, timeout=PATIENCE_S)
        return Ended(self.process.returncode, "".join(self.seen) + out, err)

    def dispose(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


class Ended:
    """What a command left."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Project:
    """A project directory, and commands in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root.parent),
            "PYTHONPATH": str(ROOT / "src"),
            "GATES": str(root.parent),
        }
        self._started: list[Command] = []

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *arguments: str, program: tuple[str, ...] = TOQUE) -> Command:
        """Start `toque …` and do not wait."""
        command = Command((*program, *arguments), self.root, self.environ)
        self._started.append(command)
        return command

    def toque(self, *arguments: str, said: str = "") -> Ended:
        """`toque …`, to its end."""
        return self.start(*arguments).end(said)

    def gate(self, name: str) -> Callable[[], None]:
        """A named pipe that a task blocks on by reading it; calling the result lets it pass.

        Opening it to write blocks in turn until a task stands before it: so it also tells that one does.
        """
        path = self.root.parent / name
        os.mkfifo(path)

        def open_it() -> None:
            path.write_text("go")

        return open_it

    def dispose(self) -> None:
        """End whatever still runs."""
        for command in self._started:
            command.dispose()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project of one worker."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "toque.toml").write_text("workers = 1\n")
    made = Project(root)
    yield made
    made.dispose()

"""A user's project in a temporary folder, driven by the real command line in real processes."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOQUE = (sys.executable, "-m", "toque")
PATIENCE_S = 60.0
"""Until a test gives up on something that never happens. Nothing is measured by it."""

SIGNALS = """
import os

def tell(text) -> None:
    # Short lines are written whole, whoever else writes.
    bell = os.open("../bell", os.O_WRONLY)
    os.write(bell, f"{text}\\n".encode())
    os.close(bell)

def wait() -> None:
    gate = os.open("../gate", os.O_RDONLY)
    os.read(gate, 1)
    os.close(gate)

def note(text, file="notes") -> None:
    notes = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(notes, f"{text}\\n".encode())
    os.close(notes)
"""


@dataclass(frozen=True)
class Finished:
    """What a command left."""

    code: int
    out: str
    """Standard output; standard error is in it unless `--json` was asked for."""
    err: str

    @property
    def json(self) -> Any:
        """What it printed with `--json`."""
        return json.loads(self.out)


class Command:
    """A command that is still running."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.seen = ""
        """What it has said so far, a JSON document on standard output left out."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """`kill -9`, and wait."""
        self.process.kill()
        self.process.wait()

    def wait_for(self, text: str) -> None:
        """Until it has said `text`."""
        stream = self.process.stderr or self.process.stdout
        assert stream is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while text not in self.seen:
                assert selector.select(PATIENCE_S), f"never said {text!r}, but:\n{self.seen}"
                data = os.read(stream.fileno(), 1 << 16)
                assert data, f"ended without saying {text!r}, but:\n{self.seen}"
                self.seen += data.decode(errors="replace")

    def end(self) -> Finished:
        """Wait for it."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        if err is None:
            self.seen += out.decode(errors="replace")
            return Finished(self.process.returncode, self.seen, "")
        self.seen += err.decode(errors="replace")
        return Finished(self.process.returncode, out.decode(errors="replace"), self.seen)


class Project:
    """The folder, and the commands that a user types in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TOQUE_")},
            "PYTHONUNBUFFERED": "1",
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        self.started: list[Command] = []
        self._told: list[str] = []
        root.mkdir(parents=True, exist_ok=True)
        for name in ("bell", "gate"):
            os.mkfifo(root.parent / name)
        # Both ends are held here, so that neither side ever waits for the other one to open it.
        self._bell = os.open(root.parent / "bell", os.O_RDWR)
        self._gate = os.open(root.parent / "gate", os.O_RDWR)
        self.write("toque.toml", "")
        self.write("signals.py", SIGNALS)

    def write(self, name: str, text: str) -> Path:
        """A file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def settings(self, text: str) -> None:
        """`toque.toml`."""
        self.write("toque.toml", text)

    def pipeline(self, text: str, name: str = "flow.py") -> None:
        """A file of pipelines; what it needs of toque is imported, and `tell`, `wait` and `note`."""
        self.write(name, "from toque import *\nfrom signals import note, tell, wait\n" + textwrap.dedent(text))

    def notes(self, name: str = "notes") -> list[str]:
        """What user code wrote by `note(text)`."""
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    def start(self, *arguments: str, through: Sequence[str] = (), typed: str = "", **environ: str) -> Command:
        """Type a command, perhaps through another one. `typed`: what is written to it then."""
        process = subprocess.Popen(
            [*through, *TOQUE, *arguments],
            cwd=self.root,
            env={**self.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if "--json" in arguments else subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(typed.encode())
        process.stdin.close()
        process.stdin = None
        command = Command(process)
        self.started.append(command)
        return command

    def toque(self, *arguments: str, code: int | None = 0, **environ: str) -> Finished:
        """Type a command and wait for its end. `code`: what it exits with; None for whatever."""
        finished = self.start(*arguments, **environ).end()
        assert code is None or finished.code == code, f"toque {' '.join(arguments)} -> {finished}"
        return finished

    def run(self, target: str = "flow.py", *arguments: str, code: int | None = 0, **environ: str) -> dict[str, Any]:
        """`toque run`; what it tells as JSON."""
        ended = self.toque("run", target, "--json", *arguments, code=code, **environ)
        return ended.json  # type: ignore[no-any-return]

    def show(self, run: str = "latest", *arguments: str) -> dict[str, Any]:
        """`toque runs RUN`."""
        return self.toque("runs", run, *arguments, "--json").json  # type: ignore[no-any-return]

    def logs(self, *arguments: str) -> list[dict[str, Any]]:
        """`toque logs --json`."""
        return [json.loads(line) for line in self.toque("logs", *arguments, "--json").out.splitlines()]

    def heard(self) -> str:
        """The next text that user code tells by `tell(text)`."""
        if not self._told:
            with selectors.DefaultSelector() as selector:
                selector.register(self._bell, selectors.EVENT_READ)
                assert selector.select(PATIENCE_S), "nothing was told"
            self._told = os.read(self._bell, 1 << 16).decode().splitlines()
        return self._told.pop(0)

    def let_go(self, count: int = 1) -> None:
        """Let `count` tasks go on that wait, or will wait, in `wait()`."""
        os.write(self._gate, b"." * count)

    def close(self) -> None:
        """Leave nothing behind."""
        for command in self.started:
            if command.process.poll() is None:
                command.kill()
            for stream in (command.process.stdout, command.process.stderr):
                if stream is not None:
                    stream.close()
        os.close(self._bell)
        os.close(self._gate)
        # Folders of tests stay for a while.
        shutil.rmtree(self.root / ".toque" / "blobs", ignore_errors=True)

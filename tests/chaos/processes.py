"""Our processes, and nobody else's: each carries a mark in its environment, by which it is found and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MARK = "TOQUE_CHAOS"
GONE_WITHIN_S = 10.0
"""How long what has lost its parent may take to vanish: a loader process ends by itself, and the kernel is busy."""

Kind = Literal["main", "zygote", "worker", "flow zygote", "flow host", "other"]


@dataclass(frozen=True)
class Found:
    """A living process with our mark."""

    pid: int
    parent: int
    command: str
    is_flow: bool

    @property
    def is_forked(self) -> bool:
        """A zygote or what it has forked."""
        return "toque.worker_main" in self.command


class Processes:
    """Starts commands under a mark of its own, and sees what became of them."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._mark = f"{os.getpid()}-{os.urandom(6).hex()}"
        self._environ = {**os.environ, **environ, MARK: self._mark}
        self._mains: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`toque …` in the project; what it says goes to the file `said`."""
        command = [sys.executable, "-m", "toque", *arguments]
        with (self._folder / "said").open("ab") as said:
            said.write(f"--- {time.time():.3f} toque {' '.join(arguments)}\n".encode())
            said.flush()
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self._mains.append(process)
        return process

    def tail(self, lines: int = 60) -> str:
        """The end of what was said."""
        return "\n".join((self._folder / "said").read_text(errors="replace").splitlines()[-lines:])

    def living(self) -> dict[int, Found]:
        """All that carry the mark; zombies do not count."""
        found: dict[int, Found] = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and (process := self._look(int(entry))) is not None:
                found[process.pid] = process
        return found

    def of(self, main: subprocess.Popen[bytes]) -> dict[Kind, list[int]]:
        """The tree below one command, by what each is."""
        living = self.living()
        kinds: dict[Kind, list[int]] = {}
        for process in living.values():
            if main.pid in _ancestry(process, living):
                kinds.setdefault(_kind(process, main.pid, living), []).append(process.pid)
        return kinds

    def kill(self, pid: int) -> bool:
        """SIGKILL to one process that carries the mark; False if it is gone."""
        if self._look(pid) is None:
            return False
        os.kill(pid, signal.SIGKILL)
        self._bury()
        return True

    def kill_all(self) -> int:
        """SIGKILL to everything at once, and to what it starts meanwhile; returns how many."""
        count = 0
        while living := self.living():
            for pid in living:
                count += self.kill(pid)
        return count

    def strays(self) -> list[Found]:
        """What lives without one of the commands above it, after it had time to go."""
        return wait_for(self._strays, lambda strays: not strays, GONE_WITHIN_S)

    def leftovers(self) -> list[Found]:
        """What lives at all, after it had time to go."""
        return wait_for(lambda: [*self.living().values()], lambda left: not left, GONE_WITHIN_S)

    def _strays(self) -> list[Found]:
        self._bury()
        living = self.living()
        mains = {main.pid for main in self._mains if main.returncode is None}
        return [process for process in living.values() if not mains & set(_ancestry(process, living))]

    def _bury(self) -> None:
        for main in self._mains:
            main.poll()
        self._mains = [main for main in self._mains if main.returncode is None]

    def _look(self, pid: int) -> Found | None:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if f"{MARK}={self._mark}".encode() not in environ:
                return None
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        if fields[0] in "ZX":
            return None
        return Found(pid, int(fields[1]), command, b"PYTHONHASHSEED=0" in environ)


def wait_for(look: Callable[[], list[Found]], is_enough: Callable[[list[Found]], bool], within_s: float) -> list[Found]:
    """What `look` saw last: as soon as it is enough, or when the time is over."""
    until = time.monotonic() + within_s
    while not is_enough(seen := look()) and time.monotonic() < until:
        time.sleep(0.02)
    return seen


def _ancestry(process: Found, living: Mapping[int, Found]) -> list[int]:
    """Its own pid and those above it, as far as they carry the mark."""
    line = [process.pid]
    while (parent := living.get(process.parent)) is not None and parent.pid not in line:
        line.append(parent.pid)
        process = parent
    return line


def _kind(process: Found, main: int, living: Mapping[int, Found]) -> Kind:
    if process.pid == main:
        return "main"
    if not process.is_forked:
        return "other"
    if process.parent == main:
        return "flow zygote" if process.is_flow else "zygote"
    parent = living.get(process.parent)
    if parent is not None and parent.is_forked and parent.parent == main:
        return "flow host" if process.is_flow else "worker"
    return "other"

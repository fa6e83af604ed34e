"""What a killed server may leave behind: workers that nobody stops, and output that was not folded into logs.

Normally there are none: the zygote kills them. This is for the case that it was killed as well, and a child that left
its worker's process had been started.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from toque.worker import sessions

_OWNER = "owner"


class Leftovers:
    """The folders of all executors of one project; each says whose it is."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def claim(self) -> Path:
        """A folder for this process."""
        me = os.getpid()
        name = f"{me}-{os.urandom(4).hex()}"
        new = self._root / f".{name}"
        new.mkdir(parents=True)
        (new / _OWNER).write_text(f"{me} {sessions.start_mark(me)}")
        # Under its name only when it says whose it is: another start may be clearing up right now.
        self._mine = new.rename(self._root / name)
        return self._mine

    def record(self, files: str, pid: int, mark: str) -> None:
        """A worker exists."""
        with suppress(OSError):
            Path(f"{files}.pid").write_text(f"{pid} {mark}")

    def forget(self, files: str) -> None:
        """It is gone."""
        with suppress(OSError):
            os.unlink(f"{files}.pid")

    def clear(self) -> list[str]:
        """Kill the workers of dead owners. Returns the files of those whose output is to be folded, after which they
        are removed; folders are removed by the next start."""
        unfolded = []
        for folder in self._root.iterdir():
            if folder == self._mine or folder.name.startswith(".") or _is_alive(folder / _OWNER):
                continue
            for record in folder.glob("w*.pid"):
                _end(record)
                record.unlink(missing_ok=True)
            states = [str(path.with_suffix("")) for path in folder.glob("w*.state")]
            if states:
                unfolded += states
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return unfolded


def _identity(record: Path) -> tuple[int, str]:
    try:
        pid, _, mark = record.read_text().partition(" ")
        return int(pid), mark.strip()
    except (OSError, ValueError):
        return 0, ""


def _is_alive(owner: Path) -> bool:
    pid, mark = _identity(owner)
    if not pid:
        return False
    if not sessions.HAS_PROC:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, 0)
            return True
        return False
    return sessions.start_mark(pid) == mark


def _end(record: Path) -> None:
    """A session is killed if its leader is the recorded process, or if it has no leader any more: the kernel gives a
    number that still names a session to nobody else."""
    pid, mark = _identity(record)
    if pid and sessions.HAS_PROC and sessions.start_mark(pid) in ("", mark):
        sessions.kill(pid)

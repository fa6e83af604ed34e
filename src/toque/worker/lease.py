"""The lease of the server, as its workers see it: no body begins after its end.

A server that was stopped or starved for longer than its lease has lost its runs to another one, and may not know it
yet; its workers hold prefetched attempts meanwhile, whose outcomes the other server may have committed. So the end of
the lease stands in a small file that all of them have mapped, and whoever is about to begin looks at it.

The clock counts the sleep of the machine too. What it does not see is a virtual machine that was paused as a whole.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from contextlib import suppress
from pathlib import Path

_END = struct.Struct("=d")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_s() -> float:
    """The clock that all processes of a machine share."""
    return time.clock_gettime(_CLOCK)


class LeaseFile:
    """The server's side."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        self.path = folder / f".lease-{os.getpid()}-{os.urandom(4).hex()}"
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(self._file, _END.pack(0.0))

    def extend(self, end_s: float) -> None:
        """Bodies may begin until then."""
        os.pwrite(self._file, _END.pack(end_s), 0)

    def close(self) -> None:
        """Nobody needs it any more."""
        os.close(self._file)
        self.path.unlink(missing_ok=True)


class Lease:
    """The worker's side. Without a file there is no limit: on SQLite a lock says who lives."""

    def __init__(self, path: str = "") -> None:
        self._map: mmap.mmap | None = None
        if path:
            with open(path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), _END.size, access=mmap.ACCESS_READ)

    def holds(self) -> bool:
        """Whether a body may begin now."""
        return self._map is None or now_s() < _END.unpack_from(self._map)[0]


def _sweep(folder: Path) -> None:
    """Remove the files that the dead left."""
    for path in folder.glob(".lease-*"):
        with suppress(OSError, ValueError):
            try:
                os.kill(int(path.name.split("-")[1]), 0)
            except ProcessLookupError:
                path.unlink()

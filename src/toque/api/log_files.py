"""Reading the JSON lines of an attempt's log: pages of it, its end, and what was appended.

A line is named by the offset at which it ends (`n`), so to read on from a line costs no counting: `after=n`.
"""

from __future__ import annotations

import os
from pathlib import Path

from toque.api import rows
from toque.api.wire.tasks import LogLine

CHUNK_BYTES = 256 * 1024
"""Read at once at most; a single longer line is read whole."""


def size_of(path: str) -> int:
    """In bytes; 0 while there is no file."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def read_after(path: str, after: int, *, limit: int = 5_000) -> tuple[list[LogLine], int]:
    """Up to `limit` whole lines from offset `after` on, as many as one chunk holds, and where to go on."""
    try:
        with open(path, "rb") as file:
            file.seek(after)
            data = file.read(CHUNK_BYTES)
            if data and b"\n" not in data:
                data += file.readline()
    except OSError:
        return [], after
    found: list[LogLine] = []
    for raw in data.splitlines(keepends=True):
        if not raw.endswith(b"\n") or len(found) == limit:
            break
        after += len(raw)
        line = rows.log_line(after, raw)
        if line is not None:
            found.append(line)
    return found, after


def tail(path: str, limit: int) -> tuple[list[LogLine], int]:
    """The last lines, as many as one chunk holds, and where the file goes on."""
    start = max(0, size_of(path) - CHUNK_BYTES)
    if start:
        start = _next_line(Path(path), start)
    lines: list[LogLine] = []
    more, after = read_after(path, start)
    while more:
        lines = (lines + more)[-limit:]
        more, after = read_after(path, after)
    return lines, after


def _next_line(path: Path, offset: int) -> int:
    with open(path, "rb") as file:
        file.seek(offset)
        return offset + len(file.readline())

"""Following the JSON lines of an attempt's log: its end, what stands before it, and what was appended.

Lines are numbered from 1 as in `log_pages`; what a kill cut in two counts, and is left out.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from toque.api import rows
from toque.api.bulk import LogRow

CHUNK_BYTES = 256 * 1024
"""Read at once at most; a single longer line is read whole."""


class End(NamedTuple):
    """Where the whole lines of a file end."""

    offset: int = 0
    number: int = 0


def size_of(path: str) -> int:
    """In bytes; 0 while there is no file."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def end_of(path: str) -> End:
    """Reads the whole file: call it in a thread."""
    offset = number = read = 0
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                number += chunk.count(b"\n")
                last = chunk.rfind(b"\n")
                offset = read + last + 1 if last >= 0 else offset
                read += len(chunk)
    except OSError:
        return End()
    return End(offset, number)


def lines_after(path: str, end: End) -> tuple[list[LogRow], End]:
    """Whole lines behind `end`, as many as one chunk holds, and where they end."""
    try:
        with open(path, "rb") as file:
            file.seek(end.offset)
            data = file.read(CHUNK_BYTES)
            if data and b"\n" not in data:
                data += file.readline()
    except OSError:
        return [], end
    whole = data[: data.rfind(b"\n") + 1]
    raw = whole.split(b"\n")[:-1]
    return _numbered(raw, end.number), End(end.offset + len(whole), end.number + len(raw))


def lines_before(path: str, end: End, most: int, size_bytes: int = CHUNK_BYTES) -> tuple[list[LogRow], int]:
    """The last `most` lines up to `end`, as far as `size_bytes` hold them, and the number of the line before them."""
    start = max(0, end.offset - size_bytes)
    try:
        with open(path, "rb") as file:
            file.seek(start)
            data = file.read(end.offset - start)
    except OSError:
        return [], end.number
    raw = data.split(b"\n")[:-1]
    if start:
        raw = raw[1:]  # its beginning is not here
    raw = raw[-most:] if most else []
    return _numbered(raw, end.number - len(raw)), end.number - len(raw)


def _numbered(raw: list[bytes], before: int) -> list[LogRow]:
    found = (rows.log_line(number, line) for number, line in enumerate(raw, before + 1))
    return [line for line in found if line is not None]

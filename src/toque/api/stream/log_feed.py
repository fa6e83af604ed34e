"""The feed of a log: `logs:ID:TASK:INDEX:ATTEMPT`, the lines that are appended to the file of one attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from toque.api.bulk import LogRow
from toque.api.log_files import CHUNK_BYTES, End, end_of, lines_after, lines_before, size_of
from toque.api.stream import patches
from toque.api.stream.changes import Changes
from toque.api.stream.feed import Feed, Sources

REMEMBERED = 5_000
"""Lines."""
TAIL = 500
"""Lines in a reset."""
FAR_BYTES = 4 * CHUNK_BYTES
"""Who is further behind gets the end of the log."""


class LogFeed(Feed):
    """Lines of one file."""

    def __init__(self, name: str, sources: Sources, since: int, path: str) -> None:
        super().__init__(name, sources, since)
        self._path = path
        self._end = End()
        self._lines: Changes[LogRow] = Changes(patches.encoded, since, REMEMBERED)
        self.kinds = {"logs": self._lines}

    async def open(self) -> None:
        """Find the end."""
        self._end = await asyncio.to_thread(end_of, self._path)
        self.position = self._end.number

    async def reset(self) -> bytes:
        """The last lines up to where those begin that are yet to come."""
        lines, _ = lines_before(self._path, self._end, TAIL)
        return patches.reset(self.name, [patches.tagged("log", patches.encoded(line)) for line in lines])

    async def catch_up(self, position: int) -> list[bytes] | None:
        """Lines between the one numbered `position` and where the others are."""
        missing = self._end.number - position
        if missing <= 0:
            return [] if missing == 0 else None
        if missing > REMEMBERED:
            return None
        lines, before = lines_before(self._path, self._end, missing, FAR_BYTES)
        if before > position:
            return None
        return [patches.patch(self.name, "logs", b",".join(map(patches.encoded, lines)))] if lines else []

    async def look(self, number: Callable[[], int]) -> bool:
        """Lines that were appended."""
        if size_of(self._path) <= self._end.offset:
            return False
        lines, self._end = lines_after(self._path, self._end)
        self.position = self._end.number
        for line in lines:
            self._lines.put(number(), line.n, line)
        return bool(lines)

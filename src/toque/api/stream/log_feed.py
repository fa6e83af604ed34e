"""The feed of a log: `logs:ID:TASK:INDEX:ATTEMPT`, the lines that are appended to the file of one attempt."""

from __future__ import annotations

from collections.abc import Callable

from toque.api.log_files import CHUNK_BYTES, read_after, size_of, tail
from toque.api.stream import patches
from toque.api.stream.changes import Changes
from toque.api.stream.feed import Feed, Sources
from toque.api.wire.tasks import LogLine

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
        self._lines: Changes[LogLine] = Changes(patches.encoded, since, REMEMBERED)
        self.kinds = {"logs": self._lines}
        _, self.position = tail(path, 1)

    async def reset(self) -> bytes:
        """The last lines up to where those begin that are yet to come."""
        lines, _ = tail(self._path, TAIL)
        return patches.reset(
            self.name, [patches.tagged("log", patches.encoded(line)) for line in lines if line.n <= self.position]
        )

    async def catch_up(self, position: int) -> list[bytes] | None:
        """Lines between `position` and where the others are."""
        if not self.position - FAR_BYTES <= position <= self.position:
            return None
        found: list[LogLine] = []
        while position < self.position:
            lines, after = read_after(self._path, position)
            if after == position:
                break
            found += [line for line in lines if line.n <= self.position]
            position = after
        if not found:
            return []
        return [patches.patch(self.name, "logs", b",".join(map(patches.encoded, found)))]

    async def look(self, number: Callable[[], int]) -> bool:
        """Lines that were appended."""
        if size_of(self._path) <= self.position:
            return False
        lines, self.position = read_after(self._path, self.position)
        for line in lines:
            self._lines.put(number(), line.n, line)
        return bool(lines)

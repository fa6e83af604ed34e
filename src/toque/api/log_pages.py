"""Pages of a log file: JSON lines, numbered from 1, read from where the last page ended."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from toque.api import rows
from toque.api.bulk import LogRow, LogRows

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
REMEMBERED = 256
"""Pages whose end is known."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which lines."""

    after: int
    limit: int
    level: str
    search: str
    tail: bool
    over: bool
    """Nothing more will be bulk."""


class LogPages:
    """Reads pages, and remembers where they ended: a follower does not read the file again each time."""

    def __init__(self) -> None:
        self._positions: OrderedDict[tuple[str, int], int] = OrderedDict()
        """Byte offset behind a line of a file."""

    def read(self, path: str, wanted: Wanted) -> LogRows:
        """Blocks: call it in a thread. A file that does not exist is an empty log."""
        found: deque[LogRow] = deque(maxlen=wanted.limit if wanted.tail else None)
        floor, needle = LEVELS.get(wanted.level, 0), wanted.search.lower()
        number = 0 if wanted.tail else wanted.after
        complete = True
        try:
            with open(path, "rb") as file:
                start = 0 if wanted.tail else self._skip(path, wanted.after)
                file.seek(start)
                number = number if start or wanted.tail else 0
                position = start
                for raw in file:
                    if not raw.endswith(b"\n"):
                        break  # still being written
                    position += len(raw)
                    number += 1
                    if number <= wanted.after and not wanted.tail:
                        continue
                    line = rows.log_line(number, raw)
                    if line is not None and LEVELS.get(line.level, 20) >= floor and needle in line.text.lower():
                        found.append(line)
                    if len(found) >= wanted.limit and not wanted.tail:
                        complete = False
                        break
                self._remember(path, number, position)
        except FileNotFoundError:
            pass
        return LogRows(lines=list(found), next=max(number, 0), ended=wanted.over and complete)

    def _skip(self, path: str, after: int) -> int:
        return self._positions.get((path, after), 0) if after else 0

    def _remember(self, path: str, number: int, position: int) -> None:
        self._positions[path, number] = position
        while len(self._positions) > REMEMBERED:
            self._positions.popitem(last=False)


def as_text(path: str) -> Iterator[str]:
    """The whole file, for people: time, level, text."""
    try:
        with open(path, "rb") as file:
            for raw in file:
                line = rows.log_line(0, raw)
                if line is not None:
                    at = datetime.fromtimestamp(line.at_us / 1e6, UTC)
                    yield f"{at:%Y-%m-%dT%H:%M:%S.%f}Z {line.level.upper():<7} {line.text}\n"
    except FileNotFoundError:
        return

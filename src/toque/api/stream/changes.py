"""Changes: the newest form of each row that changed, in the order of the changes, encoded once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

R = TypeVar("R")

LIMIT = 2_000


class Changes(Generic[R]):
    """Rows of one kind of one topic. Bounded: who is further behind than it remembers needs a reset."""

    __slots__ = ("_encode", "_joined", "_limit", "_rows", "floor", "last")

    def __init__(self, encode: Callable[[R], bytes], since: int, limit: int = LIMIT) -> None:
        self._encode = encode
        self._limit = limit
        self._rows: OrderedDict[Hashable, list[int | R | bytes | None]] = OrderedDict()
        self._joined: dict[int, bytes] = {}
        self.floor = since
        """Changes up to this one are not all known."""
        self.last = since
        """Number of the last change."""

    def put(self, n: int, key: Hashable, row: R) -> None:
        """The row `key` is `row` since change `n`."""
        rows = self._rows
        rows.pop(key, None)
        rows[key] = [n, row, None]
        self.last = n
        self._joined.clear()
        if len(rows) > self._limit:
            _, (dropped, _, _) = rows.popitem(last=False)
            self.floor = dropped  # type: ignore[assignment]

    def forget(self, n: int) -> None:
        """Since change `n` everything may be otherwise: who has less needs a reset."""
        self._rows.clear()
        self._joined.clear()
        self.floor = self.last = n

    def since(self, after: int) -> bytes | None:
        """What changed after `after`, as the inside of a JSON list; b"" for nothing, None when that is not known."""
        if after < self.floor:
            return None
        if after >= self.last:
            return b""
        joined = self._joined.get(after)
        if joined is None:
            found: list[bytes] = []
            for entry in reversed(self._rows.values()):
                if entry[0] <= after:  # type: ignore[operator]
                    break
                if entry[2] is None:
                    entry[2] = self._encode(entry[1])  # type: ignore[arg-type]
                found.append(entry[2])  # type: ignore[arg-type]
            joined = self._joined[after] = b",".join(reversed(found))
        return joined

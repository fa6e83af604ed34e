"""Answers about ended runs, as they were sent: nothing in them changes, and to write 10,000 rows takes a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from toque.engine.rows import RunRow

MOST_BYTES = 32_000_000
"""Of all that are kept; those asked for longest ago are written anew."""


class EndedRuns:
    """The bytes of answers by run and question. An answer holds for the row of the run that it was made for: what is
    still written after the end of a run moves its `fact_seq`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._size = 0
        self._known: OrderedDict[tuple[str, str], tuple[RunRow, bytes]] = OrderedDict()

    async def answer(self, run: RunRow, question: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """What `make` answers. `run`: as it was read before."""
        if not run.state.is_terminal:
            return await make()
        key = (run.run_id, question)
        known = self._known.get(key)
        if known is not None and known[0] == run:
            self._known.move_to_end(key)
            return known[1]
        body = await make()
        self._drop(key)
        self._known[key] = (run, body)
        self._size += len(body)
        while self._size > self._most_bytes:
            self._drop(next(iter(self._known)))
        return body

    def _drop(self, key: tuple[str, str]) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self._size -= len(known[1])

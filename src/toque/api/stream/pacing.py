"""Pacing: when it is time to send. All streams send at the same times, and share what was encoded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from toque.api.stream.feed import Feed
from toque.ports.clock import Clock

PERIOD_US = 250_000
"""Between two events of a stream; the first after a quiet time comes at once."""


class Pacing:
    """Wakes the streams of feeds that changed, at most four times a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._dirty: set[Feed] = set()
        self._waiting: asyncio.Task[None] | None = None
        self._sent_us = 0

    def changed(self, feed: Feed) -> None:
        """There is something to tell."""
        if feed.streams:
            self._dirty.add(feed)
            if self._waiting is None:
                self._waiting = asyncio.get_running_loop().create_task(self._pace())

    def wake(self, feeds: Iterable[Feed]) -> None:
        """Now, whatever the time."""
        for stream in {stream for feed in feeds for stream in feed.streams}:
            stream.wake()

    async def stop(self) -> None:
        """Wake nobody any more."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)

    async def _pace(self) -> None:
        await self._clock.wait_until(self._sent_us + PERIOD_US)
        self._sent_us = self._clock.now_us()
        self._waiting = None
        dirty, self._dirty = self._dirty, set()
        self.wake(dirty)

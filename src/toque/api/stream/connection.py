"""A stream: one client, several topics, and how far it is in each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from toque.api.stream import patches
from toque.api.stream.cursor import Cursor, Place, to_text
from toque.api.stream.feed import Feed
from toque.api.stream.hub import Hub
from toque.api.stream.pacing import PERIOD_US
from toque.api.stream.topics import Wanted


class Stream:
    """Iterate `events()`; `close()` from elsewhere ends it."""

    def __init__(self, hub: Hub, wanted: Sequence[Wanted], cursor: Cursor | None) -> None:
        self._hub = hub
        self._wanted = wanted
        self._cursor = cursor
        self._feeds: list[Feed] = []
        self._places: dict[str, Place] = {}
        self._woken = asyncio.Event()
        self._closed = False
        self._sent_us = 0

    def wake(self) -> None:
        """See `Watcher.wake`."""
        self._woken.set()

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        self._woken.set()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """What goes over the wire, for as long as the client is there. Raises `StoreUnavailable`."""
        clock = self._hub.sources.clock
        instance, boot = self._hub.identity()
        yield patches.hello(instance, boot, clock.now_us())
        try:
            first = await self._begin(boot)
            if first:
                self._sent_us = clock.now_us()
                yield patches.event(first, self._cursor_text(boot))
            while True:
                if any(feed.last > self._places[feed.name].n for feed in self._feeds):
                    self.wake()  # a whole state that was shared is a little older than what has come since
                await self._woken.wait()
                await clock.wait_until(self._sent_us + PERIOD_US)
                self._woken.clear()
                if self._closed or self._hub.is_closed:
                    return
                news = await self._news()
                self._sent_us = clock.now_us()
                yield patches.event(news, self._cursor_text(boot)) if news else patches.HEARTBEAT
        finally:
            for feed in self._feeds:
                self._hub.leave(feed, self)

    async def _begin(self, boot: int) -> list[bytes]:
        """Bring the client up to now, topic by topic. What changes meanwhile comes afterwards."""
        found: list[bytes] = []
        known = self._cursor.topics if self._cursor is not None else {}
        for wanted in self._wanted:
            feed = await self._hub.watch(wanted, self)
            self._feeds.append(feed)
            place = known.get(wanted.name)
            here = Place(self._hub.n, feed.position)
            missed: list[bytes] | None = None
            if place is not None and self._cursor is not None and self._cursor.boot == boot:
                missed = feed.patches(place.n) if place.n <= self._hub.n else None
            if missed is None and place is not None and place.position:
                missed = await feed.catch_up(place.position)
            if missed is None and place is None and wanted.start is not None:
                missed = await feed.catch_up(wanted.start)
            if missed is None:
                here, whole = await feed.whole(self._hub.n)
                missed = [whole]
            self._places[feed.name] = here
            found += missed
        return found

    async def _news(self) -> list[bytes]:
        found: list[bytes] = []
        for feed in self._feeds:
            place = self._places[feed.name]
            if feed.last <= place.n:
                continue
            here = Place(self._hub.n, feed.position)
            missed = feed.patches(place.n)
            if missed is None:
                here, whole = await feed.whole(self._hub.n)
                missed = [whole]
            found += missed
            self._places[feed.name] = here
        return found

    def _cursor_text(self, boot: int) -> bytes:
        return to_text(Cursor(boot, self._places))

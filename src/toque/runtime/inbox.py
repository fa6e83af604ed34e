"""The inbox: whatever reached this process since the last commit, in order of arrival."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Fed from the event loop's thread, drained by the runtime alone.

    It is bounded by its feeders: executors hold no more attempts than they were granted, and commands are
    read from the store a page at a time.
    """

    def __init__(self) -> None:
        self._items: list[T] = []
        self._arrived = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None

    def put(self, item: T) -> None:
        """Add one item and wake the drain."""
        self._items.append(item)
        self._arrived.set()

    def put_quietly(self, item: T, within_s: float) -> None:
        """Add an item that nothing waits for: it is drained with the next that matters, or after `within_s`."""
        self._items.append(item)
        if self._alarm is None and not self._arrived.is_set():
            self._alarm = asyncio.get_running_loop().call_later(within_s, self.wake)

    def put_back(self, items: list[T]) -> None:
        """Return items whose transaction failed to the head of the line."""
        self._items[:0] = items
        if items:
            self._arrived.set()

    def wake(self) -> None:
        """Let the drain return although nothing was added."""
        self._arrived.set()

    async def drain(self, at_most: int) -> list[T]:
        """Wait until woken, then take up to `at_most` items (possibly none)."""
        await self._arrived.wait()
        return self.take(at_most)

    def take(self, at_most: int) -> list[T]:
        """Take up to `at_most` items without waiting."""
        taken, self._items = self._items[:at_most], self._items[at_most:]
        if not self._items:
            self._arrived.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        return taken

    def __len__(self) -> int:
        return len(self._items)

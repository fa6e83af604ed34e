"""Clockwork: virtual time as a heap of events. Nothing happens between two of them."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Clockwork:
    """Runs events in the order of their time."""

    def __init__(self) -> None:
        self.now_us = 1_000_000
        self.count = 0
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0

    def after(self, delay_us: int, event: Callable[[], None]) -> None:
        """Let `event` happen in `delay_us`."""
        self.at(self.now_us + delay_us, event)

    def at(self, due_us: int, event: Callable[[], None]) -> None:
        """Let `event` happen at `due_us`, or now if that is past."""
        self._sequence += 1
        heappush(self._events, (max(due_us, self.now_us), self._sequence, event))

    def step(self) -> bool:
        """Let the next event happen; False when there is none."""
        if not self._events:
            return False
        self.now_us, _, event = heappop(self._events)
        self.count += 1
        event()
        return True

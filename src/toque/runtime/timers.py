"""Timers: what is due when. Kept in memory, since every one of them can be made again from the rows."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from toque.engine.effects import SetTimer
from toque.engine.inputs import TimerFired
from toque.ports.clock import Clock


class Timers:
    """One task sleeps until the earliest timer; firing twice, early or for an ended run is harmless."""

    def __init__(self, clock: Clock, fire: Callable[[TimerFired], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._heap: list[tuple[int, int, TimerFired]] = []
        self._ties = count()
        self._sooner = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin to fire."""
        self._task = asyncio.create_task(self._run(), name="toque-timers")
        return self._task

    async def stop(self) -> None:
        """Fire no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def set(self, run_id: str, timer: SetTimer) -> None:
        """Deliver a `TimerFired` at `timer.due_us`."""
        fired = TimerFired(run_id=run_id, kind=timer.kind, task=timer.task, map_index=timer.map_index)
        earliest = not self._heap or timer.due_us < self._heap[0][0]
        heapq.heappush(self._heap, (timer.due_us, next(self._ties), fired))
        if earliest:
            self._sooner.set()

    async def _run(self) -> None:
        while True:
            self._sooner.clear()
            if not self._heap:
                await self._sooner.wait()
                continue
            due_us = self._heap[0][0]
            if due_us > self._clock.now_us():
                await self._until(due_us)
                continue
            while self._heap and self._heap[0][0] <= self._clock.now_us():
                self._fire(heapq.heappop(self._heap)[2])
            await asyncio.sleep(0)

    async def _until(self, due_us: int) -> None:
        """Return at `due_us`, or when an earlier timer was set."""
        waiting = asyncio.ensure_future(self._clock.wait_until(due_us))
        sooner = asyncio.ensure_future(self._sooner.wait())
        try:
            await asyncio.wait({waiting, sooner}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            sooner.cancel()

"""A clock that a test sets, and that jumps to the next timer when nothing is left to do."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count

from toque.authoring import overrides
from toque.durations import Duration, seconds
from toque.errors import UserError

SPINS = 50
"""Turns of the loop without a sign of life before the clock jumps: a step of the engine takes a few."""
FAR_US = 50 * 365 * 86_400 * 1_000_000
"""The clock does not jump as far as this: who waits so long waits for something else."""


class VirtualClock:
    """The time of a test. Runs within `with clock(…)` wait for nothing real."""

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()
        self._jumper: asyncio.Task[None] | None = None
        self.is_busy: Callable[[], bool] = lambda: False
        """Set by who runs attempts: while it is true, something real is under way and the clock stands still."""

    @property
    def now(self) -> datetime:
        """The virtual time, in UTC."""
        return datetime.fromtimestamp(self._now_us / 1e6, UTC)

    def now_us(self) -> int:
        """See `toque.ports.clock.Clock`."""
        return self._now_us

    def advance(self, duration: Duration) -> None:
        """Move on by `duration`; whoever waited for less goes on."""
        self._set(self._now_us + round(seconds(duration) * 1e6))

    async def wait_until(self, due_us: int) -> None:
        """See `toque.ports.clock.Clock`."""
        if due_us <= self._now_us:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (due_us, next(self._order), future))
        if self._jumper is None or self._jumper.done():
            self._jumper = loop.create_task(self._jump_when_idle())
        await future

    async def _jump_when_idle(self) -> None:
        while any(not future.done() and due_us - self._now_us < FAR_US for due_us, _, future in self._waiting):
            seen = next(self._order)
            for _ in range(SPINS):
                await asyncio.sleep(0)
            if self.is_busy():
                await asyncio.sleep(0.001)
            elif next(self._order) == seen + 1:  # nobody has begun to wait meanwhile
                self._jump()

    def _jump(self) -> None:
        while self._waiting and self._waiting[0][2].done():
            heapq.heappop(self._waiting)
        if self._waiting and self._waiting[0][0] - self._now_us < FAR_US:
            self._set(self._waiting[0][0])

    def _set(self, now_us: int) -> None:
        self._now_us = now_us
        while self._waiting and self._waiting[0][0] <= now_us:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.get_loop().call_soon_threadsafe(_resolve, future)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@contextmanager
def clock(start: str | datetime) -> Iterator[VirtualClock]:
    """Let runs in the block begin at `start` and never wait: `with clock("2026-03-29T00:30Z") as time: …`."""
    moment = _moment(start)
    virtual = VirtualClock(round(moment.timestamp() * 1e6))
    with overrides.timed(virtual):
        yield virtual


def _moment(start: str | datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(start) if isinstance(start, str) else start
    except ValueError:
        raise UserError(f"clock({start!r}) is not a time.", fix='clock("2026-03-29T00:30Z")') from None
    if moment.tzinfo is None:
        raise UserError(f"clock({start!r}) has no zone.", fix='clock("2026-03-29T00:30Z"), or an aware datetime')
    return moment

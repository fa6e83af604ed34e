"""Where nobody watches, the stream wakes up for nothing but its heartbeat."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.unit.api.stream.scene import START_US, serving
from toque.testing import VirtualClock


class Waits(VirtualClock):
    """Keeps what it was asked to wait for."""

    def __init__(self, start_us: int) -> None:
        super().__init__(start_us)
        self.asked: list[int] = []

    async def wait_until(self, due_us: int) -> None:
        self.asked.append(due_us - self.now_us())
        await asyncio.Event().wait()


async def test_an_idle_server_is_not_woken_for_feeds_that_nobody_watches(tmp_path: Path) -> None:
    clock = Waits(START_US)
    async with serving(tmp_path, clock=clock) as scene:
        await asyncio.sleep(0)  # each of the hub's tasks has its turn
        assert len(clock.asked) == 1
        scene.hub._somebody_came.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(clock.asked) == 1

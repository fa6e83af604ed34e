"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Wall time that never steps back: it follows the monotonic clock and is set forward by the wall clock."""

    def __init__(self) -> None:
        self._last_us = 0

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        self._last_us = max(self._last_us, time.time_ns() // 1000)
        return self._last_us

    async def wait_until(self, due_us: int) -> None:
        """Sleep until `due_us`; long sleeps are cut, so that a changed wall clock is noticed within a minute."""
        while (left_us := due_us - self.now_us()) > 0:
            await asyncio.sleep(min(left_us / 1e6, 60))

"""The clock: the only source of time above the pure layers."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Wall time, and waiting for it. `toque.testing` has a virtual one that jumps when nothing is left to do."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC; never goes backwards within a process."""
        ...

    async def wait_until(self, due_us: int) -> None:
        """Return at `due_us` or soon after; at once if it is past."""
        ...

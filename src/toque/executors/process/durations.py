"""How long tasks take, and so how many attempts one worker may hold.

A worker that holds several needs no round trip between them, which is what tasks of microseconds are made of. Whatever
waits behind a task that turns out slow is late, though, so only what is known to be short is held in number.
"""

from __future__ import annotations

from toque.graph.ir import TaskNode

HELD_US = 5_000
"""Work that one worker may hold."""
MAX_HELD = 64
_WEIGHT = 0.3
_FALLING_WEIGHT = 0.6
"""The first attempt in a process pays for imports: what is faster than thought is believed sooner."""
_MAX_KNOWN = 10_000


class Durations:
    """A moving average for each piece of code."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], float] = {}
        self.typical_us: float | None = None
        """Of whatever ended last, of any code."""

    def of(self, node: TaskNode) -> float | None:
        """Microseconds; None for code that was not seen yet."""
        return self._known.get((node.code.module, node.code.qualname))

    def add(self, node: TaskNode, duration_us: int) -> None:
        """An attempt took so long."""
        key = (node.code.module, node.code.qualname)
        if len(self._known) >= _MAX_KNOWN and key not in self._known:
            self._known.clear()
        self._known[key] = _moved(self._known.get(key), duration_us)
        self.typical_us = _moved(self.typical_us, duration_us)


def _moved(average_us: float | None, sample_us: int) -> float:
    if average_us is None:
        return float(sample_us)
    weight = _FALLING_WEIGHT if sample_us < average_us else _WEIGHT
    return average_us + weight * (sample_us - average_us)


def depth(duration_us: float | None) -> int:
    """How many attempts of that duration one worker may hold.

    >>> depth(None), depth(50), depth(1_000), depth(1_000_000)
    (1, 64, 5, 1)
    """
    if duration_us is None:
        return 1
    return max(1, min(MAX_HELD, int(HELD_US / max(duration_us, 1.0))))

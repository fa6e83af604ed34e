"""One task that blocks its process for a second, among tasks that do nothing: how much later do those start?"""

from __future__ import annotations

from benchmarks.measurement import Measurement
from benchmarks.project import project


def measure() -> list[Measurement]:
    """The largest delay of any task in three rounds, against the same tasks without the one that blocks."""
    with project("blocking") as place:
        place.toque("run", "blocking.py")
        rounds = place.read("rounds.json")
    delays = [delay for calm, mixed in rounds for delay in _delays_ms(calm, mixed)]
    note = f"a GIL-holding task among 200, {len(rounds)} rounds"
    return [Measurement("blocking task of 1 s: largest delay of another", max(delays), "ms", at_most=50, note=note)]


def _delays_ms(calm: list[tuple[int, float]], mixed: list[tuple[int, float]]) -> list[float]:
    """How much later each index began in the mixed stage. The one that blocked counts too: it had to start."""
    begun = dict(calm)
    return [started_ms - begun[index] for index, started_ms in mixed]

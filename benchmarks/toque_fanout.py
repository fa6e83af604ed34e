"""The fan-out: how many tasks that do nothing end in a second, durably."""

from __future__ import annotations

import statistics

from benchmarks.measurement import Measurement
from benchmarks.project import project

ROUNDS = 3
TASKS = 5000


def measure() -> list[Measurement]:
    """The median of some runs of 5,000."""
    rates = [rate_per_s() for _ in range(ROUNDS)]
    note = f"runs: {', '.join(f'{rate:,.0f}' for rate in rates)}"
    return [Measurement("fan-out of 5,000", statistics.median(rates), "tasks/s", at_least=5000, note=note)]


def rate_per_s(tasks: int = TASKS) -> float:
    """From the end of the task that gives the items until another one has read all results."""
    with project("fanout") as place:
        place.toque("run", "fanout.py", "-p", f"count={tasks}", "-p", f"warm_up={tasks // 10}")
        elapsed_ns: int = place.read("end.json") - place.read("begin.json")
    return tasks / (elapsed_ns / 1e9)

"""A step of a flow: from the end of one step's body to the begin of the next one's, through the flow's own body."""

from __future__ import annotations

import statistics

from benchmarks.measurement import Measurement
from benchmarks.peers.protocol import hops_ms, percentile
from benchmarks.project import project

ROUNDS = 3


def measure() -> list[Measurement]:
    """300 steps in each round."""
    hops = [hop for _ in range(ROUNDS) for hop in _step_hops()]
    return [
        Measurement("flow step: median", statistics.median(hops), "ms", at_most=3, note=f"{len(hops):,} steps"),
        Measurement("flow step: p99", percentile(hops, 99), "ms"),
    ]


def _step_hops() -> list[float]:
    with project("steps") as place:
        place.toque("run", "steps.py")
        return hops_ms(place.read("stamps.json"), 300)

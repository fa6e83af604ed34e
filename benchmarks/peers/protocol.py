"""What every peer's script does: take the sizes, run both workloads warm, print one JSON line.

Runs in the peer's own environment, so it imports the standard library only.

Both workloads are the same everywhere:

- chain: each task gets the result of the one before and returns `time.time_ns()`. A hop is the difference of
  two neighbours: from the end of one body to the begin of the next (the bodies themselves take nothing).
- fan-out: N independent tasks that return their argument; from the first submission until all results are
  known to the caller.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Sizes:
    """How much one script runs."""

    chain: int
    """Tasks in a chain."""
    chains: int
    """Chains that are measured, after one that warms up."""
    fanout: int
    """Tasks in the fan-out, after a tenth of them that warms up."""


@dataclass(frozen=True)
class Figures:
    """What one script measured."""

    version: str
    chain_hop_ms: float
    """Median of all hops."""
    chain_hop_p99_ms: float
    fanout_per_s: float
    fanout_tasks: int


def sizes_from_arguments() -> Sizes:
    """The sizes that the benchmark asks this script for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chain", type=int, default=100)
    parser.add_argument("--chains", type=int, default=3)
    parser.add_argument("--fanout", type=int, default=1000)
    return Sizes(**vars(parser.parse_args()))


def measure(
    sizes: Sizes,
    version: str,
    chain: Callable[[int], Sequence[int]],
    fanout: Callable[[Iterable[int]], Sequence[int]],
) -> Figures:
    """Warm up, then measure: `chain(n)` gives the time stamps in order, `fanout(xs)` the results."""
    chain(sizes.chain)
    hops = [hop for _ in range(sizes.chains) for hop in hops_ms(chain(sizes.chain), sizes.chain)]

    fanout(range(sizes.fanout // 10))
    begin = time.perf_counter()
    results = fanout(range(sizes.fanout))
    elapsed_s = time.perf_counter() - begin
    if sorted(results) != list(range(sizes.fanout)):
        raise RuntimeError(f"the fan-out of {sizes.fanout} gave {len(results)} results, or others than expected")

    return Figures(
        version=version,
        chain_hop_ms=statistics.median(hops),
        chain_hop_p99_ms=percentile(hops, 99),
        fanout_per_s=sizes.fanout / elapsed_s,
        fanout_tasks=sizes.fanout,
    )


def hops_ms(stamps_ns: Sequence[int], expected: int) -> list[float]:
    """The hops of one chain, in order."""
    if len(stamps_ns) != expected:
        raise RuntimeError(f"{len(stamps_ns)} stamps from a chain of {expected}")
    return [(after - before) / 1e6 for before, after in pairwise(stamps_ns)]


def percentile(values: Sequence[float], share: int) -> float:
    """The nearest-rank percentile: a value that was really seen."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def report(figures: Figures) -> None:
    """The last line of standard output is the answer; a peer may have printed anything before it."""
    print(json.dumps(asdict(figures)), flush=True)

"""The floor: a bare `ProcessPoolExecutor(2)` of the standard library, chunk size 1. No engine, nothing recorded."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor

from benchmarks.peers.protocol import measure, report, sizes_from_arguments


def link(_before: int) -> int:
    """One task of the chain."""
    return time.time_ns()


def same(x: int) -> int:
    """One task of the fan-out."""
    return x


def main() -> None:
    """Run both workloads in one pool."""
    sizes = sizes_from_arguments()
    with ProcessPoolExecutor(2) as pool:

        def chain(length: int) -> Sequence[int]:
            stamps = [pool.submit(link, 0).result()]
            for _ in range(length - 1):
                stamps.append(pool.submit(link, stamps[-1]).result())
            return stamps

        def fanout(xs: Iterable[int]) -> Sequence[int]:
            return list(pool.map(same, xs))

        report(measure(sizes, platform.python_version(), chain, fanout))


if __name__ == "__main__":
    main()

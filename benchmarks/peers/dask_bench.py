"""Dask: a LocalCluster of two single-threaded processes; futures from `client.submit` and `client.map`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import distributed
from distributed import Client, LocalCluster

from benchmarks.peers.protocol import measure, report, sizes_from_arguments


def link(_before: int, _position: int) -> int:
    """One task of the chain; the position keeps two chains from being the same computation."""
    return time.time_ns()


def same(x: int) -> int:
    """One task of the fan-out."""
    return x


def main() -> None:
    """Run both workloads on one cluster."""
    sizes = sizes_from_arguments()
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=40
    )
    with cluster, Client(cluster) as client:
        # `pure=False`: equal calls are different tasks, as in the other systems.
        def chain(length: int) -> Sequence[int]:
            futures = [client.submit(link, 0, 0, pure=False)]
            for position in range(1, length):
                futures.append(client.submit(link, futures[-1], position, pure=False))
            stamps: list[int] = client.gather(futures)
            return stamps

        def fanout(xs: Iterable[int]) -> Sequence[int]:
            results: list[int] = client.gather(client.map(same, list(xs), pure=False))
            return results

        report(measure(sizes, distributed.__version__, chain, fanout))


if __name__ == "__main__":
    main()

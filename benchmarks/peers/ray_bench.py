"""Ray: a local cluster of two CPUs without the dashboard; remote functions chained by object references."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

# Without the first, Ray reports usage; without the second, it binds the address of the host.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"

import ray

from benchmarks.peers.protocol import measure, report, sizes_from_arguments


@ray.remote
def link(_before: int) -> int:
    """One task of the chain."""
    return time.time_ns()


@ray.remote
def same(x: int) -> int:
    """One task of the fan-out."""
    return x


def chain(length: int) -> Sequence[int]:
    """All links are submitted at once; each waits for the reference of the one before."""
    references = [link.remote(0)]
    for _ in range(length - 1):
        references.append(link.remote(references[-1]))
    stamps: list[int] = ray.get(references)
    return stamps


def fanout(xs: Iterable[int]) -> Sequence[int]:
    """All at once, as in the design patterns of Ray's documentation."""
    results: list[int] = ray.get([same.remote(x) for x in xs])
    return results


def main() -> None:
    """Run both workloads on one cluster."""
    sizes = sizes_from_arguments()
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        object_store_memory=200_000_000,
        _node_ip_address="127.0.0.1",
        _temp_dir=os.path.join(os.getcwd(), "ray"),
    )
    try:
        report(measure(sizes, ray.__version__, chain, fanout))
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main()

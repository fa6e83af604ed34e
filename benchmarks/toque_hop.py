"""The hop: from the end of one task's body to the begin of the next one's."""

from __future__ import annotations

import statistics

from benchmarks.measurement import Measurement
from benchmarks.peers.protocol import hops_ms, percentile
from benchmarks.postgres import postgresql
from benchmarks.project import project

ROUNDS = 3


def measure_sqlite() -> list[Measurement]:
    """Process executor, SQLite."""
    hops = [hop for _ in range(ROUNDS) for hop in chain_hops()]
    return [
        Measurement("hop, SQLite: median", statistics.median(hops), "ms", at_most=1, note=f"{len(hops):,} hops"),
        Measurement("hop, SQLite: p99", percentile(hops, 99), "ms", at_most=10),
    ]


def measure_postgresql() -> list[Measurement]:
    """Process executor, PostgreSQL as it comes: each commit is synced to disk."""
    with postgresql() as url:
        hops = [hop for _ in range(ROUNDS) for hop in chain_hops(store_url=url)]
    return [
        Measurement("hop, PostgreSQL: median", statistics.median(hops), "ms", at_most=5, note=f"{len(hops):,} hops"),
        Measurement("hop, PostgreSQL: p99", percentile(hops, 99), "ms"),
    ]


def chain_hops(*, store_url: str = "") -> list[float]:
    """The hops of three chains of 100 in one `toque run`, in milliseconds."""
    with project("chain", store_url=store_url) as place:
        place.toque("run", "chain.py")
        return [hop for stamps in place.read("stamps.json") for hop in hops_ms(stamps, 100)]

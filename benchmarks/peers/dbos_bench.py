"""DBOS: steps of durable workflows on SQLite, in process; the fan-out gathers async steps of one workflow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version

from dbos import DBOS, DBOSConfig

from benchmarks.peers.protocol import measure, report, sizes_from_arguments


@DBOS.step()
def link(_before: int) -> int:
    """One task of the chain."""
    return time.time_ns()


@DBOS.workflow()
def run_chain(length: int) -> list[int]:
    """One step after the other, each recorded before the next."""
    stamps = [link(0)]
    for _ in range(length - 1):
        stamps.append(link(stamps[-1]))
    return stamps


@DBOS.step()
async def same(x: int) -> int:
    """One task of the fan-out."""
    return x


@DBOS.workflow()
async def run_fanout(count: int) -> list[int]:
    """All steps at once."""
    return list(await asyncio.gather(*(same(x) for x in range(count))))


def chain(length: int) -> Sequence[int]:
    """A new workflow for each chain."""
    return run_chain(length)


def fanout(xs: Iterable[int]) -> Sequence[int]:
    """A new workflow for each fan-out."""
    return asyncio.run(run_fanout(len(list(xs))))


def main() -> None:
    """Run both workloads on one database."""
    sizes = sizes_from_arguments()
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": "sqlite:///dbos.sqlite",
        "run_admin_server": False,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        report(measure(sizes, version("dbos"), chain, fanout))
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    main()

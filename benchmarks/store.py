"""What the store costs: one commit, a stream of commits, and the bytes that a task run leaves.

python benchmarks/store.py [--url sqlite:////tmp/bench.db] [--tasks 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from toque.engine.facts import AnyFact, Dispatched, Readied, Started, Succeeded
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import Token, ValueRef
from toque.ports.store import Commit, FactBatch, Store
from toque.store import open_store

NOW_US = 1_790_000_000_000_000
RUN = "01KAYK7W3Q8Z5V9M2T4C6E8G0J"
INSTANCE = "host-1234-1"


def task_facts(task: str, index: tuple[int, ...], n: int, at_us: int) -> list[AnyFact]:
    """What a task run without retries leaves in the log."""
    result = ValueRef(codec="json", inline=b'{"rows": 123456, "path": "out/part-000123.parquet"}', size_bytes=51)
    return [
        Readied(at_us=at_us, task=task, map_index=index),
        Dispatched(at_us=at_us + 900, task=task, map_index=index, attempt=1, token=Token(3, n)),
        Started(
            at_us=at_us + 1_700, task=task, map_index=index, attempt=1, started_us=at_us + 1_500, worker="host:4711"
        ),
        Succeeded(
            at_us=at_us + 9_000,
            task=task,
            map_index=index,
            result=result,
            started_us=at_us + 1_500,
            finished_us=at_us + 8_800,
        ),
    ]


def task_row(task: str, index: tuple[int, ...], n: int, at_us: int) -> TaskRow:
    """The row of an ended task run."""
    return TaskRow(
        run_id=RUN,
        task=task,
        map_index=index,
        state=TaskState.SUCCEEDED,
        attempt=1,
        token=Token(3, n),
        ready_us=at_us,
        dispatched_us=at_us + 900,
        started_us=at_us + 1_500,
        finished_us=at_us + 8_800,
        worker="host:4711",
        result=ValueRef(codec="json", inline=b'{"rows": 123456, "path": "out/part-000123.parquet"}', size_bytes=51),
    )


def run_row(run_id: str = RUN) -> RunRow:
    """A running run."""
    return RunRow(
        run_id=run_id,
        pipeline="flights",
        version="0123456789abcdef.0123456789abcdef",
        state=RunState.RUNNING,
        parameters={"year": 2013},
        created_us=NOW_US,
        owner=INSTANCE,
    )


async def single_commits(store: Store, count: int) -> list[float]:
    """Seconds that each commit of one task row and two facts takes, one after the other."""
    seconds = []
    seq = 1
    for n in range(count):
        at_us = NOW_US + n * 10_000
        row = task_row(f"step_{n % 100}", (), n, at_us)
        facts = task_facts(row.task, (), n, at_us)[2:]
        batch = Commit(
            instance=INSTANCE,
            tasks=[row],
            facts=[FactBatch(run_id=RUN, first_seq=seq, at_us=at_us, facts=facts)],
        )
        seq += len(facts)
        started = time.perf_counter()
        await store.commit(batch)
        seconds.append(time.perf_counter() - started)
    return seconds


async def batches(store: Store, tasks: int, batch_size: int, first_seq: int) -> float:
    """Seconds for `tasks` task runs, each written twice (dispatched, ended) in group commits."""
    seq = first_seq
    prepared = []
    for first in range(0, tasks, batch_size):
        indexes = range(first, min(first + batch_size, tasks))
        rows = [task_row("convert", (n,), n, NOW_US + n) for n in indexes]
        facts = [task_facts("convert", (n,), n, NOW_US + n) for n in indexes]
        for part in (slice(0, 2), slice(2, 4)):
            written = [fact for group in facts for fact in group[part]]
            prepared.append(
                Commit(
                    instance=INSTANCE,
                    tasks=rows,
                    facts=[FactBatch(run_id=RUN, first_seq=seq, at_us=NOW_US, facts=written)],
                )
            )
            seq += len(written)
    started = time.perf_counter()
    for batch in prepared:
        await store.commit(batch)
    return time.perf_counter() - started


async def measure(url: str, tasks: int, size_of: Path | None) -> None:
    """Print the figures of one store."""
    store = open_store(url)
    started = time.perf_counter()
    await store.open()
    opened = time.perf_counter()
    await store.new_boot(INSTANCE, pid=os.getpid(), host="", role="run", now_us=NOW_US)
    booted = time.perf_counter()
    print(f"{store.kind}: create {1e3 * (opened - started):.1f} ms, new_boot {1e3 * (booted - opened):.1f} ms")
    await store.create_run(run_row())
    commits = sorted(await single_commits(store, 3_000))
    p99 = commits[int(len(commits) * 0.99)]
    print(
        f"  one-task commit: median {1e3 * statistics.median(commits):.3f} ms, p99 {1e3 * p99:.3f} ms,"
        f" max {1e3 * commits[-1]:.2f} ms"
    )
    before = size_of.stat().st_size if size_of else 0
    for size in (64, 512):
        other = f"{RUN[:-3]}{size:03}"
        await store.create_run(run_row(other))
        seconds = await batches(_As(store, other), tasks, size, 1)
        print(f"  {2 * tasks:,} task-row upserts in batches of {size}: {2 * tasks / seconds:,.0f}/s")
    started = time.perf_counter()
    loaded = await store.load_run(f"{RUN[:-3]}512")
    print(f"  load_run of {len(loaded.tasks) if loaded else 0:,} task runs: {time.perf_counter() - started:.2f} s")
    await store.close()
    if size_of:
        print(f"  {(size_of.stat().st_size - before) / (2 * tasks):.0f} bytes of store a task run")


class _As:
    """The store, writing batches that were prepared for `RUN` to another run."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id

    async def commit(self, batch: Commit) -> None:
        for row in batch.tasks:
            row.run_id = self._run_id
        batch.facts = [
            FactBatch(run_id=self._run_id, first_seq=facts.first_seq, at_us=facts.at_us, facts=facts.facts)
            for facts in batch.facts
        ]
        await self._store.commit(batch)


def main() -> None:
    """Measure the store of `--url`, by default a new SQLite file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--tasks", type=int, default=50_000)
    options = parser.parse_args()
    if options.url:
        asyncio.run(measure(options.url, options.tasks, None))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "toque.db")
        asyncio.run(measure(f"sqlite:///{path}", options.tasks, path))
    imported = (
        "import time; t = time.perf_counter(); import {}; print(f'  import {}: {{1e3*(time.perf_counter()-t):.0f}} ms')"
    )
    for module in ("toque.store.sqlite.store", "sqlalchemy"):
        subprocess.run([sys.executable, "-c", imported.format(module, module)], check=True)


if __name__ == "__main__":
    main()

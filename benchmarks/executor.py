"""The process executor by itself: how fast no-op attempts go through it, and what one costs in latency and memory.

No engine and no store: what the rest of the system adds is the difference to `fanout` and `hop`.
`python -m benchmarks.executor` prints the figures.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.measurement import Measurement
from toque.engine.inputs import AnyInput, AttemptStarted
from toque.engine.values import Token
from toque.executors.process import ProcessExecutor, ProcessOptions
from toque.graph.ir import CodeRef, TaskNode, TaskPolicy
from toque.ports.executor import AttemptSpec, BundleRef, Signal, WorkItem

ATTEMPTS = 20_000
ROUNDS = 5
ROUND_TRIPS = 2_000
BLOCKING_S = 1.0

USER_CODE = """
import time

def nothing():
    return None

def perhaps_slow(s):
    time.sleep(s)
"""


class Load:
    """A sink that keeps the executor full, as the runtime does."""

    def __init__(self, executor: ProcessExecutor, bundle: BundleRef) -> None:
        self._executor = executor
        self._bundle = bundle
        self._number = 0
        self._left = 0
        self._wanted = 0
        self._node = _node("nothing")
        self._done = asyncio.Event()
        self.ended: list[float] = []
        self.workers: set[int] = set()

    def report(self, report: AnyInput) -> None:
        if isinstance(report, AttemptStarted):
            self.workers.add(int(report.worker.rpartition(":")[2]))
            return
        self._executor.acknowledge(report.token)  # type: ignore[union-attr]
        self.ended.append(time.perf_counter())
        if len(self.ended) >= self._wanted:
            self._done.set()

    def signal(self, signal: Signal) -> None:
        """None are sent."""

    def capacity_changed(self) -> None:
        count = min(self._executor.free(), self._left)
        if count > 0:
            self._left -= count
            self.submit([self.spec(self._node) for _ in range(count)])

    def spec(self, node: TaskNode) -> AttemptSpec:
        self._number += 1
        token = Token(1, self._number)
        return AttemptSpec(run_id="r", task="t", map_index=(self._number,), attempt=1, token=token, node=node)

    def submit(self, specs: list[AttemptSpec]) -> None:
        self._executor.submit(WorkItem(bundle=self._bundle, attempts=tuple(specs)))

    async def run(self, count: int) -> float:
        """Seconds for `count` attempts."""
        self.ended, self._left, self._wanted = [], count, count
        self._done.clear()
        begun = time.perf_counter()
        self.capacity_changed()
        await self._done.wait()
        return time.perf_counter() - begun

    async def longest_gap(self, count: int) -> float:
        """The longest time without an end among `count` no-ops around one attempt that takes a second."""
        self.ended, self._left, self._wanted = [], count, count
        self._done.clear()
        begun = time.perf_counter()
        self.capacity_changed()
        self.submit([self.spec(_node("perhaps_slow", BLOCKING_S))])
        self._wanted = count
        await self._done.wait()
        moments = [begun, *self.ended]
        return max(later - earlier for earlier, later in itertools.pairwise(moments))


def _node(function: str, *args: float) -> TaskNode:
    from toque.graph.expr import Const

    return TaskNode(
        id=function,
        code=CodeRef(module="benchmarked_jobs", qualname=function),
        args=tuple(Const(arg) for arg in args),
        policy=TaskPolicy(),
    )


def measure() -> list[Measurement]:
    """Throughput, round trip, the cost of a long neighbour, memory."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Measurement]:
    (folder / "benchmarked_jobs.py").write_text(USER_CODE)
    options = ProcessOptions(
        project=str(folder), state_dir=str(folder / "state"), blobs_url=str(folder / "blobs"), workers=2
    )
    executor = ProcessExecutor(options)
    load = Load(executor, BundleRef(hash="b", path=str(folder), project=str(folder)))
    begun = time.perf_counter()
    await executor.start(load)
    await load.run(1)
    first_s = time.perf_counter() - begun
    await load.run(1_000)
    rates = [ATTEMPTS / await load.run(ATTEMPTS) for _ in range(ROUNDS)]
    trips_us = sorted([await load.run(1) * 1e6 for _ in range(ROUND_TRIPS)])
    await load.run(1_000)
    gap_ms = await load.longest_gap(ATTEMPTS) * 1e3
    memory_mb = max(_proportional_bytes(pid) for pid in load.workers) / 2**20
    await executor.stop(grace_s=2)
    return [
        Measurement("executor alone: no-op attempts, 2 workers", statistics.median(rates), "/s", at_least=20_000),
        Measurement("executor alone: submit to report, median", statistics.median(trips_us) / 1e3, "ms", at_most=0.25),
        Measurement("executor alone: submit to report, p99", trips_us[len(trips_us) * 99 // 100] / 1e3, "ms"),
        Measurement("executor alone: longest wait behind a task of 1 s", gap_ms, "ms", at_most=50),
        Measurement("executor alone: start to first result", first_s * 1e3, "ms"),
        Measurement("an empty worker (PSS)", memory_mb, "MB", at_most=40),
    ]


def _proportional_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    for measurement in measure():
        print(f"{measurement.what}: {measurement.value:,.2f} {measurement.unit}   {measurement.budget}")

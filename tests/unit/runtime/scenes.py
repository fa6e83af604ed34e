"""A runtime over a store in memory that fails when told to, and pipelines for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from toque import each, pipeline, task
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState
from toque.executors.inline import InlineExecutor
from toque.graph import canonical
from toque.ports.executor import BundleRef, Executor, WorkItem
from toque.ports.store import Commit, TaskFilter
from toque.runtime.clock import SystemClock
from toque.runtime.ids import new_run_id
from toque.runtime.loop import Runtime
from toque.runtime.messages import Launch
from toque.runtime.options import RuntimeOptions
from toque.runtime.versions import Versions
from toque.store.blobs import MemoryBlobs
from toque.store.memory import MemoryStore

HERE = BundleRef(hash="", path="", project="")
CALLS: list[str] = []
"""Bodies that ran, in order; emptied by each scene."""


@task
def numbers(count: int) -> list[int]:
    CALLS.append("numbers")
    return list(range(count))


@task
def double(x: int) -> int:
    CALLS.append(f"double {x}")
    return 2 * x


@task
def total(parts: list[int]) -> int:
    CALLS.append("total")
    return sum(parts)


@pipeline
def doubles(count: int = 3) -> int:
    return total(double.map(each(numbers(count))))


@task(pool="scarce")
def scarce(x: int) -> int:
    CALLS.append(f"scarce {x}")
    return x


@pipeline
def wants_slots() -> int:
    return scarce(1)


@pipeline(max_active_runs=1)
def only_one() -> int:
    return double(1)


class FlakyStore(MemoryStore):
    """Asks `trouble(number of the commit)` before each commit, and `aftermath` behind it; they may raise."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.trouble: Callable[[int], None] = lambda number: None
        self.aftermath: Callable[[int], None] = lambda number: None

    async def commit(self, batch: Commit) -> None:
        self.commits += 1
        self.trouble(self.commits)
        await super().commit(batch)
        self.aftermath(self.commits)


class SlowStop(InlineExecutor):
    """Ends what it holds of `double` only when it is stopped, one after the other, each when the loop had its turns."""

    def __init__(self, open_blobs: Callable[[], MemoryBlobs]) -> None:
        super().__init__(open_blobs)
        self._items: list[WorkItem] = []

    @property
    def held(self) -> int:
        """How many wait for the stop."""
        return len(self._items)

    def submit(self, item: WorkItem) -> None:
        for spec in item.attempts:
            lone = msgspec.structs.replace(item, attempts=(spec,))
            if spec.task == "double":
                self._items.append(lone)
            else:
                super().submit(lone)

    async def stop(self, *, grace_s: float) -> None:
        for item in self._items:
            super().submit(item)
            for _ in range(100):
                await asyncio.sleep(0)
        await super().stop(grace_s=grace_s)


class Scene:
    """One store, and runtimes on it."""

    def __init__(self, **options: Any) -> None:
        CALLS.clear()
        self.store = FlakyStore()
        self.clock = SystemClock()
        self.blobs = MemoryBlobs()
        self.options = RuntimeOptions(**{"adopt": False, "poll_s": 0.001, **options})

    @asynccontextmanager
    async def runtime(self, executor: Executor | None = None) -> Any:
        versions = Versions(self.store, lambda row: HERE)
        for each_pipeline in (doubles, only_one, wants_slots):
            versions.learn(canonical.content_hash(each_pipeline.ir), each_pipeline.ir, HERE)
        runtime = Runtime(
            store=self.store,
            blobs=self.blobs,
            executors={"process": executor or InlineExecutor(lambda: self.blobs)},
            versions=versions,
            clock=self.clock,
            options=self.options,
        )
        await runtime.start()
        try:
            yield runtime
        finally:
            await runtime.stop()

    def launch(self, of: Any, **parameters: Any) -> Launch:
        return Launch(self.row(of, **parameters), of.ir, HERE)

    def row(self, of: Any, **parameters: Any) -> RunRow:
        now_us = self.clock.now_us()
        return RunRow(
            run_id=new_run_id(now_us),
            pipeline=of.name,
            version=canonical.content_hash(of.ir),
            state=RunState.QUEUED,
            parameters=of.validate(parameters),
            created_us=now_us,
            logical_us=now_us,
        )

    async def tasks(self, run_id: str) -> list[TaskRow]:
        return await self.store.list_tasks(TaskFilter(run_id=run_id, limit=10_000))

"""A store in memory, a clock that a test sets, a runtime that runs tasks in this process, and the roles that start
runs by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from toque import pipeline, task
from toque.engine.rows import RunRow
from toque.errors import UserError
from toque.executors.inline import InlineExecutor
from toque.graph import canonical
from toque.graph.ir import Concurrency, Pipeline
from toque.graph.schedules import IntervalRule, Schedule
from toque.ports.executor import BundleRef
from toque.ports.store import RunFilter, StoreUnavailable, VersionRow
from toque.ports.triggers import Change, Recorded, TickSeen
from toque.runtime.backfills import Backfilling
from toque.runtime.loop import Runtime
from toque.runtime.options import RuntimeOptions
from toque.runtime.scheduling import Scheduling
from toque.runtime.versions import Versions
from toque.store.blobs import MemoryBlobs
from toque.store.memory import MemoryStore
from toque.store.memory.triggers import MemoryTriggers
from toque.testing.clocks import VirtualClock

SECOND = 1_000_000
HOUR = 3600 * SECOND
T0 = 1_800_000_000 * SECOND
"""A full hour."""


@task
def double(x: int) -> int:
    return 2 * x


@pipeline
def report(n: int = 1) -> int:
    return double(n)


def hourly(name: str = "s", **fields: Any) -> Schedule:
    given = {"rule": IntervalRule(every_s=3600), "parameters": {"n": 1}}
    return Schedule(name=name, **{**given, **fields})


class FlakyTriggers(MemoryTriggers):
    """Loses the store before a transaction, or the answer behind it, when told to."""

    before = False
    behind = False

    async def record(self, changes: Any, **options: Any) -> Recorded:
        if self.before:
            self.before = False
            raise StoreUnavailable("before")
        done = await super().record(changes, **options)
        if self.behind and any(isinstance(change, Change) and change.runs for change in changes):
            self.behind = False
            raise StoreUnavailable("behind")
        return done


class Clockwork:
    """One store, and servers on it."""

    def __init__(self, start_us: int = T0) -> None:
        self.clock = VirtualClock(start_us)
        self.store = MemoryStore()
        self.triggers = FlakyTriggers(self.store, self.store.backfills)
        self.store.triggers = self.triggers
        self.blobs = MemoryBlobs()
        self.has_code = True

    async def define(
        self, *schedules: Schedule, of: Pipeline | None = None, concurrency: Concurrency | None = None
    ) -> str:
        """Make a version with these schedules current; returns it."""
        ir = msgspec.structs.replace(of or report.ir, schedules=schedules, concurrency=concurrency or Concurrency())
        version = canonical.content_hash(ir)[:12]
        row = VersionRow(
            version=version,
            pipeline=ir.name,
            ir_hash=version,
            bundle="",
            ir=canonical.encode(ir),
            created_us=self.clock.now_us(),
        )
        await self.store.put_version(row, make_current=True)
        return version

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Server]:
        """A server, as far as it starts runs by itself."""
        versions = Versions(self.store, self._bundle)
        runtime = Runtime(
            store=self.store,
            blobs=self.blobs,
            executors={"process": InlineExecutor(lambda: self.blobs)},
            versions=versions,
            clock=self.clock,
            options=RuntimeOptions(poll_s=10, relay_s=1000),
            role="server",
        )
        await runtime.start()
        try:
            yield Server(self, runtime, versions)
        finally:
            await runtime.stop()

    def _bundle(self, row: VersionRow) -> BundleRef:
        if not self.has_code:
            raise UserError("the code is not on this machine")
        return BundleRef(hash="", path="", project="")

    async def runs(self, **where: Any) -> list[RunRow]:
        """Oldest tick first."""
        found = await self.store.list_runs(RunFilter(limit=10_000, **where))
        return sorted(found, key=lambda run: (run.logical_us, run.run_id))

    async def ticks(self, schedule: str = "report/s") -> list[TickSeen]:
        """Oldest first."""
        return (await self.store.triggers.list_ticks(schedule, limit=10_000))[::-1]

    def go_to(self, at_us: int) -> None:
        """Set the clock."""
        self.clock.advance((at_us - self.clock.now_us()) / SECOND)


class Server:
    """The roles of one server."""

    def __init__(self, place: Clockwork, runtime: Runtime, versions: Versions) -> None:
        self.runtime = runtime
        self.place = self._place = place
        self.scheduling = Scheduling(place.store, runtime, versions, place.clock)
        self.backfilling = Backfilling(place.store, runtime, versions, place.clock)

    async def at(self, at_us: int) -> None:
        """Look at the schedules at an instant, and let what starts come to its end."""
        self._place.go_to(at_us)
        await self.scheduling.look()
        await self.settle()

    async def settle(self) -> None:
        """Until no run is under way here."""
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            if self.runtime.is_idle:
                return

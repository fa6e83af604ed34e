"""A hub over a store in memory, under a clock that jumps, and clients that note what they get and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from toque.api.asset_rows import AssetRows
from toque.api.services import Services
from toque.api.stream.connection import Stream
from toque.api.stream.cursor import from_text
from toque.api.stream.feed import Sources
from toque.api.stream.hub import Hub
from toque.api.stream.topics import parse
from toque.engine.facts import AnyFact, Started
from toque.engine.rows import RunRow, TaskRow
from toque.engine.run import new_run
from toque.engine.states import RunState, TaskState
from toque.engine.values import TaskKey
from toque.graph.ir import CodeRef, MapNode, Pipeline, TaskNode
from toque.ports.executor import BundleRef
from toque.ports.project import ProjectState
from toque.ports.store import Commit, FactBatch
from toque.runtime.owned import OwnedRun
from toque.runtime.versions import Versions
from toque.store.memory import MemoryStore
from toque.testing.clocks import VirtualClock

START_US = 1_800_000_000_000_000
SERVER = "server-1"
CODE = CodeRef(module="m", qualname="f")
PIPELINE = Pipeline(
    name="flights",
    nodes=(
        TaskNode(id="fetch", code=CODE),
        MapNode(id="clean[]", axes=()),
        TaskNode(id="clean", code=CODE, scope="clean[]"),
        TaskNode(id="load", code=CODE),
    ),
)


class Event(msgspec.Struct):
    """What a client got."""

    at_us: int
    kind: str
    id: str
    patches: list[dict[str, Any]]


class Client:
    """Reads a stream until it is left."""

    def __init__(self, hub: Hub, topics: Sequence[str], since: str = "") -> None:
        self.clock = hub.sources.clock
        self.stream = Stream(hub, parse(list(topics)), from_text(since))
        self.events: list[Event] = []
        self.reads = asyncio.Event()
        """While it is set, the client takes what comes."""
        self.reads.set()
        self._came = asyncio.Condition()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for raw in self.stream.events():
            self.events.append(parsed(raw, self.clock.now_us()))
            async with self._came:
                self._came.notify_all()
            await self.reads.wait()

    async def until(self, count: int) -> list[Event]:
        """The events so far, once there are `count` patches."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.patched) >= count), 20)
        return self.patched

    @property
    def patched(self) -> list[Event]:
        """Without the greeting and heartbeats."""
        return [event for event in self.events if event.kind == "patch"]

    @property
    def cursor(self) -> str:
        """Of the last event."""
        return self.patched[-1].id

    def rows(self, kind: str, event: int = -1) -> list[dict[str, Any]]:
        """Rows of one kind in one event."""
        return [row for patch in self.patched[event].patches if patch["kind"] == kind for row in patch["data"]]

    async def leave(self) -> None:
        """Go away as a browser does: in the middle of anything."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def parsed(raw: bytes, at_us: int = 0) -> Event:
    """One event of the wire."""
    fields = dict(line.split(": ", 1) for line in raw.decode().strip().split("\n") if not line.startswith(":"))
    data = msgspec.json.decode(fields["data"]) if "data" in fields else []
    return Event(at_us, fields.get("event", ""), fields.get("id", ""), data if isinstance(data, list) else [data])


class Scene:
    """A server process: its hub, the runs in its memory, its store."""

    def __init__(self, clock: VirtualClock, store: MemoryStore, logs: Path, boot: int = 1) -> None:
        self.clock = clock
        self.store = store
        self.logs = logs
        self.owned: dict[str, OwnedRun] = {}
        self.attention: list[Any] = []
        self.project = SimpleNamespace(state=ProjectState())
        self.hub = Hub(
            Sources(
                store=store,
                history=store.history,
                versions=Versions(store, lambda row: BundleRef(hash="", path="", project="")),
                clock=clock,
                owned=self.owned.get,
                log_path=self.log_path,
                attention=self._attention,
                assets=AssetRows(cast(Services, SimpleNamespace(store=store, clock=clock, project=self.project))),
            ),
            identity=lambda: (f"server-{boot}", boot),
        )

    async def _attention(self) -> list[Any]:
        return list(self.attention)

    def log_path(self, run_id: str, key: TaskKey, attempt: int) -> str:
        """As a server lays them out."""
        return str(self.logs / f"{run_id}-{key}-{attempt}.jsonl")

    def client(self, *topics: str, since: str = "") -> Client:
        """Somebody who watches."""
        return Client(self.hub, topics, since)

    def begin(self, run_id: str, **fields: Any) -> OwnedRun:
        """A run in the memory of this server; not written yet."""
        row = RunRow(
            run_id=run_id,
            pipeline=PIPELINE.name,
            version="v",
            state=RunState.RUNNING,
            parameters={},
            created_us=self.clock.now_us(),
            owner=SERVER,
            **fields,
        )
        owned = OwnedRun(new_run(PIPELINE, row), PIPELINE, BundleRef(hash="", path="", project=""))
        self.owned[run_id] = owned
        return owned

    async def write(self, run_id: str, *tasks: TaskRow, tell: bool = True, **fields: Any) -> None:
        """A transaction about a run: whole rows, and one fact for each. `tell=False`: of another process."""
        owned = self.owned.get(run_id)
        row = owned.machine.row if owned is not None else (await self.store.history.get_runs([run_id]))[run_id]
        facts: list[AnyFact] = [
            Started(at_us=self.clock.now_us(), task=task.task, map_index=task.map_index, attempt=1, started_us=1)
            for task in tasks
        ]
        first = row.fact_seq + 1
        row = msgspec.structs.replace(row, fact_seq=row.fact_seq + len(facts), **fields)
        if owned is not None:
            owned.machine.row = row
        commit = Commit(instance=row.owner, runs=[msgspec.structs.replace(row)], tasks=list(tasks))
        if facts:
            commit.facts = [FactBatch(run_id=run_id, first_seq=first, at_us=self.clock.now_us(), facts=facts)]
        await self.store.commit(commit)
        if tell:
            self.hub.committed(self.owned, commit)


def task_row(run_id: str, task: str, state: TaskState, *index: int, **fields: Any) -> TaskRow:
    """A row of a task run."""
    return TaskRow(run_id=run_id, task=task, map_index=index, state=state, attempt=1, **fields)


@asynccontextmanager
async def serving(
    tmp_path: Path, *, clock: VirtualClock | None = None, store: MemoryStore | None = None, boot: int = 1
) -> AsyncIterator[Scene]:
    """A server that streams."""
    scene = Scene(clock or VirtualClock(START_US), store or MemoryStore(), tmp_path, boot)
    scene.hub.start()
    try:
        yield scene
    finally:
        await scene.hub.close()

"""A server without a socket: the application with all its routes, over a store in memory and files in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
from fastapi import FastAPI

from tests import store_rows as rows
from tests.unit.api import flights
from tests.unit.api.asgi import Clock, Said, ask
from toque.api.access import Access
from toque.api.app import PREFIX, create_app
from toque.api.guard import Guard
from toque.api.replays import Replays
from toque.api.services import Again, Identity, NewPreview, NewRun, PlannedAgain, Services
from toque.api.wire.system import WorkerRow
from toque.api.wire.versions import VersionFile
from toque.data.lineage.steps import Step
from toque.data.lineage.stitching import Lineage
from toque.engine.rows import RunRow, TaskRow
from toque.engine.run import new_run
from toque.engine.run_ids import base32, first_run_id
from toque.engine.states import RunState
from toque.engine.values import TaskKey
from toque.errors import NotFound, UserError
from toque.graph import canonical
from toque.graph.ir import Pipeline
from toque.local.code_files import CodeFiles
from toque.local.previews import Previews
from toque.local.running import again_row, reuse_of
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.connections import Connections
from toque.ports.executor import BundleRef
from toque.ports.project import IndexedPipeline, ProjectListener, ProjectState
from toque.ports.store import Commit
from toque.ports.triggers import Change, ScheduleRow
from toque.runtime.loop import Runtime
from toque.runtime.options import RuntimeOptions
from toque.runtime.planning import Stage, Wish, plan
from toque.runtime.versions import Versions
from toque.store.blobs import MemoryBlobs
from toque.store.memory import MemoryStore

TOKEN = "secret"
DRAWN = count()
SOURCE = '''"""Flights."""


def months(year, step):
    return list(range(1, 13, step))


@retried
def fetch(month):
    return month
'''
FILES = {
    "b1": {"pipelines/flights.py": "# as it was\n", "toque.toml": ""},
    "b2": {"pipelines/flights.py": SOURCE, "toque.toml": ""},
}


class Code(CodeFiles):
    """Files of bundles from a table; logs from a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, folder / "logs")
        self.bundles: dict[str, dict[str, str]] = {name: dict(files) for name, files in FILES.items()}

    def files(self, bundle: str) -> list[VersionFile]:
        if bundle not in self.bundles:
            raise NotFound(f"the code of bundle {bundle} is not on this machine")
        return [
            VersionFile(path=path, size=len(text), digest=text) for path, text in sorted(self.bundles[bundle].items())
        ]

    def text(self, bundle: str, path: str) -> str:
        self.files(bundle)
        if path not in self.bundles[bundle]:
            raise NotFound(f"the bundle {bundle} has no file {path!r}")
        return self.bundles[bundle][path]


@dataclass
class Machine:
    """Workers as a test wants them."""

    slots: dict[str, int] = field(default_factory=lambda: {"process": 1, "flow": 1})
    rows: list[WorkerRow] = field(default_factory=list)

    def workers(self) -> Sequence[WorkerRow]:
        return self.rows

    def free(self, executor: str) -> int:
        return self.slots.get(executor, 0)


@dataclass
class Project:
    """The index of a project whose files never change by themselves."""

    state: ProjectState = field(default_factory=ProjectState)
    refreshed: list[str] = field(default_factory=list)

    async def reload(self) -> ProjectState:
        return self.state

    async def refresh(self, pipeline: str) -> None:
        self.refreshed.append(pipeline)

    def listen(self, listener: ProjectListener) -> Callable[[], None]:
        return lambda: None


@dataclass
class Plans:
    """Plans with the stages that a test gives, in place of what the files of a project say."""

    store: MemoryStore
    clock: Clock
    stages: list[Stage] = field(default_factory=list)

    async def plan(self, wish: Wish, *, is_preview: bool) -> tuple[BackfillRow, list[BackfillSlice]]:
        row, slices = await plan(self.store, wish, self.stages, self.clock.now_us())
        if not is_preview and row.total:
            await self.store.backfills.create(row, slices)
        return row, slices


class Starts:
    """Queues runs as a server does, but nobody carries them out; a parameter `year` has to be a number."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def start(self, new: NewRun) -> RunRow:
        version = await self._store.current_version(new.pipeline)
        if version is None:
            raise NotFound(f"there is no pipeline {new.pipeline!r}", fix="GET /api/v1/pipelines lists them")
        if not isinstance(new.parameters.get("year", 0), int):
            raise UserError("year: it is no whole number", fix="2013")
        row = rows.run(
            self._id(),
            pipeline=new.pipeline,
            version=version.version,
            state=RunState.QUEUED,
            parameters=dict(new.parameters),
            created_us=self._clock.now_us(),
            actor=new.actor,
            reason=new.reason,
        )
        return await self._kept(row, new.dedup)

    async def preview(self, new: NewPreview) -> RunRow:
        row = rows.run(
            self._id(), pipeline="preview", state=RunState.QUEUED, actor=new.actor, reason=f"{new.pipeline}/{new.task}"
        )
        return await self._kept(row, new.dedup)

    async def again(self, again: Again) -> RunRow:
        row, _, _ = await self._again(again)
        row.run_id, row.actor, row.reason = self._id(), again.actor, again.reason
        return await self._kept(row, again.dedup)

    async def plan_again(self, again: Again) -> PlannedAgain:
        row, origin, pipeline = await self._again(again)
        made = new_run(pipeline, row, origin)
        return PlannedAgain(pipeline=pipeline, origin=origin, kept=list(made.taken_over.values()))

    async def _again(self, again: Again) -> tuple[RunRow, list[TaskRow], Pipeline]:
        origin = await self._store.load_run(again.run_id)
        if origin is None:
            raise NotFound(f"there is no run {again.run_id}")
        known = await self._store.get_version(origin.run.version)
        current = await self._store.current_version(origin.run.pipeline)
        version = current if again.new_code else known
        assert version is not None
        pipeline = canonical.decode(version.ir)
        anew = reuse_of(pipeline, origin, again.tasks)
        return again_row(origin, version.version, anew, self._clock.now_us()), origin.tasks, pipeline

    async def _kept(self, row: RunRow, dedup: str) -> RunRow:
        found = await self._store.load_run(await self._store.create_run(row, dedup=dedup))
        assert found is not None
        return found.run

    def _id(self) -> str:
        return first_run_id(self._clock.now_us()) + base32(next(DRAWN), 9)


class Followed:
    """The lineage of the project, given."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    async def now(self) -> Lineage:
        return Lineage(self.steps)


@cache
def application() -> FastAPI:
    """The routes, for all tests: to make them takes longer than most requests."""
    return create_app()


@dataclass
class Served:
    """The application, what it stands on, and ways to ask it."""

    folder: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=lambda: Clock(flights.NOW_US))
    machine: Machine = field(default_factory=Machine)
    project: Project = field(default_factory=Project)
    pools: dict[str, int] = field(default_factory=lambda: {"api": 2})
    lineage: Followed = field(default_factory=Followed)
    connections: Connections | None = None
    """What the project declares; most tests ask for none."""

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A server that remembers nothing, on this store."""
        self.code = Code(self.folder)
        self.blobs = MemoryBlobs()
        self.plans = Plans(self.store, self.clock)
        self.access = Access(TOKEN, actor="ada")
        self.services = Services(
            identity=lambda: Identity(version="9", instance=rows.ME, boot=7, project="air", profile="test"),
            access=self.access,
            store=self.store,
            runtime=cast(Runtime, None),
            versions=Versions(self.store, lambda row: BundleRef(hash=row.bundle, path="", project="")),
            clock=self.clock,
            options=RuntimeOptions(pools=self.pools),
            retention=(3600.0, 5),
            starts=Starts(self.store, self.clock),
            plans=self.plans,
            values=Previews(self.blobs, self.folder / "logs"),
            code=self.code,
            project=self.project,
            connections=cast(Connections, self.connections),
            machine=self.machine,
            lineage=self.lineage,
        )
        self.app = Guard(Replays(application()), self.access, self.clock)

    async def send(
        self, method: str, path: str, body: Any = None, /, *, headers: Mapping[str, str] | None = None, **query: Any
    ) -> Said:
        """A request with the token."""
        pairs = [
            (name, each) for name, value in query.items() for each in (value if isinstance(value, list) else [value])
        ]
        whole = {"Host": "127.0.0.1:8787", "Authorization": f"Bearer {TOKEN}", **(headers or {})}
        if body is not None:
            whole["Content-Type"] = "application/json"
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        target = path if path in ("/healthz", "/readyz") else PREFIX + path
        application().state.services = self.services
        return await ask(self.app, method, target, headers=whole, body=data, query=urlencode(pairs))

    async def get(self, path: str, /, **query: Any) -> Any:
        """The answer, which has to be a good one."""
        said = await self.send("GET", path, **query)
        assert said.status == 200, said.body
        return said.json

    async def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The answer of a write, which has to be that."""
        said = await self.send("POST", path, body)
        assert said.status == status, said.body
        return said.json

    async def refused(self, method: str, path: str, body: Any = None, /, *, status: int, **query: Any) -> Any:
        """The problem that the answer has to be."""
        said = await self.send(method, path, body, **query)
        assert said.headers["content-type"] == "application/problem+json", said.body
        assert (said.status, said.json["status"]) == (status, status), said.body
        return said.json

    async def write(self, **parts: Any) -> None:
        """A transaction of this server."""
        await self.store.commit(rows.commit(**parts))

    async def run(self, run_id: str) -> RunRow:
        """As the store has it."""
        return (await self.store.history.get_runs([run_id]))[run_id]

    async def change(self, run_id: str, **fields: Any) -> None:
        """Write another state of a run."""
        await self.write(runs=[msgspec.structs.replace(await self.run(run_id), **fields)])

    async def add_version(
        self, version: str, ir: Pipeline, *, bundle: str, current: bool = True, **fields: Any
    ) -> None:
        """A version in the store."""
        row = rows.version(
            version, pipeline=ir.name, bundle=bundle, ir=canonical.encode(ir), file=f"{ir.name}.py", **fields
        )
        await self.store.put_version(row, make_current=current)

    async def add_schedule(self, pipeline: str, name: str, definition: bytes, **fields: Any) -> ScheduleRow:
        """A schedule in the store."""
        given = {"version": flights.V2, "cursor_us": flights.NOW_US, "definition": definition, **fields}
        row = ScheduleRow(id=f"{pipeline}/{name}", pipeline=pipeline, name=name, **given)
        await self.store.triggers.record([Change(before=None, after=row)])
        return row

    def log(self, run_id: str, task: str, *lines: Mapping[str, Any], index: str = "", attempt: int = 1) -> Path:
        """Write the log of an attempt."""
        path = Path(self.code.log_file(run_id, TaskKey(task, flights.index(index)), attempt))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.writelines(msgspec.json.encode({"t": 1, **line}) + b"\n" for line in lines)
        return path


async def empty(folder: Path) -> Served:
    """A server that has seen nothing."""
    return Served(folder)


async def flying(folder: Path) -> Served:
    """A server with the pipelines and runs of `flights`."""
    served = Served(folder)
    await served.store.new_boot(rows.ME, pid=1, host="host", role="server", now_us=1)
    await served.add_version(flights.V1, flights.OLD, bundle="b1", created_us=1, actor="bob", git_commit="abc")
    await served.add_version(flights.V2, flights.PIPELINE, bundle="b2", created_us=2, actor="ada", git_dirty=True)
    await served.add_version("s1", flights.SMALL, bundle="b2", created_us=3)
    served.project.state = ProjectState(
        pipelines={
            ir.name: IndexedPipeline(name=ir.name, file=f"{ir.name}.py", version=version, file_version=version, ir=ir)
            for version, ir in ((flights.V2, flights.PIPELINE), ("s1", flights.SMALL))
        },
        indexed_us=1,
    )
    await served.store.commit(
        Commit(
            instance=rows.ME,
            runs=[msgspec.structs.replace(row) for row in flights.RUNS.values()],
            tasks=[*flights.failed_tasks(), *flights.good_tasks(), *flights.live_tasks()],
            attempts=flights.failed_attempts(),
        )
    )
    return served

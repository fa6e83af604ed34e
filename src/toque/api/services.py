"""What the API stands on: the store, the runtime, and what only a composition root can do, as small protocols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from toque.api.access import Access as Keys
from toque.api.drawings import Drawings
from toque.api.ended import EndedRuns
from toque.api.grids import Grids
from toque.api.log_pages import LogPages
from toque.api.timeline import Upstreams
from toque.api.wire.system import WorkerRow
from toque.api.wire.tasks import Progress
from toque.api.wire.values import Preview
from toque.api.wire.versions import VersionFile
from toque.data.lineage.stitching import Lineage
from toque.engine.rows import RunRow, TaskRow
from toque.engine.values import TaskKey, ValueRef
from toque.graph.expr import Access
from toque.graph.ir import Pipeline
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.clock import Clock
from toque.ports.connections import Connections
from toque.ports.pages import NodeCounts
from toque.ports.project import ProjectIndex
from toque.ports.store import Store
from toque.runtime.loop import Runtime
from toque.runtime.options import RuntimeOptions
from toque.runtime.planning import Wish
from toque.runtime.versions import Versions


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who this server is."""

    version: str
    instance: str
    boot: int
    project: str
    profile: str
    role: str = "server"


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """What to start a run with."""

    pipeline: str
    parameters: Mapping[str, Any]
    """Plain JSON, not validated yet."""
    actor: str
    reason: str = ""
    dedup: str = ""
    """The same again means the same run."""


@dataclass(frozen=True, kw_only=True)
class NewPreview:
    """Which sync to preview."""

    pipeline: str
    task: str
    actor: str
    dedup: str = ""


@dataclass(frozen=True, kw_only=True)
class Again:
    """What to repeat of an ended run."""

    run_id: str
    tasks: tuple[str, ...] | None
    """Those, and what is behind them; None: what failed."""
    new_code: bool = False
    actor: str = ""
    reason: str = ""
    dedup: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedAgain:
    """What a retry or rerun would do."""

    pipeline: Pipeline
    origin: Sequence[TaskRow]
    kept: Sequence[TaskRow]
    """Those of the origin whose outcome is taken over."""


class Starts(Protocol):
    """Puts runs into the queue of this server."""

    async def start(self, new: NewRun) -> RunRow:
        """Raises `NotFound`, `UserError` (parameters)."""
        ...

    async def preview(self, new: NewPreview) -> RunRow:
        """A run that says what a sync would do, and does nothing. Raises `NotFound`."""
        ...

    async def again(self, again: Again) -> RunRow:
        """Raises `NotFound`, `UserError` (not ended, unknown task)."""
        ...

    async def plan_again(self, again: Again) -> PlannedAgain:
        """What `again` would do. Raises as it does."""
        ...


@dataclass(frozen=True, kw_only=True)
class RecordedMetric:
    """A number that an attempt reported."""

    name: str
    at_us: int
    value: float


@dataclass(frozen=True, kw_only=True)
class RecordedArtifact:
    """Something to look at that an attempt left."""

    name: str
    kind: str
    value: ValueRef


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which part of a value is to be shown."""

    offset: int = 0
    limit: int = 50
    item: int | None = None
    """First this item of it,"""
    path: tuple[Access, ...] = ()
    """then what this leads to."""


class Values(Protocol):
    """Reads values without running user code. May block: call it in a thread."""

    def preview(self, ref: ValueRef, part: Part = Part()) -> Preview: ...

    def artifact(self, artifact: RecordedArtifact, part: Part = Part()) -> Preview: ...

    def recorded(self, run_id: str, key: TaskKey) -> tuple[list[RecordedMetric], list[RecordedArtifact]]:
        """Metrics and artifacts of a task run."""
        ...


class Code(Protocol):
    """Files of bundles and logs of attempts. May block: call it in a thread."""

    def files(self, bundle: str) -> list[VersionFile]:
        """Raises `NotFound` when the bundle is not on this machine."""
        ...

    def text(self, bundle: str, path: str) -> str:
        """Raises `NotFound`."""
        ...

    def log_file(self, run_id: str, key: TaskKey, attempt: int) -> str:
        """Path of the JSON lines of an attempt; the file may not exist."""
        ...

    def traceback(self, run_id: str, key: TaskKey, attempt: int) -> str:
        """Of the log of the attempt; "" when there is none."""
        ...


class ColumnLineages(Protocol):
    """Which columns each column of the project is made of."""

    async def now(self) -> Lineage:
        """As the files and the tables are now. May take seconds after an edit, off this loop."""
        ...


class Plans(Protocol):
    """Plans what makes assets, with the code as it is now."""

    async def plan(self, wish: Wish, *, is_preview: bool) -> tuple[BackfillRow, list[BackfillSlice]]:
        """A backfill; in the store unless it is a preview, or has nothing to do. Raises `UserError`."""
        ...


class Machine(Protocol):
    """What runs on this machine."""

    def workers(self) -> Sequence[WorkerRow]: ...

    def free(self, executor: str) -> int:
        """How many attempts it would take now."""
        ...


async def _nothing_is_live(run_id: str) -> None:
    """No server carries runs on beside this API."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """All of it, wired by the composition root."""

    identity: Callable[[], Identity]
    access: Keys
    store: Store
    runtime: Runtime
    versions: Versions
    clock: Clock
    options: RuntimeOptions
    retention: tuple[float, int]
    """Age in seconds, runs to keep."""
    starts: Starts
    plans: Plans
    values: Values
    code: Code
    project: ProjectIndex
    connections: Connections
    machine: Machine
    lineage: ColumnLineages
    progress: Callable[[str, TaskKey], Progress | None] = lambda run_id, key: None
    """What a running attempt last said of itself."""
    live_nodes: Callable[[str], Awaitable[list[tuple[NodeCounts, int]] | None]] = _nothing_is_live
    """Counts of the nodes of a run that goes on here, and their sizes; None: ask the store."""
    live_rows: Callable[[str], Awaitable[list[msgspec.Raw] | None]] = _nothing_is_live
    """The same as they are sent."""
    logs: LogPages = field(default_factory=LogPages)
    drawings: Drawings = field(default_factory=Drawings)
    grids: Grids = field(default_factory=Grids)
    upstreams: Upstreams = field(default_factory=Upstreams)
    ended: EndedRuns = field(default_factory=EndedRuns)

"""What the API stands on: the store, the runtime, and what only a composition root can do, as small protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from toque.api.access import Access
from toque.api.wire.pipelines import BrokenFile
from toque.api.wire.schedules import SchedulePreview, SchedulePreviewRequest
from toque.api.wire.system import StoreInfo, WorkerRow
from toque.api.wire.values import Preview
from toque.api.wire.versions import VersionFile
from toque.engine.rows import RunRow
from toque.engine.values import ErrorInfo, TaskKey, ValueRef
from toque.ports.clock import Clock
from toque.ports.store import Store
from toque.runtime.loop import Runtime
from toque.runtime.options import RuntimeOptions
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
class Again:
    """What to repeat of an ended run."""

    run_id: str
    tasks: tuple[str, ...] | None
    """Those, and what is behind them; None: what failed."""
    new_code: bool = False
    actor: str = ""
    reason: str = ""
    dedup: str = ""


class Starts(Protocol):
    """Puts runs into the queue of this server."""

    async def start(self, new: NewRun) -> RunRow:
        """Raises `NotFound`, `UserError` (parameters)."""
        ...

    async def again(self, again: Again) -> RunRow:
        """Raises `NotFound`, `UserError` (not ended, unknown task)."""
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


class Values(Protocol):
    """Reads values without running user code. May block: call it in a thread."""

    def preview(self, ref: ValueRef, *, offset: int = 0, limit: int = 50) -> Preview: ...

    def artifact(self, artifact: RecordedArtifact, *, offset: int = 0, limit: int = 50) -> Preview: ...

    def plain(self, tagged: Any) -> Any:
        """Tagged JSON as plain JSON, for people."""
        ...

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

    def traceback(self, run_id: str, key: TaskKey, attempt: int, error: ErrorInfo) -> str:
        """Of the log of the attempt; "" when there is none."""
        ...


class Project(Protocol):
    """What the server knows of the files of the project."""

    def broken(self) -> list[BrokenFile]: ...

    async def preview_schedule(self, asked: SchedulePreviewRequest) -> SchedulePreview:
        """Raises `UserError` with what is wrong in the rule."""
        ...


class Machine(Protocol):
    """What runs on this machine."""

    def workers(self) -> Sequence[WorkerRow]: ...

    async def store_info(self) -> StoreInfo: ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """All of it, wired by the composition root."""

    identity: Callable[[], Identity]
    access: Access
    store: Store
    runtime: Runtime
    versions: Versions
    clock: Clock
    options: RuntimeOptions
    retention: tuple[float, int]
    """Age in seconds, runs to keep."""
    starts: Starts
    values: Values
    code: Code
    project: Project
    machine: Machine

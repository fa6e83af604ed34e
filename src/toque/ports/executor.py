"""The executor: runs attempts. It never writes the store and never decides a retry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from toque.engine.effects import AnswerStep
from toque.engine.inputs import AnyInput, AnyReport
from toque.engine.values import Entry, MapIndex, Token, ValueRef
from toque.graph.expr import AnyExpr
from toque.graph.ir import TaskNode


class BundleRef(msgspec.Struct, frozen=True, kw_only=True):
    """The code that an attempt needs, and where it lies."""

    hash: str
    """"" for code of the current process (inline executor only)."""
    path: str
    """Root of the snapshot; leads `sys.path`."""
    project: str
    """The working directory of user code."""


class ItemSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the item of an axis of a map is: in a list at `index`, or given by itself.

    | axis | `entry` | `source` | `is_item` |
    |---|---|---|---|
    | result of a task | its value | None, or the `Ref` whose `path` leads to the list | False |
    | gathered results | `Values`/`Spilled` | None, or the `Gather` | False |
    | parameter | None | the `Param` | False |
    | constant | None | `Const` of the one element (sliced by the server) | True |
    | chained | None | the `Ref` (its value is in `AttemptSpec.sources`) | True |
    """

    index: int
    entry: Entry | None = None
    """A list value (a `chunks` blob is read by offset) or gathered results."""
    source: AnyExpr | None = None
    is_item: bool = False
    """`source` is the item itself, not the list."""


class AttemptSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a worker needs to make one attempt. Identified by (run, task, map index, attempt, token)."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    attempt: int
    token: Token
    node: TaskNode
    """Shared between the specs of a node; executors send it once per worker."""
    version: str = ""
    pipeline: str = ""
    sources: dict[str, Entry] = {}
    """By node id: what `Ref`, `Gather`, `OutcomeOf` in the arguments read."""
    items: dict[str, tuple[ItemSource, ...]] = {}
    """By map node id, one for each axis: what `Item` reads."""
    payload: ValueRef | None = None
    """Evaluated `(args, kwargs)` of a flow step, instead of `node.args`."""
    parameters: dict[str, Any] = {}
    """In tagged JSON."""
    idempotency_key: str = ""
    """Stable across attempts, resumes and recoveries of this task run."""
    created_us: int = 0
    """When the run was created: where the clock of a flow begins."""
    logical_us: int = 0
    interval_start_us: int = 0
    interval_end_us: int = 0
    partition_key: str = ""
    """A key, or the first and last of a range: `2026-01-01..2026-01-07`."""
    dynamic: dict[str, tuple[str, ...]] = {}
    """Keys of dynamic partitions that the run's assets are cut by, as they were when it began."""
    deadline_us: int = 0
    handle: Any = None
    """Of the last `NotYet`."""
    deferrals: int = 0
    steps_ended: int = 0
    """Of a flow body: how many of its steps have ended. Until it has been told of them, it repeats itself."""
    run_report: dict[str, Any] | None = None
    """For hooks."""
    members: tuple[tuple[str, int], ...] = ()
    """Of a host: ids of the tasks that it is to run and report for, and the number of this attempt at each. A report
    about one of them carries that number and the token of the host."""
    log_path: str = ""
    """File for the JSON lines of this attempt, made at its first output."""
    group: str = ""
    """Attempts with the same non-empty group belong into one work item."""


class WorkItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an executor runs under one lease in one process."""

    bundle: BundleRef
    environment: str = ""
    attempts: tuple[AttemptSpec, ...]


class Progress(msgspec.Struct, frozen=True, tag="progress", kw_only=True):
    """Coalesced: only the latest counts. Not a fact."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    done: float
    total: float | None = None


class Metric(msgspec.Struct, frozen=True, tag="metric", kw_only=True):
    """A number that user code reports."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    attempt: int
    name: str
    value: float


class Artifact(msgspec.Struct, frozen=True, tag="artifact", kw_only=True):
    """Something to look at that an attempt left; the content is a blob or inline text."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    attempt: int
    name: str
    kind: Literal["table", "markdown", "json", "image", "link", "text"]
    value: ValueRef


Signal: TypeAlias = Progress | Metric | Artifact


class Sink(Protocol):
    """Where an executor delivers; called on the event loop's thread, never blocks."""

    def report(self, report: AnyInput) -> None:
        """Resent until acknowledged by executors whose workers outlive the server. Flow hosts also request steps.

        What a host reports of its members is not acknowledged one by one: it carries the token of the host. Such an
        executor keeps it, in its order, and resends it before the end of the host until that is acknowledged: what had
        arrived is rejected as ended, and changes nothing."""
        ...

    def signal(self, signal: Signal) -> None: ...

    def capacity_changed(self) -> None:
        """`free()` may have grown."""
        ...


class Executor(Protocol):
    """Submit, withdraw, cancel, reconcile; and a stream of reports into the sink."""

    name: str

    async def start(self, sink: Sink) -> None: ...

    def free(self) -> int:
        """How many attempts it would take now (workers and prefetch), over all bundles."""
        ...

    def room(self, node: TaskNode) -> int:
        """How many more attempts of `node` it would take now: async and I/O-bound tasks share processes, so there
        may be room for them when `free()` is 0 for others."""
        ...

    def submit(self, item: WorkItem) -> None:
        """Idempotent by (attempt, token). What cannot be started is reported as failed or lost, never raised."""
        ...

    def withdraw(self, tokens: Sequence[Token]) -> None:
        """Give back those not started: each answers `AttemptReturned`, or nothing if it has begun."""
        ...

    def cancel(self, token: Token, *, grace_s: float) -> None:
        """End it: cooperatively, after `grace_s` by SIGTERM, then SIGKILL of its process group. Answers
        `AttemptCancelled` once the group is gone, unless another end came first."""
        ...

    def acknowledge(self, token: Token) -> None:
        """The report about this dispatch is committed."""
        ...

    async def reconcile(self, tokens: Sequence[Token]) -> list[Token]:
        """After a restart of the server: which of these still run here and will report. The others are lost."""
        ...

    async def stop(self, *, grace_s: float) -> None:
        """End everything; what still runs is reported as lost and blameless."""
        ...


class WorkerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A process of an executor, for people."""

    name: str
    state: Literal["starting", "idle", "busy", "leaving"]
    lane: str
    """What it takes: `sync`, `async`, `thread`, `flow`."""
    bundle: str
    environment: str
    attempts: list[tuple[str, str, MapIndex, int]]
    """Run, task, map index, since when (0: not begun)."""


@runtime_checkable
class HasWorkers(Protocol):
    """An executor that knows its processes."""

    def workers(self) -> list[WorkerSeen]: ...


class FlowExecutor(Executor, Protocol):
    """Runs bodies of flows. It asks for steps through `Sink.report` (`StepRequested`, `FlowEvicted`, `Cancel`)."""

    def answer(self, effect: AnswerStep) -> None:
        """A step of a body has ended. Void if the body's dispatch is not the one here."""
        ...


OnReport: TypeAlias = Callable[[AnyReport], None]

"""Facts: what became true in a run. The log of a run is its facts in order; `evolve` folds them into its state.

A fact is final. Rows of the store are a projection of the state that facts produce.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from toque.engine.assets import AnyAssetEvent
from toque.engine.states import AttemptOutcome, RunState, TaskState
from toque.engine.values import Actor, ErrorInfo, MapIndex, TaskKey, Token, ValueRef
from toque.graph.ir import TaskNode


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, array_like=True):
    """What all facts share."""

    at_us: int


class TaskFact(Fact, frozen=True, kw_only=True):
    """A fact about one task run."""

    task: str
    map_index: MapIndex = ()

    @property
    def key(self) -> TaskKey:
        """The task run."""
        return TaskKey(self.task, self.map_index)


class RunStarted(Fact, frozen=True, kw_only=True, tag="run_started"):
    """The run left the queue."""


class CancelRequested(Fact, frozen=True, kw_only=True, tag="cancel_requested"):
    """Of the run."""

    actor: Actor
    reason: str = ""


class RunSuspended(Fact, frozen=True, kw_only=True, tag="run_suspended"):
    actor: Actor
    reason: str = ""


class RunResumed(Fact, frozen=True, kw_only=True, tag="run_resumed"):
    actor: Actor


class OutcomeDecided(Fact, frozen=True, kw_only=True, tag="outcome_decided"):
    """Every task run but the hooks has ended: this is how the run will end."""

    state: RunState
    error: ErrorInfo | None = None


class RunFinished(Fact, frozen=True, kw_only=True, tag="run_finished"):
    """Hooks included."""

    state: RunState


class RunLate(Fact, frozen=True, kw_only=True, tag="run_late"):
    """It has not ended within the time that its pipeline says. Said once, and nothing follows from it in the run."""


class Readied(TaskFact, frozen=True, kw_only=True, tag="readied"):
    """Its trigger rule is fulfilled, its timer fired, or it was given back. `returned`: the same attempt goes again."""

    returned: bool = False


class ScopeOpened(TaskFact, frozen=True, kw_only=True, tag="scope_opened"):
    """A map node knows its size: indexes 0 … size-1 exist."""

    size: int
    shape: tuple[int, ...] = ()
    """Lengths of the axes of a product."""


class Dispatched(TaskFact, frozen=True, kw_only=True, tag="dispatched"):
    """Handed to an executor (after the commit)."""

    attempt: int
    token: Token


class Started(TaskFact, frozen=True, kw_only=True, tag="started"):
    attempt: int
    started_us: int
    worker: str = ""


class AttemptEnded(TaskFact, frozen=True, kw_only=True, tag="attempt_ended"):
    """An attempt that did not end the task run (a retry, loss or deferral follows)."""

    attempt: int
    outcome: AttemptOutcome
    error: ErrorInfo | None = None
    spends: str = ""
    """`retry`, `infrastructure`, or "" for nothing."""


class RetryScheduled(TaskFact, frozen=True, kw_only=True, tag="retry_scheduled"):
    due_us: int


class Deferred(TaskFact, frozen=True, kw_only=True, tag="deferred"):
    due_us: int
    handle: Any = None
    worked: bool = True
    """False for a durable sleep, which was never dispatched."""


class Succeeded(TaskFact, frozen=True, kw_only=True, tag="succeeded"):
    result: ValueRef | None
    """None for a map node (its members hold the values)."""
    started_us: int = 0
    finished_us: int = 0
    exports: tuple[bool | int | float | str | None, ...] = ()
    lengths: tuple[int, ...] = ()
    cached_from: str = ""


class Failed(TaskFact, frozen=True, kw_only=True, tag="failed"):
    error: ErrorInfo
    started_us: int = 0
    finished_us: int = 0


class Skipped(TaskFact, frozen=True, kw_only=True, tag="skipped"):
    reason: str
    """`branch` (not taken), `upstream` (skipped), `rule`, or what the body said."""
    started_us: int = 0
    finished_us: int = 0


class UpstreamFailed(TaskFact, frozen=True, kw_only=True, tag="upstream_failed"):
    culprit: str
    """The first failed upstream, in edge order, as `task[index]`."""


class Cancelled(TaskFact, frozen=True, kw_only=True, tag="cancelled"):
    actor: Actor
    reason: str = ""


class TaskCancelRequested(TaskFact, frozen=True, kw_only=True, tag="task_cancel_requested"):
    actor: Actor
    reason: str = ""


class Marked(TaskFact, frozen=True, kw_only=True, tag="marked"):
    """A person declared the outcome; precedes the `Succeeded`, `Failed` or `Skipped` that it causes."""

    state: TaskState
    actor: Actor
    reason: str = ""


class StepDeclared(Fact, frozen=True, kw_only=True, tag="step_declared"):
    """A flow used a step for the first time in this scope: the node that its occurrences are runs of."""

    node: TaskNode
    body: str


class StepAdded(TaskFact, frozen=True, kw_only=True, tag="step_added"):
    """One occurrence of a step exists. `map_index` = the body's map index + occurrence."""

    digest: str
    payload: ValueRef | None = None


class AssetsTold(TaskFact, frozen=True, kw_only=True, tag="assets_told"):
    """An attempt told of data; precedes its end."""

    attempt: int
    events: tuple[AnyAssetEvent, ...]


class Rejected(Fact, frozen=True, kw_only=True, tag="rejected"):
    """An input that was illegal or stale. Nothing changed."""

    input: str
    reason: str
    task: str = ""
    map_index: MapIndex = ()


class Reused(TaskFact, frozen=True, kw_only=True, tag="reused"):
    """Precedes a `Succeeded` that was taken over from `origin_run` by a rerun."""

    origin_run: str


AnyFact: TypeAlias = (
    RunStarted
    | CancelRequested
    | RunSuspended
    | RunResumed
    | OutcomeDecided
    | RunFinished
    | RunLate
    | Readied
    | ScopeOpened
    | Dispatched
    | Started
    | AttemptEnded
    | RetryScheduled
    | Deferred
    | Succeeded
    | Failed
    | Skipped
    | UpstreamFailed
    | Cancelled
    | TaskCancelRequested
    | Marked
    | StepDeclared
    | StepAdded
    | AssetsTold
    | Rejected
    | Reused
)

encode = msgspec.msgpack.Encoder().encode
"""A list of facts as one msgpack blob (a row of the log is what one commit added to a run)."""
decode = msgspec.msgpack.Decoder(list[AnyFact]).decode

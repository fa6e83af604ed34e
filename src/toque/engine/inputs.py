"""Inputs: what reaches the run machine. Reports come from executors, commands from people, timers from the runtime.

Every report carries the fencing token of its dispatch; the time is that of arrival, stamped by the runtime.
Reports are also the wire messages of workers.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from toque.engine.assets import AnyAssetEvent
from toque.engine.states import TaskState
from toque.engine.values import Actor, ErrorInfo, MapIndex, TaskKey, TimerKind, Token, ValueRef
from toque.graph.ir import TaskNode


class Report(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True, kw_only=True):
    """What all reports about an attempt share."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    attempt: int
    token: Token

    @property
    def key(self) -> TaskKey:
        """The task run that this is about."""
        return TaskKey(self.task, self.map_index)


class AttemptStarted(Report, frozen=True, kw_only=True, tag="started"):
    """User code is about to run."""

    started_us: int
    worker: str = ""
    """Name of the worker, for people: `host:pid`."""


class AttemptSucceeded(Report, frozen=True, kw_only=True, tag="succeeded"):
    """The body returned. A report without an earlier `AttemptStarted` implies it."""

    started_us: int
    finished_us: int
    result: ValueRef
    exports: tuple[bool | int | float | str | None, ...] = ()
    """One scalar for each path in `TaskNode.exports`."""
    lengths: tuple[int, ...] = ()
    """One count for each path in `TaskNode.lengths`."""
    cached_from: str = ""
    """Attempt id that made the result, when the cache answered."""
    assets: tuple[AnyAssetEvent, ...] = ()
    """What it told of data, in order."""


class AttemptFailed(Report, frozen=True, kw_only=True, tag="failed"):
    """The body raised, was killed at its timeout, or could not be started."""

    finished_us: int
    error: ErrorInfo
    started_us: int = 0
    timed_out: bool = False
    assets: tuple[AnyAssetEvent, ...] = ()
    """What it told of data before it failed: checks that did not hold."""


class AttemptSkipped(Report, frozen=True, kw_only=True, tag="skipped"):
    """The body raised `Skip`."""

    finished_us: int
    reason: str
    started_us: int = 0


class AttemptDeferred(Report, frozen=True, kw_only=True, tag="deferred"):
    """The body raised `NotYet`: look again after `resume_after_s`. No retry is spent."""

    finished_us: int
    resume_after_s: float
    handle: Any = None
    """JSON, handed to the next look by `context().handle`."""
    started_us: int = 0


class AttemptCancelled(Report, frozen=True, kw_only=True, tag="cancelled"):
    """It ended because it was told to; its process group is gone."""

    finished_us: int
    started_us: int = 0


class AttemptReturned(Report, frozen=True, kw_only=True, tag="returned"):
    """Given back without having been started (withdrawn, or its work item was killed): ready again, nothing spent."""


class AttemptLost(Report, frozen=True, kw_only=True, tag="lost"):
    """Its worker died under it (confirmed), or while it was being started. Spends the infrastructure budget."""

    finished_us: int
    reason: str
    blameless: bool = False
    """The death had another cause (the server's own end, a neighbour's timeout, a flow that only waited): spends
    nothing."""


AnyReport: TypeAlias = (
    AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | AttemptSkipped
    | AttemptDeferred
    | AttemptCancelled
    | AttemptReturned
    | AttemptLost
)


class Input(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What all other inputs share."""

    run_id: str


class Start(Input, frozen=True, kw_only=True, tag="start"):
    """The run was admitted."""


class Admitted(Input, frozen=True, kw_only=True, tag="admitted"):
    """Slots for `count` ready task runs of `task` were granted; each is dispatched with one of `tokens`."""

    task: str
    tokens: tuple[Token, ...]


class TimerFired(Input, frozen=True, kw_only=True, tag="timer"):
    """A timer set by `SetTimer` is due. Firing early, late or twice is harmless."""

    kind: TimerKind
    task: str = ""
    map_index: MapIndex = ()


class Cancel(Input, frozen=True, kw_only=True, tag="cancel"):
    """Cancel the run, or only the task run `task[map_index]`."""

    actor: Actor
    reason: str = ""
    task: str = ""
    map_index: MapIndex = ()


class Mark(Input, frozen=True, kw_only=True, tag="mark"):
    """A person declares an outcome (succeeded, failed or skipped) for a task run that has not ended."""

    task: str
    map_index: MapIndex = ()
    state: TaskState
    actor: Actor
    reason: str = ""


class Suspend(Input, frozen=True, kw_only=True, tag="suspend"):
    """Dispatch nothing more until `Resume`."""

    actor: Actor
    reason: str = ""


class Resume(Input, frozen=True, kw_only=True, tag="resume"):
    """Go on after `Suspend`."""

    actor: Actor


class StepRequested(Input, frozen=True, kw_only=True, tag="step"):
    """A flow body asks for a step. Asked again (replay), the step answers from its record."""

    body: str
    """Task id of the flow body."""
    body_index: MapIndex = ()
    node: TaskNode
    """What to run: id is `<body>/<scope path>/<name>`; args are `Const` and `Param` only or empty with `payload`."""
    occurrence: int
    digest: str
    """Of the inputs: another digest under the same key is `FlowDiverged`."""
    payload: ValueRef | None = None
    """Evaluated arguments `(args, kwargs)`, encoded by the flow host."""
    sleep_until_us: int = 0
    """A durable sleep: no worker, done at that time."""
    probe: int = 0
    """Not 0: asked again only to learn that all asked before was answered; the answer carries the same number."""
    token: Token
    """Of the body's dispatch: a stale host is told so."""


class FlowEvicted(Input, frozen=True, kw_only=True, tag="flow_evicted"):
    """The flow host dropped an idle body from memory; it is replayed when a step of it ends."""

    body: str
    body_index: MapIndex = ()
    token: Token
    seen: int = -1
    """Highest `AnswerStep.order` that the body was given; a later one is on its way. -1: unknown."""


Command: TypeAlias = Start | Admitted | TimerFired | Cancel | Mark | Suspend | Resume | StepRequested | FlowEvicted
AnyInput: TypeAlias = AnyReport | Command

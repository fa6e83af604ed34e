"""Effects: what the run machine asks to be done, after the facts that explain it are committed."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from toque.engine.states import RunState
from toque.engine.values import ErrorInfo, MapIndex, TaskKey, TimerKind, Token, ValueRef


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What all effects share."""


class RequestSlots(Effect, frozen=True, kw_only=True):
    """`count` more task runs of `task` are ready: ask admission. (Before the commit: it is a decision, not an act.)"""

    task: str
    count: int


class WithdrawRequest(Effect, frozen=True, kw_only=True):
    """`count` ready task runs of `task` need no slots any more (cancelled, marked, suspended)."""

    task: str
    count: int


class ReturnGrants(Effect, frozen=True, kw_only=True):
    """More was granted than is ready (a cancel or a suspension came in between): these slots are free again."""

    task: str
    tokens: tuple[Token, ...]


class ReleaseSlots(Effect, frozen=True, kw_only=True):
    """The attempt that held slots has ended."""

    key: TaskKey


class Dispatch(Effect, frozen=True, kw_only=True):
    """Hand the attempt to its executor."""

    key: TaskKey
    attempt: int
    token: Token


class StopAttempt(Effect, frozen=True, kw_only=True):
    """Tell the executor to end it: cooperatively, then SIGTERM, then SIGKILL of the process group."""

    key: TaskKey
    attempt: int
    token: Token


class StopDeferred(Effect, frozen=True, kw_only=True):
    """A deferred task run was cancelled: run its `on_cancel` with the handle, in a worker."""

    key: TaskKey
    handle: Any = None


class SetTimer(Effect, frozen=True, kw_only=True):
    """Deliver `TimerFired` at `due_us`."""

    kind: TimerKind
    due_us: int
    task: str = ""
    map_index: MapIndex = ()


class AnswerStep(Effect, frozen=True, kw_only=True):
    """Tell the flow host how a step ended (`result` on success, else `error`), in recorded order `order`."""

    body: TaskKey
    step: TaskKey
    order: int
    token: Token
    result: ValueRef | None = None
    error: ErrorInfo | None = None
    at_us: int = 0
    """When the step ended, as recorded: the flow's clock stands there once the body is told. The same in a replay."""
    diverged: str = ""
    """Not empty: the request contradicts the record (`FlowDiverged`); says how."""
    probe: int = 0
    """Of the request that this answers; 0 when it is told unasked."""


class Acknowledge(Effect, frozen=True, kw_only=True):
    """Tell the executor that the report is committed (or void) and may be forgotten."""

    key: TaskKey
    attempt: int
    token: Token


class RunEnded(Effect, frozen=True, kw_only=True):
    """The run reached its end."""

    state: RunState


AnyEffect: TypeAlias = (
    RequestSlots
    | WithdrawRequest
    | ReturnGrants
    | ReleaseSlots
    | Dispatch
    | StopAttempt
    | StopDeferred
    | SetTimer
    | AnswerStep
    | Acknowledge
    | RunEnded
)

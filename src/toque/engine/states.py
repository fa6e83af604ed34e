"""The life cycles: one enum each, and the transitions that are legal, as data.

Rule 1: a task run moves only along `TASK_TRANSITIONS` (`HOSTED_TRANSITIONS` if a host runs it); anything else is a
bug (an assertion) or, when it was asked for from outside, a `Rejected` fact. Rule 2: a terminal state is never left,
except by `mark`.
The wire format, the SQL constraints, the TypeScript types and the diagram in the docs derive from this file.
"""

from __future__ import annotations

from enum import StrEnum


class TaskState(StrEnum):
    """Where a task run (or a map or join node's run) stands."""

    WAITING = "waiting"
    """For its upstream."""
    READY = "ready"
    """May start; waits for admission (slots, capacity)."""
    DISPATCHED = "dispatched"
    """Handed to an executor, not yet begun. For a map node: never."""
    RUNNING = "running"
    """User code runs. For a map node: its scope is open."""
    DEFERRED = "deferred"
    """Parked on an external condition, holding no worker."""
    RETRYING = "retrying"
    """Failed, and will be ready again at a stated time."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    UPSTREAM_FAILED = "upstream_failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Nothing more happens to it by itself."""
        return self in TERMINAL


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUSPENDED = "suspended"
    """Nothing new is dispatched until it is resumed."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """The run is over."""
        return self in RUN_TERMINAL


class TickOutcome(StrEnum):
    """What became of a tick of a schedule: recorded once, never changed."""

    STARTED = "started"
    """It has a run. (What the run's own admission said, "skip" included, stands on the run.)"""
    SKIPPED = "skipped"
    COALESCED = "coalesced"
    """A later tick of the same schedule stands for it."""


class BackfillState(StrEnum):
    """Where a backfill stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """All of its runs did."""
    FAILED = "failed"
    """All of its runs have ended, and not all succeeded."""
    CANCELLED = "cancelled"


class SliceState(StrEnum):
    """Where one slice of a backfill of assets stands: one run, of a partition or of a range of them."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """What it is made from could not be made."""
    FRESH = "fresh"
    """It need not be made: only stale ones were asked for."""
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Nothing more happens to it by itself."""
        return self not in (SliceState.WAITING, SliceState.RUNNING)


class AttemptOutcome(StrEnum):
    """How one attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its worker or server died."""


_T = TaskState

TERMINAL = frozenset({_T.SUCCEEDED, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.CANCELLED})
ACTIVE = frozenset({_T.DISPATCHED, _T.RUNNING})
"""An executor holds it."""

TASK_TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    _T.WAITING: frozenset(
        {_T.READY, _T.RUNNING, _T.SUCCEEDED, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.CANCELLED}
    ),
    _T.READY: frozenset({_T.DISPATCHED, _T.DEFERRED, _T.FAILED, _T.CANCELLED}),
    _T.DISPATCHED: frozenset({_T.RUNNING, _T.READY, _T.FAILED, _T.CANCELLED}),
    _T.RUNNING: frozenset({_T.READY, _T.DEFERRED, _T.RETRYING, _T.SUCCEEDED, _T.FAILED, _T.SKIPPED, _T.CANCELLED}),
    _T.DEFERRED: frozenset({_T.READY, _T.SUCCEEDED, _T.FAILED, _T.CANCELLED}),
    _T.RETRYING: frozenset({_T.READY, _T.FAILED, _T.CANCELLED}),
    _T.SUCCEEDED: frozenset(),
    _T.FAILED: frozenset(),
    _T.SKIPPED: frozenset(),
    _T.UPSTREAM_FAILED: frozenset(),
    _T.CANCELLED: frozenset(),
}

HOSTED_TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    **TASK_TRANSITIONS,
    _T.WAITING: frozenset({_T.READY, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.CANCELLED}),
    _T.READY: frozenset({_T.RUNNING, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.CANCELLED}),
    _T.DISPATCHED: frozenset(),
    _T.RUNNING: frozenset({_T.READY, _T.SUCCEEDED, _T.FAILED, _T.SKIPPED, _T.CANCELLED}),
    _T.DEFERRED: frozenset(),
    _T.RETRYING: frozenset(),
}
"""Of a task run that a host runs: it is begun by its host and ends with it, and nobody dispatches or defers it."""

_R = RunState
RUN_TERMINAL = frozenset({_R.SUCCEEDED, _R.FAILED, _R.CANCELLED})
RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    _R.QUEUED: frozenset({_R.RUNNING, _R.CANCELLED, _R.FAILED}),
    _R.RUNNING: frozenset({_R.SUSPENDED, _R.SUCCEEDED, _R.FAILED, _R.CANCELLED}),
    _R.SUSPENDED: frozenset({_R.RUNNING, _R.FAILED, _R.CANCELLED}),
    _R.SUCCEEDED: frozenset(),
    _R.FAILED: frozenset(),
    _R.CANCELLED: frozenset(),
}

"""Task states as small integers: the state of 100,000 instances of a mapped task is 100,000 bytes."""

from __future__ import annotations

from toque.engine.states import HOSTED_TRANSITIONS, TASK_TRANSITIONS, TaskState

STATES: tuple[TaskState, ...] = tuple(TaskState)
CODE: dict[TaskState, int] = {state: code for code, state in enumerate(STATES)}

WAITING = CODE[TaskState.WAITING]
READY = CODE[TaskState.READY]
DISPATCHED = CODE[TaskState.DISPATCHED]
RUNNING = CODE[TaskState.RUNNING]
DEFERRED = CODE[TaskState.DEFERRED]
RETRYING = CODE[TaskState.RETRYING]
SUCCEEDED = CODE[TaskState.SUCCEEDED]
FAILED = CODE[TaskState.FAILED]
SKIPPED = CODE[TaskState.SKIPPED]
UPSTREAM_FAILED = CODE[TaskState.UPSTREAM_FAILED]
CANCELLED = CODE[TaskState.CANCELLED]

FIRST_TERMINAL = SUCCEEDED
"""Every code from here on is terminal (a test holds the enum to that order)."""

LEGAL: tuple[frozenset[int], ...] = tuple(
    frozenset(CODE[after] for after in TASK_TRANSITIONS[before]) for before in STATES
)
"""By code: the codes that may follow."""
LEGAL_IF_HOSTED: tuple[frozenset[int], ...] = tuple(
    frozenset(CODE[after] for after in HOSTED_TRANSITIONS[before]) for before in STATES
)

# What an upstream counts as for the trigger rules. Three counters of 21 bits share one integer.
OK_UNIT = 1
FAILED_UNIT = 1 << 21
SKIPPED_UNIT = 1 << 42
COUNTER_MASK = (1 << 21) - 1

UNIT: tuple[int, ...] = tuple(
    {SUCCEEDED: OK_UNIT, SKIPPED: SKIPPED_UNIT}.get(code, FAILED_UNIT) if code >= FIRST_TERMINAL else 0
    for code in range(len(STATES))
)
"""By code: what is added to the counters of a downstream."""

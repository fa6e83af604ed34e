"""How a step that did not succeed reaches the body of its flow.

A record keeps no exception object (it may not be picklable, and its class may change), so the body gets a
`StepFailed` that is *also* an instance of the recorded exception's class where that class can be found:
`except ValueError:` around a step works as it does around a call, and `error` has what was recorded.
Attributes that the original carried are not there.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

from toque.engine.values import ErrorInfo
from toque.errors import ToqueBug, ToqueError, UserError


class StepFailed(ToqueError):
    """A step of the flow failed for good: its retries are spent, or it was cancelled.

    `step` is its name in the run (`etl/load[0]`), `error` the record: class, type, message, place.
    """

    def __init__(self, step: str, error: ErrorInfo) -> None:
        super().__init__(f"step {step} failed: {error.said}")
        self.step = step
        self.error = error
        self.sample = list(error.sample)
        """Rows that show the problem, if it was a `DataError`."""

    def __str__(self) -> str:
        return f"step {self.step} failed: {self.error.said}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (step_failed, (self.step, self.error))


class StepSkipped(ToqueError):
    """A step of the flow ended by `Skip`, so there is no result to go on with. `step` is its name in the run."""

    def __init__(self, step: str, reason: str = "") -> None:
        super().__init__(f"step {step} was skipped, so it has no result{': ' + reason if reason else ''}")
        self.step = step
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (StepSkipped, (self.step, self.reason))


class FlowDiverged(UserError):
    """The body of a flow did not repeat what it did before, so its record cannot be trusted to fit."""


def diverged(step: str, how: str) -> FlowDiverged:
    """The error for a body that asked for something else than its record has."""
    return FlowDiverged(
        f"the flow did not repeat itself when it was replayed, at step {step}: {how}",
        fix="let the body depend on its arguments and on results of steps only: take the time from toque.now(), "
        "randomness and ids from toque.random() and toque.uuid(), and do everything else in a task. "
        "toque.testing.verify_replay(flow)(…) finds the place. If the code was changed on purpose, start a new run",
    )


def step_failed(step: str, error: ErrorInfo) -> StepFailed:
    """The exception that a body gets for a failed step."""
    original: Any = _loaded(error.type)
    kind = StepFailed if original is None else _failure_of(original)
    try:
        return kind(step, error)
    except Exception:
        # A class with a `__new__` of its own (exception groups, some of C) cannot be made from a record.
        return StepFailed(step, error)


_ONLY_OF_THEIR_OWN = (StepFailed, StepSkipped, ToqueBug, UserError, StopIteration, StopAsyncIteration)
"""Within a step these say nothing about the body around it; the last two cannot be raised through a coroutine."""


@lru_cache(maxsize=512)
def _failure_of(original: Any) -> type[StepFailed]:
    if issubclass(StepFailed, original) or issubclass(original, _ONLY_OF_THEIR_OWN):
        return StepFailed
    try:
        return type(original.__name__, (StepFailed, original), {"__module__": original.__module__, "__doc__": None})
    except TypeError:
        return StepFailed


def _loaded(name: str) -> type[Any] | None:
    """The exception class of that name, if its module is loaded: a body can only catch what it has imported."""
    parts = name.split(".")
    if len(parts) == 1:
        parts = ["builtins", *parts]
    for cut in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        for part in parts[cut:]:
            found = getattr(found, part, None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
    return None

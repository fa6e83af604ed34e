"""What the body of a flow reaches its runtime through: durable calls, sleep, clock, randomness, ids.

`@flow` and `Task.submit` ask `current_flow()`; it is None outside of a flow body, where a task is a plain
function and these functions fall back to the real clock and randomness, so that a body can be unit tested.
"""

from __future__ import annotations

import asyncio
import random as _random
import time
import uuid as _uuid
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from toque.durations import Duration, seconds
from toque.graph.ir import TaskNode


class StepCall(NamedTuple):
    """The arguments of one call of a step."""

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = {}


class StepHandle(Protocol):
    """A step that was asked for: `await` it in an async body, take its `result()` in a sync one."""

    def __await__(self) -> Any: ...

    def result(self) -> Any:
        """The step's result; waits for it in a sync body. Raises what the step failed with (`StepFailed`)."""
        ...

    def done(self) -> bool:
        """The body has been told how the step ended."""
        ...


class FlowContext(Protocol):
    """The runtime of one flow body. All methods are called in the body's own thread or loop."""

    is_async: bool
    """The body is `async`: it awaits steps. A sync body blocks its thread."""

    def call(self, node: TaskNode, args: Sequence[Any], kwargs: Mapping[str, Any]) -> StepHandle:
        """Ask for a step now; its handle is done when the step has ended. Never blocks.

        `node` is a template: its `id` is the step's name within its scope, its `args` and `kwargs` are ignored.
        Calls of one name in one scope are told apart by their order, so bodies must make them in a fixed one.
        """
        ...

    def call_blocking(self, node: TaskNode, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Run a step and return its result. Raises `UserError` in an async body (fix: `await task.submit(…)`)."""
        ...

    def map(self, node: TaskNode, calls: Sequence[StepCall], *, tolerate: float = 0) -> StepHandle:
        """One step for each of `calls`; the handle's result is the list of theirs, in the order of `calls`.

        With `tolerate` (below 1 a share, from 1 on a count) the list holds `Ok | Failure | Skipped` instead.
        Otherwise all are awaited, then the first failure in the order of `calls` is raised.
        """
        ...

    def nested(self, name: str) -> AbstractContextManager[None]:
        """A scope for a flow called within a flow: its steps are named below `<name>.<count>`."""
        ...

    def sleep(self, seconds: float) -> StepHandle:
        """A durable sleep: done that long after it was first asked for, whatever is killed meanwhile."""
        ...

    def now(self) -> datetime:
        """The flow's clock (UTC): when the last step that the body knows of ended. The same in every replay."""
        ...

    def random(self) -> _random.Random:
        """A generator seeded from the run: the same draws in every replay."""
        ...

    def uuid(self) -> _uuid.UUID:
        """The next id derived from the run: the same in every replay."""
        ...


_current: ContextVar[FlowContext | None] = ContextVar("toque_flow", default=None)


def current_flow() -> FlowContext | None:
    """The runtime of the flow body that is running here, or None."""
    return _current.get()


def set_current_flow(flow: FlowContext) -> None:
    """For flow hosts: everything that runs in this context from now on belongs to `flow`."""
    _current.set(flow)


def now() -> datetime:
    """The time, as a flow may use it: recorded, so that a replay sees the same. Outside of a flow, the real one."""
    flow = current_flow()
    return flow.now() if flow is not None else datetime.now(UTC)


def random() -> _random.Random:
    """A random generator that a flow may use: a replay draws the same. Outside of a flow, a real one."""
    flow = current_flow()
    return flow.random() if flow is not None else _random.Random()


def uuid() -> _uuid.UUID:
    """A new id that a flow may use: a replay gets the same. Outside of a flow, a random one."""
    flow = current_flow()
    return flow.uuid() if flow is not None else _uuid.uuid4()


def sleep(duration: Duration) -> Awaitable[None]:
    """Wait in an async body without holding anything: `await sleep("2h")`. Survives restarts; `asyncio.sleep` does the
    same there."""
    flow = current_flow()
    delay_s = _seconds(duration)
    return flow.sleep(delay_s) if flow is not None else asyncio.sleep(delay_s)


def sleep_blocking(duration: Duration) -> None:
    """Wait in a sync body without holding a worker; survives restarts (`time.sleep` does not)."""
    flow = current_flow()
    delay_s = _seconds(duration)
    if flow is None:
        time.sleep(max(delay_s, 0.0))
    else:
        flow.sleep(delay_s).result()


def _seconds(duration: Duration) -> float:
    """A number as it is: what is left until a time that has passed is negative, and no wait at all."""
    return float(duration) if isinstance(duration, int | float) else seconds(duration)

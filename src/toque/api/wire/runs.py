"""Runs."""

from __future__ import annotations

from typing import Any

from toque.api.wire.model import Wire
from toque.engine.states import RunState


class Error(Wire):
    """Why an attempt failed."""

    kind: str
    """`transient`, `data`, `code`, `infrastructure`, `cancelled`."""
    type: str
    message: str
    file: str
    line: int
    traceback: str
    """Of the log of the attempt; "" in lists."""
    cause: str
    """The exception that it was raised from, if the traceback names one."""
    retryable: bool
    sample: list[Any]


class Run(Wire):
    """One execution of a pipeline version."""

    run_id: str
    pipeline: str
    version: str
    state: RunState
    parameters: dict[str, Any]
    """In plain JSON; what JSON has no type for is shown as text."""
    created_us: int
    started_us: int
    finished_us: int
    cancel_requested: bool
    actor: str
    trigger: str
    logical_us: int
    interval_start_us: int
    interval_end_us: int
    origin_run: str
    backfill_id: str
    priority: int
    error: Error | None
    reason: str
    owner: str
    """Name of the process that carries it out; "" is nobody's."""
    tags: dict[str, str]
    fact_seq: int


class NodeStatus(Wire):
    """How far the task runs of one node are."""

    task: str
    counts: dict[str, int]
    """By state."""
    total: int
    started_us: int
    finished_us: int
    size: int
    """Of a map: number of indexes; -1 while unknown or for other nodes."""


class ParameterDifference(Wire):
    """A parameter of two runs."""

    name: str
    a: Any
    b: Any


class TaskDifference(Wire):
    """A task in two runs."""

    task: str
    a_state: str
    """"" where the run has none."""
    b_state: str
    a_us: int
    """How long it took."""
    b_us: int
    output_changed: bool | None
    """None where one of them has no output."""


class Comparison(Wire):
    """Two runs side by side."""

    a: Run
    b: Run
    parameters: list[ParameterDifference]
    """Those that differ."""
    version_changed: bool
    tasks: list[TaskDifference]

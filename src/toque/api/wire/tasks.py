"""Task runs of a run."""

from __future__ import annotations

from typing import Any, Literal

from toque.api.wire.assets import Severity
from toque.api.wire.model import Wire
from toque.api.wire.runs import Error, NodeStatus, Run
from toque.api.wire.values import Preview
from toque.engine.states import AttemptOutcome, TaskState


class Progress(Wire):
    """What a running attempt says of itself."""

    done: float
    total: float | None


class TaskRun(Wire):
    """An instance of a task in a run."""

    task: str
    index: list[int]
    """Map index; empty outside of maps."""
    state: TaskState
    attempt: int
    retries: int
    ready_us: int
    dispatched_us: int
    started_us: int
    finished_us: int
    due_us: int
    worker: str
    error: Error | None
    reason: str
    result_kind: str
    """Codec of the output: `json`, `arrow`, `parquet`, `pickle`, `chunks`; "" for none."""
    progress: Progress | None
    size: int


class RunDetail(Run):
    """A run on its page."""

    nodes: list[NodeStatus]
    first_failures: list[TaskRun]
    """At most 5."""
    late: bool
    """It has not ended, and takes longer than its deadline or than nearly all runs before it."""


class TimelineBar(Wire):
    """A task run on the time axis; many indexes of a map are folded into one bar."""

    task: str
    index: list[int]
    state: TaskState
    ready_us: int
    started_us: int
    finished_us: int
    critical: bool
    count: int
    """Folded indexes; 1 for one task run."""


class Timeline(Wire):
    """Where the time went."""

    bars: list[TimelineBar]
    critical_path: list[str]
    fact_seq: int
    """Of the run, when this was asked for: the bars know of every fact up to it."""


class Attempt(Wire):
    """One try of a task run."""

    attempt: int
    outcome: AttemptOutcome | Literal["running"]
    dispatched_us: int
    started_us: int
    finished_us: int
    worker: str
    error: Error | None


class Blocker(Wire):
    """What a task run waits for."""

    kind: Literal["upstream", "pool", "run", "timer", "capacity"]
    name: str
    text: str


class Waiting(Wire):
    """Why it has not started."""

    words: str
    blockers: list[Blocker]


class TaskInput(Wire):
    """An argument, and where it came from."""

    name: str
    source: str
    """`task`, `task[3]`, `parameter NAME`, `constant`, …"""
    preview: Preview


class MetricSeries(Wire):
    """A number that user code reported over time."""

    name: str
    points: list[tuple[int, float]]
    """(at_us, value)"""


class TaskArtifact(Wire):
    """Something to look at that the attempt left."""

    name: str
    kind: Literal["table", "markdown", "json", "image", "plot", "text"]
    preview: Preview


class TaskCode(Wire):
    """The code that ran."""

    file: str
    line: int
    text: str


class FoundWrong(Wire):
    """A check of data that did not hold when the task run made it; what is unlike its past is one."""

    asset: str
    partition: str
    check: str
    severity: Severity
    message: str


class TaskRunDetail(TaskRun):
    """A task run in its panel."""

    attempts: list[Attempt]
    waiting: Waiting | None
    inputs: list[TaskInput]
    output: Preview | None
    metrics: list[MetricSeries]
    artifacts: list[TaskArtifact]
    parameters: dict[str, Any]
    idempotency_key: str
    code: TaskCode | None
    found_wrong: list[FoundWrong]
    """By its last attempt."""


class LogLine(Wire):
    """A line of the log of an attempt."""

    n: int
    at_us: int
    level: str
    stream: Literal["log", "stdout", "stderr", "toque"]
    text: str
    logger: str
    fields: dict[str, Any]


class LogPage(Wire):
    """Lines of the log of an attempt, oldest first."""

    lines: list[LogLine]
    next: int
    """Hand it back as `after`."""
    ended: bool
    """Nothing more will come, and all of it was read."""

"""Answers with ten thousand rows: from the store to JSON without a model of each row in between, which took 60 ms.

The models in `wire` say what is answered, here as elsewhere; a test holds the fields of both against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from fastapi import Response
from pydantic import BaseModel

from toque.api.wire.graphs import NodeKind
from toque.api.wire.runs import Error
from toque.api.wire.tasks import Progress
from toque.engine.rows import TaskRow as StoredTask
from toque.engine.states import TERMINAL, TaskState
from toque.engine.values import MapIndex
from toque.ports.pages import NodeCounts


class NodeRow(msgspec.Struct, frozen=True, gc=False):
    """See `NodeStatus`."""

    task: str
    counts: dict[TaskState, int]
    total: int
    started_us: int
    finished_us: int
    size: int


class BarRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """See `TimelineBar`."""

    task: str
    index: MapIndex
    state: TaskState
    ready_us: int
    started_us: int
    finished_us: int
    critical: bool
    count: int


class TimelineRows(msgspec.Struct, frozen=True):
    """See `Timeline`."""

    bars: list[BarRow]
    critical_path: list[str]
    fact_seq: int


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """See `TaskRun`."""

    task: str
    index: MapIndex
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
    progress: Progress | None
    size: int


class TaskRows(msgspec.Struct, frozen=True):
    """See `Page[TaskRun]`."""

    items: list[TaskRow]
    next: str | None


class LogRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """See `LogLine`."""

    n: int
    at_us: int
    level: str
    stream: Literal["log", "stdout", "stderr", "toque"]
    text: str
    logger: str
    fields: dict[str, Any]


class LogRows(msgspec.Struct, frozen=True, kw_only=True):
    """See `LogPage`."""

    lines: list[LogRow]
    next: int
    ended: bool


class GridRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """See `GridTask`."""

    id: str
    label: str
    group: str
    kind: NodeKind
    depth: int


def node_row(node: NodeCounts, size: int = -1) -> NodeRow:
    """How far the task runs of a node are. `size`: of a map, once it is known. Task runs that still wait have no row:
    the total leaves them out."""
    counts = node.counts
    if not all(counts.values()):
        counts = {state: number for state, number in counts.items() if number}
    return NodeRow(node.task, counts, sum(counts.values()), node.started_us, node.finished_us, size)


def task_row(row: StoredTask, error: Error | None, progress: Progress | None) -> TaskRow:
    """A task run; `progress` is what its attempt last said of itself."""
    return TaskRow(
        task=row.task,
        index=row.map_index,
        state=row.state,
        attempt=row.attempt,
        retries=row.retries,
        ready_us=row.ready_us,
        dispatched_us=row.dispatched_us,
        started_us=row.started_us,
        finished_us=row.finished_us,
        due_us=row.due_us,
        worker=row.worker,
        error=error,
        reason=row.reason,
        result_kind=row.result.codec if row.result is not None else "",
        progress=None if row.state in TERMINAL else progress,
        size=row.size,
    )


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


encoded = msgspec.json.Encoder(enc_hook=_plain).encode
"""Rows as JSON; the models that some of them hold are few."""


def sent(body: bytes) -> Response:
    """The same as if the framework had written it."""
    return Response(body, media_type="application/json")


def answer(rows: msgspec.Struct) -> Response:
    """These rows and nothing else."""
    return sent(encoded(rows))


def encoded_with(head: BaseModel, **rows: Sequence[msgspec.Struct | msgspec.Raw] | msgspec.Raw) -> bytes:
    """A model whose lists of these names are empty, with these rows in them."""
    data: dict[str, Any] = head.model_dump(mode="json", by_alias=True)
    return encoded(data | rows)

"""One task run in full: its attempts, values, code, and why it waits."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, TypeAlias

from toque.api import rows
from toque.api.code_of import code_of
from toque.api.inputs import input_preview, named_inputs
from toque.api.lookups import find_task_run, version_graph
from toque.api.plain import plain_parameters
from toque.api.services import Part, RecordedMetric, Services
from toque.api.waiting import why_waiting
from toque.api.wire.tasks import (
    Attempt,
    FoundWrong,
    MetricSeries,
    TaskArtifact,
    TaskInput,
    TaskRunDetail,
)
from toque.api.wire.values import Preview
from toque.engine.assets import Checked
from toque.engine.rows import AttemptRow, RunRow, TaskRow
from toque.engine.sourcing import idempotency_key_of
from toque.engine.states import AttemptOutcome, TaskState
from toque.engine.values import TaskKey
from toque.errors import NotFound
from toque.graph.ir import Pipeline, TaskNode

FIRST = Part(limit=20)
"""What the panel shows of each value; more is asked for."""
ArtifactKind: TypeAlias = Literal["table", "markdown", "json", "image", "plot", "text"]
ARTIFACT_KINDS: dict[str, ArtifactKind] = {
    "table": "table",
    "markdown": "markdown",
    "json": "json",
    "image": "image",
    "plot": "plot",
}
OUTCOMES = {
    TaskState.SUCCEEDED: AttemptOutcome.SUCCEEDED,
    TaskState.FAILED: AttemptOutcome.FAILED,
    TaskState.SKIPPED: AttemptOutcome.SKIPPED,
    TaskState.CANCELLED: AttemptOutcome.CANCELLED,
}


async def task_detail(asked: Services, run: RunRow, key: TaskKey) -> TaskRunDetail:
    """Raises `NotFound` for a task that the run does not have."""
    pipeline = await version_graph(asked, run.version)
    node = next((each for each in pipeline.nodes if each.id == key.task), None)
    stored = await find_task_run(asked, run.run_id, key)
    if stored is None and (node is None or (key.map_index and not node.scope)):
        raise NotFound(f"run {run.run_id} has no task run {key}", fix="GET /api/v1/runs/{run_id}/tasks lists them")
    row = stored or TaskRow(run_id=run.run_id, task=key.task, map_index=key.map_index, state=TaskState.WAITING)
    earlier = await asked.store.list_attempts(run.run_id, key.task, key.map_index)
    metrics, artifacts = await asyncio.to_thread(asked.values.recorded, run.run_id, key)
    task = node if isinstance(node, TaskNode) else None
    return TaskRunDetail(
        **dict(await _with_traceback(asked, run, key, row)),
        attempts=[*await _attempts(asked, run, key, earlier), *await _last(asked, run, key, row, earlier)],
        waiting=await why_waiting(asked, run, pipeline, row),
        inputs=await _inputs(asked, run, pipeline, task, key),
        output=await asyncio.to_thread(asked.values.preview, row.result, FIRST) if row.result is not None else None,
        metrics=_series(metrics),
        artifacts=[
            TaskArtifact(
                name=each.name,
                kind=ARTIFACT_KINDS.get(each.kind, "text"),
                preview=await asyncio.to_thread(asked.values.artifact, each, FIRST),
            )
            for each in artifacts
        ],
        parameters=plain_parameters(run.parameters),
        idempotency_key=idempotency_key_of(run.run_id, key),
        code=await code_of(asked, run.version, task) if task is not None else None,
        found_wrong=await _found_wrong(asked, run.run_id, key) if task is not None else [],
    )


async def _found_wrong(asked: Services, run_id: str, key: TaskKey) -> list[FoundWrong]:
    told = await asked.store.assets.told_in(run_id, key.task, key.map_index)
    last = max((row.attempt for row in told), default=0)
    return [
        FoundWrong(
            asset=row.asset,
            partition=row.partition,
            check=row.event.check,
            severity=row.event.severity,
            message=row.event.message,
        )
        for row in told
        if row.attempt == last and isinstance(row.event, Checked) and not row.event.passed
    ]


async def find_value(asked: Services, run: RunRow, key: TaskKey, which: str, part: Part) -> Preview:
    """A page of one value. Raises `NotFound`."""
    what, _, name = which.partition(":")
    if what == "output":
        row = await find_task_run(asked, run.run_id, key)
        if row is None or row.result is None:
            raise NotFound(f"{key} of run {run.run_id} has no output", fix="only what succeeded has one")
        return await asyncio.to_thread(asked.values.preview, row.result, part)
    if what == "artifact":
        _, artifacts = await asyncio.to_thread(asked.values.recorded, run.run_id, key)
        found = [each for each in artifacts if each.name == name]
        if not found:
            raise NotFound(f"{key} of run {run.run_id} left no artifact {name!r}")
        return await asyncio.to_thread(asked.values.artifact, found[-1], part)
    pipeline = await version_graph(asked, run.version)
    for node in pipeline.nodes:
        if node.id == key.task and isinstance(node, TaskNode):
            for named, expr in named_inputs(node):
                if named == name:
                    return (await input_preview(asked, run, pipeline, expr, key, part))[1]
    raise NotFound(f"{key} of run {run.run_id} has no input {name!r}")


async def _inputs(
    asked: Services, run: RunRow, pipeline: Pipeline, node: TaskNode | None, key: TaskKey
) -> list[TaskInput]:
    found = []
    for name, expr in named_inputs(node) if node is not None else ():
        source, preview = await input_preview(asked, run, pipeline, expr, key, FIRST)
        found.append(TaskInput(name=name, source=source, preview=preview))
    return found


async def _with_traceback(asked: Services, run: RunRow, key: TaskKey, row: TaskRow) -> Any:
    shown = rows.task_run(row, asked.progress(run.run_id, key))
    if row.error is None:
        return shown
    return shown.model_copy(update={"error": await _error(asked, run, key, row)})


async def _error(asked: Services, run: RunRow, key: TaskKey, row: TaskRow | AttemptRow) -> Any:
    text = await asyncio.to_thread(asked.code.traceback, run.run_id, key, row.attempt)
    return rows.error(row.error, traceback=text, cause=_cause(text))


def _cause(traceback: str) -> str:
    """The last line of the exception that the last one was raised from."""
    for marker in ("\nThe above exception was the direct cause", "\nDuring handling of the above exception"):
        before, found, _ = traceback.rpartition(marker)
        if found:
            return before.rstrip().rpartition("\n")[2].strip()
    return ""


async def _attempts(asked: Services, run: RunRow, key: TaskKey, earlier: list[AttemptRow]) -> list[Attempt]:
    return [rows.attempt(each).model_copy(update={"error": await _error(asked, run, key, each)}) for each in earlier]


async def _last(asked: Services, run: RunRow, key: TaskKey, row: TaskRow, earlier: list[AttemptRow]) -> list[Attempt]:
    """The current or last attempt lives in the row of the task run."""
    if not row.attempt or any(each.attempt == row.attempt for each in earlier) or not row.dispatched_us:
        return []
    return [
        Attempt(
            attempt=row.attempt,
            outcome=OUTCOMES.get(row.state, "running"),
            dispatched_us=row.dispatched_us,
            started_us=row.started_us,
            finished_us=row.finished_us,
            worker=row.worker,
            error=await _error(asked, run, key, row),
        )
    ]


def _series(metrics: list[RecordedMetric]) -> list[MetricSeries]:
    found: dict[str, list[tuple[int, float]]] = {}
    for each in metrics:
        found.setdefault(each.name, []).append((each.at_us, each.value))
    return [MetricSeries(name=name, points=points) for name, points in found.items()]

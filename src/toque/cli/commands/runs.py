"""`toque runs`: the history, or one run in detail."""

from __future__ import annotations

import time
from typing import Any

import click

from toque.cli.options import json_option, project_options
from toque.cli.output import Output, state, table
from toque.cli.stores import find_run, in_store
from toque.cli.times import between, moment, span
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import TaskKey
from toque.ports.store import RunFilter, Store, TaskFilter
from toque.settings import Settings

SHOWN_FAILURES = 20


@click.command()
@click.argument("run", required=False)
@click.option("--pipeline", default="", help="Only runs of this pipeline.")
@click.option("--state", "states", multiple=True, type=click.Choice([str(each) for each in RunState]))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@project_options
@json_option
def runs(
    run: str | None, pipeline: str, states: tuple[str, ...], limit: int, settings: Settings, output: Output
) -> None:
    """List runs, newest first; or show RUN (an id, an end of one, or `latest`)."""
    if run:
        in_store(settings, lambda store: _show(store, run, output))
        return
    where = RunFilter(pipeline=pipeline, states=tuple(RunState(each) for each in states), limit=limit)
    rows = in_store(settings, lambda store: store.list_runs(where))
    output.result(
        [summary(row) for row in rows],
        lambda: (
            table(
                ["RUN", "PIPELINE", "STATE", "STARTED", "TOOK", "BY"],
                [
                    (
                        row.run_id,
                        row.pipeline,
                        str(row.state),
                        moment(row.started_us or row.created_us),
                        between(row.started_us, row.finished_us or time.time_ns() // 1000),
                        row.trigger,
                    )
                    for row in rows
                ],
            )
            if rows
            else "no runs"
        ),
    )


def summary(row: RunRow) -> dict[str, Any]:
    """A run as the JSON of all commands shows it."""
    return {
        "run_id": row.run_id,
        "pipeline": row.pipeline,
        "version": row.version,
        "state": str(row.state),
        "trigger": row.trigger,
        "actor": row.actor,
        "parameters": row.parameters,
        "created_us": row.created_us,
        "started_us": row.started_us,
        "finished_us": row.finished_us,
        "origin_run": row.origin_run,
        "cancel_requested": row.cancel_requested,
        "owned": bool(row.owner),
        "error": row.error,
        "reason": row.reason,
    }


async def _show(store: Store, name: str, output: Output) -> None:
    row = await find_run(store, name)
    counts = await store.count_tasks(row.run_id)
    unhappy = (TaskState.FAILED, TaskState.RETRYING, TaskState.CANCELLED)
    failures = await store.list_tasks(TaskFilter(run_id=row.run_id, states=unhappy, limit=SHOWN_FAILURES))
    data = {
        **summary(row),
        "tasks": {task: {str(each): count for each, count in states.items()} for task, states in counts.items()},
        "failures": [
            {"task": task.task, "map_index": task.map_index, "state": str(task.state), "error": task.error}
            for task in failures
        ],
    }
    output.result(data, lambda: _described(row, counts, failures))


def _described(row: RunRow, counts: dict[str, dict[TaskState, int]], failures: list[TaskRow]) -> str:
    lines = [f"{row.pipeline}  {click.style(row.run_id, bold=True)}  {state(str(row.state))}"]
    lines.append(f"  version   {row.version}")
    lines.append(f"  started   {moment(row.started_us) or 'not yet'}  by {row.trigger} {row.actor}".rstrip())
    if row.finished_us and row.started_us:
        lines.append(f"  took      {span(row.finished_us - row.started_us)}")
    if row.origin_run:
        lines.append(f"  again     of {row.origin_run}")
    for name, value in row.parameters.items():
        lines.append(f"  {name} = {value!r}")
    if row.reason:
        lines.append(f"  reason    {row.reason}")
    if row.error:
        lines.append(f"  error     {row.error.type}: {row.error.message}")
    rows = [
        (task, ", ".join(f"{count} {each}" if count > 1 else str(each) for each, count in states.items()))
        for task, states in counts.items()
        if not task.endswith("[]")
    ]
    if rows:
        lines += ["", table(["TASK", "STATE"], rows)]
    for task in failures:
        if task.error:
            lines += ["", f"{TaskKey(task.task, task.map_index)}  {task.error.type}: {task.error.message}"]
            if task.error.file:
                lines.append(f"  {task.error.file}:{task.error.line}")
    return "\n".join(lines)

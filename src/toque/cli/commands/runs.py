"""`toque runs`: the history, or one run in detail."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from toque.cli.data_told import DataTold
from toque.cli.options import json_option, project_options, split_task_run
from toque.cli.output import Output, plain, state, table
from toque.cli.stores import find_run, in_store
from toque.cli.task_run import as_json, described, find_task_run, signal_lines, signals_as_json
from toque.cli.times import between, moment, span
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import TaskKey
from toque.local.recording import recorded
from toque.ports.store import RunFilter, Store, TaskFilter
from toque.settings import Settings

SHOWN_FAILURES = 20
TOLD_TASKS = 100
"""Tasks that are asked what they told of data: one question to the store each."""


@click.command()
@click.argument("run", required=False)
@click.argument("task_run", required=False)
@click.option("--pipeline", default="", help="Only runs of this pipeline.")
@click.option("--state", "states", multiple=True, type=click.Choice([str(each) for each in RunState]))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@project_options
@json_option
def runs(
    run: str | None,
    task_run: str | None,
    pipeline: str,
    states: tuple[str, ...],
    limit: int,
    settings: Settings,
    output: Output,
) -> None:
    """List runs, newest first; or show RUN (an id, an end of one, or `latest`), with what its tasks reported; or one
    TASK_RUN of it (`task`, `task[3]`) with its attempts."""
    if run:
        logs = settings.home / "logs"
        if task_run:
            in_store(settings, lambda store: _show_task_run(store, run, task_run, logs, output))
        else:
            in_store(settings, lambda store: _show(store, run, logs, output))
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
                        row.title,
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


async def _show_task_run(store: Store, name: str, task_run: str, logs: Path, output: Output) -> None:
    run_id = (await find_run(store, name)).run_id
    task, map_index = split_task_run(task_run)
    row, attempts = await find_task_run(store, run_id, task, map_index)
    signals = [each for each in recorded(logs, run_id) if (each.task, each.map_index) == (task, map_index)]
    told = DataTold(each.event for each in await store.assets.told_in(run_id, task, map_index))
    output.result(as_json(row, attempts, signals, told), lambda: described(row, attempts, signals, told))


async def _show(store: Store, name: str, logs: Path, output: Output) -> None:
    row = await find_run(store, name)
    counts = await store.count_tasks(row.run_id)
    unhappy = (TaskState.FAILED, TaskState.RETRYING, TaskState.CANCELLED)
    failures = await store.list_tasks(TaskFilter(run_id=row.run_id, states=unhappy, limit=SHOWN_FAILURES))
    signals = recorded(logs, row.run_id)
    told = await _told(store, row.run_id, counts)
    data = {
        **summary(row),
        "tasks": {task: {str(each): count for each, count in states.items()} for task, states in counts.items()},
        "failures": [
            {"task": task.task, "map_index": task.map_index, "state": str(task.state), "error": task.error}
            for task in failures
        ],
        "data": {task: each.as_json() for task, each in told.items()},
        **signals_as_json(signals),
    }
    output.result(data, lambda: "\n".join([*_described(row, counts, failures, told), *signal_lines(signals)]))


async def _told(store: Store, run_id: str, counts: dict[str, dict[TaskState, int]]) -> dict[str, DataTold]:
    """What task runs that are not mapped told of data."""
    alone = [task for task, states in counts.items() if sum(states.values()) == 1][:TOLD_TASKS]
    found = {task: DataTold(each.event for each in await store.assets.told_in(run_id, task, ())) for task in alone}
    return {task: told for task, told in found.items() if told.as_json()}


def _described(
    row: RunRow, counts: dict[str, dict[TaskState, int]], failures: list[TaskRow], told: dict[str, DataTold]
) -> list[str]:
    lines = [f"{row.title}  {click.style(row.run_id, bold=True)}  {state(str(row.state))}"]
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
        lines.append(f"  error     {row.error.said}")
    rows = [
        (
            task,
            ", ".join(f"{count} {plain(each)}" if count > 1 else plain(each) for each, count in states.items()),
            str(told.get(task, "")),
        )
        for task, states in counts.items()
        if not task.endswith("[]")
    ]
    if rows:
        lines += [
            "",
            table(
                ["TASK", "STATE", "DATA"] if told else ["TASK", "STATE"], [each if told else each[:2] for each in rows]
            ),
        ]
    for task in failures:
        if task.error:
            lines += ["", f"{TaskKey(task.task.removesuffix('[]'), task.map_index)}  {task.error.said}"]
            if task.error.file:
                lines.append(f"  {task.error.file}:{task.error.line}")
    return lines

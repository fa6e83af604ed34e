"""One task run in detail: its attempts, and what they reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from toque.cli.data_told import DataTold
from toque.cli.output import state, table
from toque.cli.times import between, moment
from toque.engine.rows import AttemptRow, TaskRow
from toque.engine.values import ErrorInfo, TaskKey
from toque.errors import NotFound
from toque.local.recording import Recorded
from toque.ports.store import Store, TaskFilter

SHOWN_SIGNALS = 30


async def find_task_run(
    store: Store, run_id: str, task: str, map_index: tuple[int, ...]
) -> tuple[TaskRow, list[AttemptRow]]:
    """The task run and its earlier attempts. Raises `NotFound`."""
    rows = await store.list_tasks(TaskFilter(run_id=run_id, task=task, limit=1, after=_before(task, map_index)))
    if not rows or rows[0].map_index != map_index:
        raise NotFound(f"run {run_id} has no task run {TaskKey(task, map_index)}", fix=f"toque runs {run_id}")
    return rows[0], await store.list_attempts(run_id, task, map_index)


def _before(task: str, map_index: tuple[int, ...]) -> tuple[str, tuple[int, ...]] | None:
    """What a listing continues after, so that it begins with this index."""
    if not map_index:
        return None
    *outer, last = map_index
    return task, (*outer, last - 1) if last else tuple(outer)


def as_json(
    row: TaskRow, attempts: Sequence[AttemptRow], signals: Sequence[Recorded], told: DataTold
) -> dict[str, Any]:
    """The task run as JSON."""
    return {
        "run_id": row.run_id,
        "task": row.task,
        "map_index": row.map_index,
        "state": str(row.state),
        "attempts": _attempts(row, attempts),
        "reason": row.reason,
        "cached_from": row.cached_from,
        "reused_from": row.reused_from,
        "deferrals": row.deferrals,
        "data": told.as_json(),
        **signals_as_json(signals),
    }


def _attempts(row: TaskRow, earlier: Sequence[AttemptRow]) -> list[dict[str, Any]]:
    made = [_attempt(each, str(each.outcome)) for each in earlier]
    if row.attempt and all(each.attempt != row.attempt for each in earlier):
        made.append(_attempt(row, str(row.state)))
    return made


def _attempt(row: TaskRow | AttemptRow, outcome: str) -> dict[str, Any]:
    return {
        "attempt": row.attempt,
        "outcome": outcome,
        "started_us": row.started_us,
        "finished_us": row.finished_us,
        "worker": row.worker,
        "error": row.error,
    }


def described(row: TaskRow, attempts: Sequence[AttemptRow], signals: Sequence[Recorded], told: DataTold) -> str:
    """The task run for people."""
    lines = [f"{click.style(str(TaskKey(row.task, row.map_index)), bold=True)}  {state(str(row.state))}"]
    for name in ("reason", "cached_from", "reused_from"):
        if getattr(row, name):
            lines.append(f"  {name.replace('_', ' '):<12} {getattr(row, name)}")
    if said := str(told):
        lines.append(f"  {'told':<12} {said}")
    rows = [
        (
            each["attempt"],
            each["outcome"],
            moment(each["started_us"]),
            between(each["started_us"], each["finished_us"]),
            each["worker"],
            _short(each["error"]),
        )
        for each in _attempts(row, attempts)
    ]
    if rows:
        lines += ["", table(["ATTEMPT", "OUTCOME", "STARTED", "TOOK", "WORKER", "ERROR"], rows)]
    return "\n".join([*lines, *signal_lines(signals)])


def signals_as_json(signals: Sequence[Recorded]) -> dict[str, Any]:
    """Metrics and artifacts as JSON."""
    return {
        "metrics": [_signal(each, "value") for each in signals if each.signal == "metric"],
        "artifacts": [
            _signal(each, "kind", "value", "blob", "size_bytes") for each in signals if each.signal != "metric"
        ],
    }


def _signal(recorded: Recorded, *fields: str) -> dict[str, Any]:
    common = ("task", "map_index", "attempt", "name", "t")
    return {field: getattr(recorded, field) for field in (*common, *fields)}


def signal_lines(signals: Sequence[Recorded]) -> list[str]:
    """Metrics (the latest of each name and task run) and artifacts, for people."""
    metrics = {(each.task, each.map_index, each.name): each for each in signals if each.signal == "metric"}
    artifacts = [each for each in signals if each.signal == "artifact"]
    lines = []
    if metrics:
        rows = [(each.name, TaskKey(each.task, each.map_index), f"{each.value:g}") for each in metrics.values()]
        lines += ["", table(["METRIC", "OF", "VALUE"], rows[:SHOWN_SIGNALS]), *_more(len(rows))]
    if artifacts:
        rows = [
            (each.name, TaskKey(each.task, each.map_index), f"{each.kind}, {each.size_bytes:,} bytes")
            for each in artifacts
        ]
        lines += ["", table(["ARTIFACT", "OF", "WHAT"], rows[:SHOWN_SIGNALS]), *_more(len(rows))]
    return lines


def _more(count: int) -> list[str]:
    return [f"… and {count - SHOWN_SIGNALS} more"] if count > SHOWN_SIGNALS else []


def _short(error: ErrorInfo | None) -> str:
    if error is None:
        return ""
    text = error.said.partition("\n")[0]
    return text if len(text) <= 100 else text[:97] + "..."

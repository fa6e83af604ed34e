"""Rows as the wire has them: one place, so that what the stream patches is what the routes answer."""

from __future__ import annotations

from typing import Literal

import msgspec

from toque.api import bulk
from toque.api.plain import plain
from toque.api.wire.pipelines import RunBar
from toque.api.wire.runs import Error, Run
from toque.api.wire.tasks import Attempt, Progress, TaskRun
from toque.engine.rows import AttemptRow, RunRow, TaskRow
from toque.engine.values import ErrorInfo
from toque.ports.pages import RunBar as SeenBar


def run(row: RunRow) -> Run:
    """A run."""
    return Run(
        run_id=row.run_id,
        pipeline=row.pipeline,
        version=row.version,
        state=row.state,
        parameters={name: plain(value) for name, value in row.parameters.items()},
        created_us=row.created_us,
        started_us=row.started_us,
        finished_us=row.finished_us,
        cancel_requested=row.cancel_requested,
        actor=row.actor,
        trigger=row.trigger,
        logical_us=row.logical_us,
        interval_start_us=row.interval_start_us,
        interval_end_us=row.interval_end_us,
        origin_run=row.origin_run,
        backfill_id=row.backfill_id,
        priority=row.priority,
        error=error(row.error),
        reason=row.reason,
        owner=row.owner,
        tags=row.tags,
        fact_seq=row.fact_seq,
    )


def run_bar(bar: SeenBar) -> RunBar:
    """A run in a strip."""
    return RunBar(
        run_id=bar.run_id,
        state=bar.state,
        created_us=bar.created_us,
        started_us=bar.started_us,
        finished_us=bar.finished_us,
    )


def error(info: ErrorInfo | None, *, traceback: str = "", cause: str = "") -> Error | None:
    """Why an attempt failed; lists go without the traceback."""
    if info is None:
        return None
    return Error(
        kind=info.kind,
        type=info.type,
        message=info.message,
        file=info.file,
        line=info.line,
        traceback=traceback,
        cause=cause,
        retryable=info.retryable,
        sample=[plain(row) for row in info.sample],
    )


def task_run(row: TaskRow, progress: Progress | None = None) -> TaskRun:
    """A task run; `progress` is what its attempt last said of itself."""
    return TaskRun(**msgspec.structs.asdict(task_row(row, progress)))


def task_row(row: TaskRow, progress: Progress | None = None) -> bulk.TaskRow:
    """The same for answers with many."""
    return bulk.task_row(row, error(row.error), progress)


def attempt(row: AttemptRow) -> Attempt:
    """A try that was followed by another one."""
    return Attempt(
        attempt=row.attempt,
        outcome=row.outcome,
        dispatched_us=row.dispatched_us,
        started_us=row.started_us,
        finished_us=row.finished_us,
        worker=row.worker,
        error=error(row.error),
    )


def log_line(number: int, raw: bytes) -> bulk.LogRow | None:
    """A line of a log file; None for one that a kill cut in two."""
    try:
        line = _decode_line(raw)
    except msgspec.MsgspecError:
        return None
    return bulk.LogRow(
        n=number,
        at_us=line.t,
        level=line.level,
        stream=_stream(line),
        text=line.msg,
        logger=line.logger,
        fields={},
    )


class _Line(msgspec.Struct, frozen=True):
    """As `toque.worker.log` writes it."""

    t: int
    level: str = "info"
    stream: str = "log"
    msg: str = ""
    logger: str = ""


_decode_line = msgspec.json.Decoder(_Line).decode


def _stream(line: _Line) -> Literal["log", "stdout", "stderr", "toque"]:
    match line.stream:
        case "stdout" | "stderr":
            return line.stream
        case "log":
            return "toque" if line.logger == "toque" else "log"
        case _:
            return "toque"

"""Evidence: what a message says beside its title, read from the store and the logs when the message is made."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from toque import durations
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import TaskKey
from toque.ports.notifier import Message
from toque.ports.store import RunFilter, Store, TaskFilter
from toque.runtime.alerts import HOUR_US, MOST_IN_AN_HOUR, Event, Verdict, happened
from toque.runtime.outgoing import Alerting
from toque.worker.log import log_path

FAILED_TASKS = 100
"""So many are looked at to find the first."""
LOG_LINES = 10
LINE_CHARACTERS = 300
ERROR_CHARACTERS = 1500
TAIL_BYTES = 64 * 1024
SUMMED_UP = 1000
ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


class _Line(msgspec.Struct):
    """What is read of a line of a log; see `toque.worker.log`."""

    msg: str = ""


class Evidence:
    """Makes messages."""

    def __init__(self, store: Store, alerting: Alerting, logs: str) -> None:
        self._store = store
        self._alerting = alerting
        self._logs = logs

    async def message(self, event: Event, verdict: Verdict) -> Message:
        """What happened to a run."""
        stored = await self._store.load_run(event.run_id)
        failed = await self._first_failed(event.run_id) if verdict.told != "recovery" else None
        row = stored.run if stored is not None else None
        error = failed.error if failed is not None else row.error if row is not None else None
        mask = self._alerting.mask
        return Message(
            kind=verdict.told or "failure",
            dedup=f"{verdict.told}/{event.run_id}",
            title=mask(_title(event, verdict, row)),
            at_us=event.at_us,
            pipeline=event.pipeline,
            run_id=event.run_id,
            owner=event.owner,
            trigger=row.trigger if row is not None else "",
            duration_us=max(0, event.at_us - row.started_us) if row is not None and row.started_us else 0,
            task=str(TaskKey(failed.task, failed.map_index)) if failed is not None else "",
            error_type=error.type if error is not None else "",
            error=mask(error.message)[:ERROR_CHARACTERS] if error is not None else "",
            sample=tuple(mask(_row(each)) for each in error.sample) if error is not None else (),
            log=tuple(map(mask, await asyncio.to_thread(self._tail, failed))) if failed is not None else (),
            note=_HELD if verdict.is_last else "",
            link=self._link(f"/runs/{event.run_id}"),
        )

    async def summary(self, pipeline: str, hour: int, owner: str, to: str) -> Message:
        """What a pipeline did in an hour in which it had more to say than is told one by one."""
        since_us, until_us = hour * HOUR_US, (hour + 1) * HOUR_US
        runs = await self._store.list_runs(RunFilter(pipeline=pipeline, states=ENDED, limit=SUMMED_UP))
        ended = sorted((row for row in runs if happened(row) and row.finished_us < until_us), key=_finished)
        within = [row for row in ended if row.finished_us >= since_us]
        failed = sum(happened(row) == "failure" for row in within)
        stands = "fails" if ended and happened(ended[-1]) == "failure" else "is well again"
        return Message(
            kind="summary",
            dedup=f"summary/{pipeline}/{hour}/{to}",
            title=f"{pipeline} {stands}: {failed} runs failed and {len(within) - failed} succeeded within an hour",
            at_us=until_us,
            pipeline=pipeline,
            owner=owner,
            note="Summed up, since it changes too often to be told one by one.",
            link=self._link(f"/pipelines/{pipeline}"),
        )

    async def _first_failed(self, run_id: str) -> TaskRow | None:
        where = TaskFilter(run_id=run_id, states=(TaskState.FAILED,), limit=FAILED_TASKS)
        # A map node fails with one of its indexes, and says less.
        failed = [row for row in await self._store.list_tasks(where) if row.size < 0 and row.error is not None]
        return min(failed, key=lambda row: row.finished_us, default=None)

    def _tail(self, row: TaskRow) -> list[str]:
        if not self._logs:
            return []
        path = log_path(self._logs, row.run_id, TaskKey(row.task, row.map_index), row.attempt)
        try:
            with Path(path).open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
                raw = file.read()
        except OSError:
            return []  # written on another machine, or never: most tasks say nothing
        lines: list[str] = []
        for encoded in raw.split(b"\n"):
            try:
                lines += msgspec.json.decode(encoded, type=_Line).msg.rstrip().split("\n")
            except msgspec.MsgspecError:
                continue  # cut in two, by a kill or by us
        return [line[:LINE_CHARACTERS] for line in lines if line.strip()][-LOG_LINES:]

    def _link(self, path: str) -> str:
        return f"{self._alerting.ui_url}{path}" if self._alerting.ui_url else ""


_HELD = (
    f"This is message {MOST_IN_AN_HOUR} about this pipeline within an hour: what follows is summed up at the end of "
    "the hour."
)


def _row(row: Any) -> str:
    return msgspec.json.encode(row).decode()[:LINE_CHARACTERS]


def _finished(row: RunRow) -> int:
    return row.finished_us


def _title(event: Event, verdict: Verdict, row: RunRow | None) -> str:
    match verdict.told:
        case "recovery":
            return f"{event.pipeline} is well again"
        case "late":
            if row is None:
                return f"{event.pipeline} is late"
            age = durations.text(round((event.at_us - row.created_us) / 1e6))
            return f"{event.pipeline} is late: not done {age} after its run was created"
        case _:
            return f"{event.pipeline} failed"

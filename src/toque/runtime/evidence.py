"""Evidence: what a message says beside its title, read from the store and the logs when the message is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from toque import durations
from toque.engine.assets import Checked
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo, TaskKey
from toque.graph import canonical
from toque.graph.ir import TaskNode
from toque.ports.assets import EventQuery
from toque.ports.notifier import FailedCheck, Message
from toque.ports.store import RunFilter, Store, TaskFilter
from toque.runtime.alerts import HOUR_US, MOST_IN_AN_HOUR, Event, Verdict, happened
from toque.runtime.logged import LINE_CHARACTERS, Logged, logged
from toque.runtime.outgoing import Alerting
from toque.worker.log import log_path

FAILED_TASKS = 100
"""So many are looked at to find the first."""
TASKS_NAMED = 5
CHECKS = 5
"""So many are named."""
CHECKS_LOOKED_AT = 100
ROWS = 5
ERROR_CHARACTERS = 1500
SUMMED_UP = 1000
ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


class Evidence:
    """Makes messages."""

    def __init__(self, store: Store, alerting: Alerting, logs: str) -> None:
        self._store = store
        self._alerting = alerting
        self._logs = logs

    async def message(self, event: Event, verdict: Verdict) -> Message:
        """What happened to a run."""
        stored = await self._store.load_run(event.run_id)
        all_failed = await self._failed(event.run_id) if verdict.told != "recovery" else []
        failed = all_failed[0] if all_failed else None
        row = stored.run if stored is not None else None
        error = failed.error if failed is not None else row.error if row is not None else None
        checks = await self._checks(row, failed) if row is not None and failed is not None else []
        log = await asyncio.to_thread(self._logged, failed) if failed is not None else Logged()
        mask = self._alerting.mask
        return Message(
            kind=verdict.told or "failure",
            dedup=f"{verdict.told}/{event.run_id}",
            title=mask(_title(event, verdict, row, checks)),
            at_us=event.at_us,
            pipeline=event.pipeline,
            run_id=event.run_id,
            owner=event.owner,
            trigger=row.trigger if row is not None else "",
            duration_us=max(0, event.at_us - row.started_us) if row is not None and row.started_us else 0,
            task=str(TaskKey(failed.task, failed.map_index)) if failed is not None else "",
            error_type=error.type if error is not None else "",
            error=mask(error.message)[:ERROR_CHARACTERS] if error is not None else "",
            frames=tuple(map(mask, log.frames or _place(error))),
            checks=tuple(msgspec.structs.replace(_failed(each), said=mask(_said(each))) for each in checks),
            sample=tuple(mask(_row(each)) for each in _rows(error, checks)),
            log=tuple(map(mask, log.lines)),
            note=_HELD if verdict.is_last else "",
            replay=_way_on(event.run_id, all_failed) if verdict.told == "failure" else "",
            link=self._link(f"/runs/{event.run_id}"),
        )

    async def quarantine(self, event: Event) -> Message | None:
        """What checks set aside in a run; None if that was nothing."""
        stored = await self._store.load_run(event.run_id)
        told_of = await self._store.assets.told_by(event.run_id)
        found = [each for each in await self._checked(event.run_id, told_of) if each.rejects]
        if stored is None or not found:
            return None
        mask, ways = self._alerting.mask, list(dict.fromkeys(map(replay_command, found)))
        return Message(
            kind="quarantine",
            dedup=f"quarantine/{event.run_id}",
            title=mask(_set_aside(event.pipeline, found)),
            at_us=event.at_us,
            pipeline=event.pipeline,
            run_id=event.run_id,
            owner=event.owner,
            trigger=stored.run.trigger,
            checks=tuple(msgspec.structs.replace(_failed(each), said=mask(_said(each))) for each in found[:CHECKS]),
            sample=tuple(mask(_row(row)) for row in [row for each in found for row in each.sample][:ROWS]),
            replay=ways[0],
            note="Others are brought back by " + ", ".join(ways[1 : CHECKS + 1]) if len(ways) > 1 else "",
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

    async def _failed(self, run_id: str) -> list[TaskRow]:
        """What failed, the first one first."""
        where = TaskFilter(run_id=run_id, states=(TaskState.FAILED,), limit=FAILED_TASKS)
        # A map node fails with one of its indexes, and says less.
        failed = [row for row in await self._store.list_tasks(where) if row.size < 0 and row.error is not None]
        return sorted(failed, key=lambda row: row.finished_us)

    async def _checks(self, run: RunRow, failed: TaskRow) -> list[Checked]:
        """Those of the data that the task reads or makes which did not hold in this run, each as it was found last.

        A test of dbt is told of by the task that runs dbt: so what counts is the asset, not who told of it.
        """
        if failed.error is None or failed.error.kind != "data":
            return []
        version = await self._store.get_version(run.version)
        nodes = canonical.decode(version.ir).nodes if version is not None else ()
        node = next((each for each in nodes if each.id == failed.task), None)
        keys = (*node.reads, *node.writes) if isinstance(node, TaskNode) else ()
        return [each for each in await self._checked(run.run_id, keys) if _halts(each)][:CHECKS]

    async def _checked(self, run_id: str, keys: Sequence[str]) -> list[Checked]:
        """The checks of these assets in a run, each as it was found last."""
        found: dict[tuple[str, str, str], Checked] = {}
        for key in dict.fromkeys(keys):
            for row in await self._store.assets.events(EventQuery(asset=key, kind="checked", limit=CHECKS_LOOKED_AT)):
                event = row.event
                if row.run_id == run_id and isinstance(event, Checked):
                    found.setdefault((event.asset, event.partition, event.check), event)
        return list(found.values())

    def _logged(self, row: TaskRow) -> Logged:
        if not self._logs:
            return Logged()
        return logged(log_path(self._logs, row.run_id, TaskKey(row.task, row.map_index), row.attempt))

    def _link(self, path: str) -> str:
        return f"{self._alerting.ui_url}{path}" if self._alerting.ui_url else ""


_HELD = (
    f"This is message {MOST_IN_AN_HOUR} about this pipeline within an hour: what follows is summed up at the end of "
    "the hour."
)


def _way_on(run_id: str, failed: Sequence[TaskRow]) -> str:
    """A retry runs the code that the run began with, and what that got wrong it gets wrong again."""
    wrong = [row.task.partition("//")[0] for row in failed if row.error is not None and row.error.kind == "code"]
    tasks = "".join(f" --from {task}" for task in [*dict.fromkeys(wrong)][:TASKS_NAMED])
    return f"toque rerun {run_id}{tasks} --new-code" if tasks else f"toque retry {run_id}"


def replay_command(check: Checked) -> str:
    """What brings the rows back that it set aside."""
    batch = f" --batch {check.batch_id}" if check.batch_id else ""
    return f"toque checks replay {check.asset}{batch}"


def _set_aside(pipeline: str, found: Sequence[Checked]) -> str:
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{pipeline} set rows aside: {_slice(found[0])} does not pass {found[0].check}{more}"


def _slice(check: Checked) -> str:
    return f"{check.asset}[{check.partition}]" if check.partition else check.asset


def _halts(check: Checked) -> bool:
    """One that sets too many rows aside halts too, and has set none aside."""
    return not check.passed and check.severity != "warn" and not check.rejects


def _failed(check: Checked) -> FailedCheck:
    return FailedCheck(
        asset=check.asset,
        partition=check.partition,
        check=check.check,
        column=check.column,
        failed_rows=check.failed_rows,
        total_rows=check.total_rows,
    )


def _said(check: Checked) -> str:
    """Its first line: a test of dbt adds the SQL of it."""
    return check.message.partition("\n")[0][:LINE_CHARACTERS]


def _rows(error: ErrorInfo | None, checks: Sequence[Checked]) -> Sequence[Any]:
    """What the error shows; of a check that was told of by another task, what that found."""
    if error is not None and error.sample:
        return error.sample
    return next((each.sample for each in checks if each.sample), [])


def _place(error: ErrorInfo | None) -> tuple[str, ...]:
    return (f"{error.file}:{error.line}" if error.line else error.file,) if error is not None and error.file else ()


def _row(row: Any) -> str:
    return msgspec.json.encode(row).decode()[:LINE_CHARACTERS]


def _finished(row: RunRow) -> int:
    return row.finished_us


def _title(event: Event, verdict: Verdict, row: RunRow | None, checks: Sequence[Checked]) -> str:
    match verdict.told:
        case "recovery":
            return f"{event.pipeline} is well again"
        case "late":
            if row is None:
                return f"{event.pipeline} is late"
            age = durations.text(round((event.at_us - row.created_us) / 1e6))
            return f"{event.pipeline} is late: not done {age} after its run was created"
        case _ if checks:
            first = checks[0]
            more = f", and {len(checks) - 1} more" if len(checks) > 1 else ""
            return f"{event.pipeline} failed: {_slice(first)} does not pass {first.check}{more}"
        case _:
            return f"{event.pipeline} failed"

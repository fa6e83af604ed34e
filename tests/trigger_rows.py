"""Schedules, ticks, runs of ticks and backfills for tests: short to write."""

from __future__ import annotations

from typing import Any

import msgspec

from tests import store_rows as rows
from toque.engine.rows import RunRow
from toque.engine.states import BackfillState, RunState, SliceState, TickOutcome
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.triggers import Change, ScheduleRow, TickRow


def schedule(name: str = "s", pipeline: str = "p", **fields: Any) -> ScheduleRow:
    """A schedule of pipeline `p` that is due at 10."""
    given: dict[str, Any] = {"version": "v1", "cursor_us": 5, "next_at_us": 10, "next_due_us": 10}
    return ScheduleRow(id=f"{pipeline}/{name}", pipeline=pipeline, name=name, **{**given, **fields})


def tick(at_us: int, of: str = "p/s", **fields: Any) -> TickRow:
    """A tick that was skipped, unless it is said to have a run."""
    outcome = TickOutcome.STARTED if fields.get("run_id") else TickOutcome.SKIPPED
    return TickRow(schedule=of, at_us=at_us, **{"outcome": outcome, "recorded_us": at_us + 1, **fields})


def queued(run_id: str, at_us: int, **fields: Any) -> RunRow:
    """A run of a tick."""
    given = {"state": RunState.QUEUED, "trigger": "schedule", "logical_us": at_us}
    return rows.run(run_id, **{**given, **fields})


def started(before: ScheduleRow, at_us: int, run_id: str) -> Change:
    """A tick that was started by whoever saw `before`."""
    after = msgspec.structs.replace(before, cursor_us=at_us, next_at_us=at_us + 10, next_due_us=at_us + 10)
    return Change(
        before=before,
        after=after,
        ticks=[tick(at_us, before.id, run_id=run_id)],
        runs=[queued(run_id, at_us, pipeline=before.pipeline)],
    )


def backfill(id: str = "b1", **fields: Any) -> BackfillRow:  # noqa: A002
    """A plan of three ticks that has not begun."""
    given: dict[str, Any] = {
        "pipeline": "p",
        "schedule": "s",
        "version": "v1",
        "state": BackfillState.RUNNING,
        "from_us": 0,
        "to_us": 100,
        "max_active": 2,
        "total": 3,
        "created_us": 1,
    }
    return BackfillRow(id=id, **{**given, **fields})


def slices(backfill: str, count: int, **fields: Any) -> list[BackfillSlice]:
    """The first slices of a backfill of assets: days of January."""
    given: dict[str, Any] = {"state": SliceState.WAITING, "stage": 0}
    return [
        BackfillSlice(backfill=backfill, n=n, partition=f"2026-01-{n + 1:02}", **{**given, **fields})
        for n in range(count)
    ]

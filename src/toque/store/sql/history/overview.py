"""Runs of many pipelines at a glance: strips, counts, calendars, durations, days, what needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toque.engine.states import RUN_TERMINAL, RunState
from toque.ports.pages import DayCounts, DurationPoint, FailedPipeline, RunBar
from toque.store.history.days import days
from toque.store.history.quarters import quarter
from toque.store.sql import schema
from toque.store.sql.codec import pack_index
from toque.store.sql.commit import RUN
from toque.store.sql.history.bars import BAR, bar
from toque.store.sql.session import Session

_RUN = ", ".join(RUN.names)
_NO_INDEX = pack_index(())
MOST_FAILURES = 100
"""In a row, that are counted."""
_BRANCHES = 100
"""Of one statement; SQLite takes 500."""
_PIPELINES = (
    "WITH RECURSIVE names(name) AS (SELECT min(pipeline) FROM runs"
    " UNION ALL SELECT (SELECT min(pipeline) FROM runs WHERE pipeline > names.name) FROM names"
    " WHERE names.name IS NOT NULL)"
    " SELECT name FROM names WHERE name IS NOT NULL UNION SELECT pipeline FROM current_versions ORDER BY 1"
)
"""One look into the index for each pipeline."""


def pipelines(session: Session) -> list[str]:
    """See `History.pipelines`."""
    return [name for (name,) in session.rows(_PIPELINES)]


def recent(session: Session, names: Sequence[str], limit: int) -> dict[str, list[RunBar]]:
    """See `History.recent`."""
    strips: dict[str, list[RunBar]] = {name: [] for name in names}
    wanted = [*strips]
    branch = f"SELECT * FROM (SELECT {BAR} FROM runs WHERE pipeline = ? ORDER BY run_id DESC LIMIT ?) AS branch"
    for at in range(0, len(wanted), _BRANCHES):
        some = wanted[at : at + _BRANCHES]
        parameters = [value for name in some for value in (name, limit)]
        for row in session.rows(" UNION ALL ".join([branch] * len(some)), parameters):
            strips[row[1]].append(bar(row))
    for strip in strips.values():
        strip.sort(key=lambda run: run.run_id)
    return strips


def active_counts(session: Session) -> dict[str, dict[RunState, int]]:
    """See `History.active_counts`."""
    counts: dict[str, dict[RunState, int]] = {}
    for pipeline, state, count in session.rows(
        f"SELECT pipeline, state, count(*) FROM runs WHERE {schema.UNFINISHED} GROUP BY pipeline, state ORDER BY 1, 2"
    ):
        counts.setdefault(pipeline, {})[RunState(state)] = count
    return counts


def attention(session: Session, limit: int) -> list[FailedPipeline]:
    """See `History.attention`."""
    last = "(SELECT run_id FROM runs WHERE pipeline = ? AND state = ? ORDER BY run_id DESC LIMIT 1)"
    failed: list[tuple[str, str, str]] = []
    names = pipelines(session)
    for at in range(0, len(names), _BRANCHES):
        some = names[at : at + _BRANCHES]
        parameters = [
            value for name in some for value in (name, name, RunState.FAILED.value, name, RunState.SUCCEEDED.value)
        ]
        text = " UNION ALL ".join([f"SELECT ? AS pipeline, {last}, coalesce({last}, '')"] * len(some))
        found = session.rows(text, parameters)
        failed += [(failure, success, name) for name, failure, success in found if failure and failure > success]
    failed.sort(reverse=True)
    return [_failed(session, *entry) for entry in failed[:limit]]


def _failed(session: Session, failure: str, success: str, pipeline: str) -> FailedPipeline:
    since = session.rows(
        "SELECT created_us FROM runs WHERE pipeline = ? AND state = ? AND run_id > ? ORDER BY run_id LIMIT ?",
        (pipeline, RunState.FAILED.value, success, MOST_FAILURES),
    )
    [row] = session.rows(f"SELECT {_RUN} FROM runs WHERE run_id = ?", (failure,))
    return FailedPipeline(pipeline=pipeline, run=RUN.decode(row), count=len(since), since_us=since[0][0])


def calendar(session: Session, pipeline: str, from_us: int, to_us: int, tz: str) -> list[DayCounts]:
    """See `History.calendar`."""
    ended = session.rows(
        "SELECT at_us, state, runs FROM run_counts WHERE pipeline = ? AND at_us >= ? AND at_us < ?",
        (pipeline, max(0, quarter(from_us)), to_us),
    )
    counts = [(at_us, RunState(state), count) for at_us, state, count in ended]
    unfinished = [state for state in RunState if state not in RUN_TERMINAL]
    for state in unfinished:
        for logical_us, created_us in session.rows(
            f"SELECT logical_us, created_us FROM runs WHERE pipeline = ? AND state = ? AND {schema.UNFINISHED}",
            (pipeline, state.value),
        ):
            at_us = quarter(logical_us or created_us)
            if quarter(from_us) <= at_us < to_us:
                counts.append((at_us, state, 1))
    return days(counts, tz)


def durations(session: Session, pipeline: str, task: str, limit: int, before: str) -> list[DurationPoint]:
    """See `History.durations`."""
    text, values = (" AND run_id < ?", [before]) if before else ("", [])
    # The sums keep planners from walking the index on ended runs of all pipelines.
    found = session.rows(
        f"SELECT run_id, created_us, started_us, finished_us, state, version FROM runs WHERE pipeline = ?{text}"
        " AND finished_us + 0 > 0 AND started_us + 0 > 0 ORDER BY run_id DESC LIMIT ?",
        (pipeline, *values, limit),
    )
    found.reverse()
    if task:
        return _task_durations(session, task, found)
    return [
        DurationPoint(
            run_id=run_id,
            created_us=created_us,
            queued_us=max(0, started_us - created_us),
            duration_us=max(0, finished_us - started_us),
            state=state,
            version=version,
        )
        for run_id, created_us, started_us, finished_us, state, version in found
    ]


def _task_durations(session: Session, task: str, runs: Sequence[Any]) -> list[DurationPoint]:
    rows = session.rows(
        f"SELECT run_id, state, ready_us, started_us, finished_us FROM tasks WHERE {session.among('run_id')}"
        " AND task = ? AND map_index = ?",
        (session.listed(run[0] for run in runs), task, _NO_INDEX),
    )
    tasks = {run_id: rest for run_id, *rest in rows}
    points = []
    for run_id, created_us, _, _, _, version in runs:
        state, ready_us, started_us, finished_us = tasks.get(run_id, ("", 0, 0, 0))
        if started_us and finished_us:
            points.append(
                DurationPoint(
                    run_id=run_id,
                    created_us=created_us,
                    queued_us=max(0, started_us - ready_us) if ready_us else 0,
                    duration_us=max(0, finished_us - started_us),
                    state=state,
                    version=version,
                )
            )
    return points


def day(session: Session, from_us: int, to_us: int, limit: int) -> list[RunBar]:
    """See `History.day`. A run that ended overlaps if it ended within the range, or within `LONG_US` of its end, or if
    it was a long one: each is one range of an index."""
    later_us = to_us + schema.LONG_US
    running = session.rows(
        f"SELECT {BAR} FROM runs WHERE {schema.UNFINISHED} AND started_us > 0 AND started_us < ?"
        " ORDER BY run_id LIMIT ?",
        (to_us, limit),
    )
    ended = session.rows(
        f"SELECT {BAR} FROM runs WHERE {schema.ENDED} AND finished_us > ? AND finished_us < ?"
        " AND started_us > 0 AND started_us < ? ORDER BY finished_us, run_id LIMIT ?",
        (from_us, later_us, to_us, limit),
    )
    long = session.rows(
        f"SELECT {BAR} FROM runs WHERE {schema.LONG} AND finished_us >= ? AND started_us < ?"
        " ORDER BY finished_us, run_id LIMIT ?",
        (later_us, to_us, limit),
    )
    bars = [*map(bar, (*running, *ended, *long)[:limit])]
    bars.sort(key=lambda run: (run.started_us, run.run_id))
    return bars

"""Schedules and ticks. Rows are changed by compare and set, so that any number of servers may decide ticks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.ports.store import VersionRow
from toque.ports.triggers import Change, Recorded, ScheduleFilter, ScheduleRow, TickRow, TickSeen
from toque.store.sql import schema
from toque.store.sql.codec import RowCodec
from toque.store.sql.commit import RUN
from toque.store.sql.history import keeping
from toque.store.sql.messages import VERSION
from toque.store.sql.session import Session
from toque.store.sql.trigger_tables import DUE, NOT_STARTED, SCHEDULES, TICKS

SCHEDULE = RowCodec(SCHEDULES, ScheduleRow)
TICK = RowCodec(TICKS, TickRow)

_SCHEDULE = ", ".join(SCHEDULE.names)
_TICK = ", ".join(f"ticks.{name}" for name in TICK.names)
_RUN = ", ".join(f"runs.{name}" for name in RUN.names)


def revision(session: Session) -> int:
    """The last one that was drawn."""
    found = session.rows("SELECT value FROM counters WHERE name = ?", (schema.REVISION,))
    return int(found[0][0]) if found else 0


def draw_revision(session: Session) -> int:
    """The next one. Holds its row until the transaction ends, so that revisions become visible in their order."""
    [(drawn,)] = session.rows(
        "INSERT INTO counters (name, value) VALUES (?, 1)"
        " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
        (schema.REVISION,),
    )
    return int(drawn)


def unsynced(session: Session, limit: int) -> list[VersionRow]:
    """Current versions whose schedules nobody has read yet."""
    chosen = f"SELECT version FROM current_versions WHERE {schema.UNSYNCED} ORDER BY pipeline LIMIT ?"
    text = f"SELECT {', '.join(VERSION.names)} FROM versions WHERE version IN ({chosen}) ORDER BY pipeline"
    return [*map(VERSION.decode, session.rows(text, (limit,)))]


def get_schedule(session: Session, id: str) -> ScheduleRow | None:  # noqa: A002
    """By id."""
    found = session.rows(f"SELECT {_SCHEDULE} FROM schedules WHERE id = ?", (id,))
    return SCHEDULE.decode(found[0]) if found else None


def list_schedules(session: Session, where: ScheduleFilter) -> list[ScheduleRow]:
    """By id, or by the time at which they are due."""
    conditions: list[str] = []
    parameters: list[Any] = []
    order = "id"
    if where.pipeline:
        conditions.append("pipeline = ?")
        parameters.append(where.pipeline)
    if where.since_revision:
        conditions.append("revision > ?")
        parameters.append(where.since_revision)
    if where.due_before_us:
        conditions += [DUE, "next_due_us < ?"]
        parameters.append(where.due_before_us)
        order = "next_due_us, id"
    if where.after:
        conditions.append("id > ?")
        parameters.append(where.after)
    if not (where.retired or where.since_revision):
        conditions.append("NOT retired")
    text = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    found = session.rows(
        f"SELECT {_SCHEDULE} FROM schedules{text} ORDER BY {order} LIMIT ?", (*parameters, where.limit)
    )
    return [*map(SCHEDULE.decode, found)]


def record(session: Session, changes: Sequence[Change], synced: tuple[str, str] | None, tell: bool) -> Recorded:
    """See `Triggers.record`."""
    done = Recorded()
    wanted = sorted({change.after.id for change in changes})
    found = session.rows(
        f"SELECT {_SCHEDULE} FROM schedules WHERE {session.among('id')} ORDER BY id{session.lock_rows}",
        (session.listed(wanted),),
    )
    now = {row.id: row for row in map(SCHEDULE.decode, found)}
    good = [change for change in changes if is_as_seen(change.before, now.get(change.after.id))]
    done.refused = {
        change.after.id: now.get(change.after.id)
        for change in changes
        if not is_as_seen(change.before, now.get(change.after.id))
    }
    drawn = draw_revision(session) if tell or any(change.tell for change in good) else 0
    rows = [
        msgspec.structs.replace(change.after, revision=drawn if change.tell else change.after.revision)
        for change in good
    ]
    session.upsert(SCHEDULES, SCHEDULE.names, map(SCHEDULE.encode, rows))
    ticks = [tick for change in good for tick in change.ticks]
    runs = [run for change in good for run in change.runs]
    if ticks:
        done.known = _add_ticks(session, ticks, runs)
    if synced is not None and not done.refused:
        session.run("UPDATE current_versions SET synced = version WHERE pipeline = ? AND version = ?", synced)
    return done


def is_as_seen(seen: ScheduleRow | None, now: ScheduleRow | None) -> bool:
    """Whether nobody has changed the row since."""
    if seen is None or now is None:
        return seen is now
    return (seen.revision, seen.cursor_us) == (now.revision, now.cursor_us)


def _add_ticks(session: Session, ticks: list[TickRow], runs: list[RunRow]) -> list[str]:
    """Insert ticks that have no outcome yet, with their runs; answers the runs that are left out."""
    schedules = sorted({tick.schedule for tick in ticks})
    known = set(
        map(
            tuple,
            session.rows(
                f"SELECT schedule, at_us FROM ticks WHERE {session.among('schedule')} AND at_us >= ?",
                (session.listed(schedules), min(tick.at_us for tick in ticks)),
            ),
        )
    )
    fresh = {(tick.schedule, tick.at_us): tick for tick in ticks if (tick.schedule, tick.at_us) not in known}
    session.insert(TICKS, TICK.names, map(TICK.encode, fresh.values()))
    started = {tick.run_id: tick for tick in fresh.values() if tick.run_id}
    insert_runs(session, [(run, dedup_of(started[run.run_id])) for run in runs if run.run_id in started])
    return [run.run_id for run in runs if run.run_id not in started]


def dedup_of(tick: TickRow) -> str:
    """What makes a second run of the tick impossible, in the table of runs as well."""
    return f"schedule:{tick.schedule}:{tick.at_us}"


def insert_runs(session: Session, runs: Iterable[tuple[RunRow, str]]) -> None:
    """Queued runs, each with its `dedup`."""
    rows = [*runs]
    session.insert(schema.RUNS, (*RUN.names, "dedup"), ((*RUN.encode(run), dedup) for run, dedup in rows))
    keeping.created(session, [run for run, _ in rows])


def list_ticks(session: Session, schedule: str, before_us: int, limit: int) -> list[TickSeen]:
    """Newest first, each with its run."""
    bound, values = (" AND at_us < ?", [before_us]) if before_us else ("", [])
    found = session.rows(
        f"SELECT {_TICK} FROM ticks WHERE schedule = ?{bound} ORDER BY at_us DESC LIMIT ?", (schedule, *values, limit)
    )
    return _with_runs(session, [*map(TICK.decode, found)])


def list_missed(session: Session, since_us: int, limit: int) -> list[TickRow]:
    """Ticks that were not started, recorded since then, newest first."""
    found = session.rows(
        f"SELECT {_TICK} FROM ticks WHERE {NOT_STARTED} AND recorded_us >= ?"
        " ORDER BY recorded_us DESC, schedule DESC, at_us DESC LIMIT ?",
        (since_us, limit),
    )
    return [*map(TICK.decode, found)]


def _with_runs(session: Session, ticks: list[TickRow]) -> list[TickSeen]:
    ids = [tick.run_id for tick in ticks if tick.run_id]
    found = (
        session.rows(f"SELECT {_RUN} FROM runs WHERE {session.among('run_id')}", (session.listed(ids),)) if ids else []
    )
    runs = {run.run_id: run for run in map(RUN.decode, found)}
    return [seen(tick, runs.get(tick.run_id)) for tick in ticks]


def seen(tick: TickRow, run: RunRow | None) -> TickSeen:
    """A tick beside its run."""
    if run is None:
        return TickSeen(tick=tick)
    never_began = run.state is RunState.CANCELLED and not run.started_us
    return TickSeen(tick=tick, run_state=run.state, run_reason=run.reason, was_admitted=not never_began)


def prune_ticks(session: Session, schedule: str, before_us: int, keep_last: int) -> int:
    """Delete old ticks of one schedule but its newest ones."""
    deleted = session.rows(
        "DELETE FROM ticks WHERE schedule = ? AND at_us < ? AND at_us < coalesce((SELECT at_us FROM ticks AS kept"
        " WHERE kept.schedule = ? ORDER BY at_us DESC LIMIT 1 OFFSET ?), 0) RETURNING 1",
        (schedule, before_us, schedule, max(0, keep_last - 1)),
    )
    return len(deleted)

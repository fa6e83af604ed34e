"""What servers and pages ask about schedules costs the same beside a million ticks as beside ten thousand.

Counted as the work of SQLite's virtual machine, as in `test_sqlite_plans`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests import trigger_rows as made
from toque.engine.states import BackfillState
from toque.ports.triggers import ScheduleFilter, ScheduleRow
from toque.store.sql import backfills, schema, triggers
from toque.store.sql.session import Session
from toque.store.sql.text import create_schema
from toque.store.sqlite.session import SqliteSession

SCHEDULES = 100
STEPS_A_CALL = 10
REVISION = 7


def row(number: int) -> ScheduleRow:
    """Of schedule `number`; one in three is paused."""
    at_us = 10**9 + number
    paused = number % 3 == 0
    return made.schedule(
        f"s{number:03}",
        f"p{number % 10}",
        cursor_us=at_us,
        next_at_us=0 if paused else at_us + 10,
        next_due_us=0 if paused else at_us + 10,
        paused=paused,
        revision=number % REVISION,
    )


def history(connection: sqlite3.Connection, ticks: int) -> None:
    for statement in create_schema("sqlite"):
        connection.execute(statement)
    session = SqliteSession(connection)
    session.insert(
        triggers.SCHEDULES, triggers.SCHEDULE.names, (triggers.SCHEDULE.encode(row(n)) for n in range(SCHEDULES))
    )
    past = (
        made.tick(at, row(n).id, run_id="" if at % 50 == 0 else f"r{n}-{at}")
        for n in range(SCHEDULES)
        for at in range(1, ticks // SCHEDULES + 1)
    )
    session.insert(triggers.TICKS, triggers.TICK.names, map(triggers.TICK.encode, past))
    ended = (made.backfill(f"b{n:05}", state=BackfillState.SUCCEEDED) for n in range(ticks // 1000))
    session.insert(backfills.BACKFILLS, backfills.BACKFILL.names, map(backfills.BACKFILL.encode, ended))
    backfills.create(session, made.backfill("b99999"))
    runs = [made.queued(f"b{n}", n, backfill_id="b99999") for n in range(50)]
    triggers.insert_runs(session, [(run, f"backfill:{run.logical_us}") for run in runs])
    session.run(f"INSERT INTO counters VALUES ('{schema.REVISION}', {REVISION})")


@pytest.fixture(scope="module")
def databases() -> dict[int, sqlite3.Connection]:
    """By number of ticks."""
    found = {}
    for count in (10_000, 300_000):
        found[count] = connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute("BEGIN")
        history(connection, count)
        connection.execute("COMMIT")
    return found


def tick_of(session: Session, number: int) -> Any:
    seen = row(number)
    return triggers.record(session, [made.started(seen, seen.cursor_us + 10, f"new{number}")], None, False)


HOT: dict[str, Callable[[Session], Any]] = {
    "revision": triggers.revision,
    "unsynced": lambda s: [triggers.unsynced(s, 10)],
    "a tick": lambda s: tick_of(s, 5),
    "ticks that coincide": lambda s: [tick_of(s, number) for number in range(10, 30)],
    "one schedule": lambda s: triggers.get_schedule(s, row(4).id),
    "schedules that changed": lambda s: triggers.list_schedules(s, ScheduleFilter(since_revision=5)),
    "what is due next": lambda s: triggers.list_schedules(s, ScheduleFilter(due_before_us=2 * 10**9, limit=10)),
    "schedules of a pipeline": lambda s: triggers.list_schedules(s, ScheduleFilter(pipeline="p3")),
    "the last ticks": lambda s: triggers.list_ticks(s, row(8).id, 0, 20),
    "a page of ticks": lambda s: triggers.list_ticks(s, row(8).id, 60, 20),
    "ticks that were missed": lambda s: triggers.list_missed(s, 40, 20),
    "running backfills": backfills.running,
    "progress": lambda s: backfills.progress(s, "b99999"),
    "unfinished": lambda s: backfills.unfinished(s, "b99999", 10),
    "backfills": lambda s: backfills.list_backfills(s, "", 10, ""),
    "backfills of a pipeline": lambda s: backfills.list_backfills(s, "p", 10, ""),
    "a step of a backfill": lambda s: backfills.advance(
        s, msgspec.structs.replace(made.backfill("b99999"), started=1), [made.queued("new", 77, backfill_id="b99999")]
    ),
}


@pytest.mark.parametrize("name", HOT)
def test_what_is_asked_all_day_visits_as_many_rows_beside_a_long_history(
    databases: dict[int, sqlite3.Connection], name: str
) -> None:
    work = {}
    for count, connection in databases.items():
        calls = 0

        def step() -> int:
            nonlocal calls
            calls += 1
            return 0

        connection.execute("BEGIN")
        connection.set_progress_handler(step, STEPS_A_CALL)
        assert HOT[name](SqliteSession(connection))
        connection.set_progress_handler(None, 0)
        connection.execute("ROLLBACK")
        work[count] = calls
    assert work[300_000] <= 1.2 * work[10_000] + 2


def test_the_test_would_notice_a_missing_index(databases: dict[int, sqlite3.Connection]) -> None:
    connection = databases[10_000]
    connection.execute("BEGIN")
    connection.execute("DROP INDEX ticks_not_started")
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM ticks WHERE outcome <> 'started' AND recorded_us >= 1"
    ).fetchall()
    connection.execute("ROLLBACK")
    assert "SCAN" in str(plan)

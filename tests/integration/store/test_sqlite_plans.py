"""Each hot query costs the same beside 1,000,000 task runs of history as beside 10,000.

What is counted is the work of SQLite's virtual machine, not time: it does not depend on the machine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from tests import store_rows as rows
from tests.hot_pages import sums
from tests.hot_queries import HOT, ONE
from toque.engine.states import RunState, TaskState
from toque.ports.pages import RunQuery
from toque.store.sql import commit, messages, runs, schema
from toque.store.sql.history import finding, tasks
from toque.store.sql.text import create_schema
from toque.store.sqlite.session import SqliteSession

TASKS_A_RUN = 100
STEPS_A_CALL = 10


class Explaining(SqliteSession):
    """Runs statements, and keeps what SQLite says about how it found the rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.plans: dict[str, list[str]] = {}

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self._explain(sql, parameters)
        return super().rows(sql, parameters)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._explain(sql, parameters)
        super().run(sql, parameters)

    def _explain(self, sql: str, parameters: Sequence[Any]) -> None:
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        self.plans[sql] = [detail for *_, detail in plan]


def history(connection: sqlite3.Connection, task_count: int) -> None:
    """Ended runs of 20 pipelines with 100 task runs each, three unfinished runs, a few rows everywhere else."""
    for statement in create_schema("sqlite"):
        connection.execute(statement)
    session = SqliteSession(connection)
    run_count = task_count // TASKS_A_RUN
    states = [RunState.SUCCEEDED, RunState.FAILED, RunState.SUCCEEDED, RunState.CANCELLED]
    ended = (
        rows.run(
            f"r{n:06}",
            pipeline=f"p{n % 20}",
            # Each pipeline has succeeded once, two runs ago.
            state=RunState.SUCCEEDED if run_count - 60 <= n < run_count - 40 else states[n % 4],
            started_us=n + 1,
            finished_us=n + 1,
            owner=f"dead{n % 7}",
            backfill_id="b1" if n < 70 else "",
        )
        for n in range(run_count)
    )
    session.insert(schema.RUNS, commit.RUN.names, map(commit.RUN.encode, ended))
    for n, state in enumerate((RunState.QUEUED, RunState.RUNNING, RunState.SUSPENDED)):
        runs.create_run(session, rows.run(f"s{n}", pipeline="p1", state=state, owner=rows.ME if n else ""), f"tick{n}")
    names = ", ".join(commit.TASK.names)
    template = commit.TASK.encode(rows.task("t", state=TaskState.SUCCEEDED, worker="host:1"))
    at = {name: position for position, name in enumerate(commit.TASK.names)}
    values = ["?"] * len(template)
    values[at["run_id"]] = "runs.run_id"
    values[at["map_index"]] = "indexes.data"
    values[at["state"]] = "CASE indexes.n % 50 WHEN 0 THEN 'failed' ELSE 'succeeded' END"
    given = [value for value, text in zip(template, values, strict=True) if text == "?"]
    connection.execute("CREATE TEMP TABLE indexes (n INTEGER, data BLOB)")
    connection.executemany("INSERT INTO indexes VALUES (?, ?)", [(n, n.to_bytes(4, "big")) for n in range(TASKS_A_RUN)])
    connection.execute(
        f"INSERT INTO tasks ({names}) SELECT {', '.join(values)} FROM runs CROSS JOIN indexes ORDER BY 1, 3", given
    )
    batches = [rows.facts(first, 10, "r000001") for first in range(1, 1_000, 10)]
    commit._write_facts(session, [*batches, *(rows.facts(1, 1, f"r{n:06}") for n in range(2, run_count))])
    sums(session, run_count, TASKS_A_RUN)
    session.upsert(schema.HOLDS, schema.HOLDS.column_names, [("pool", "someone", 1, rows.ME)])
    attempts = [rows.attempt(number, index=(1,), run_id=ONE) for number in (1, 2)]
    session.upsert(schema.ATTEMPTS, commit.ATTEMPT.names, map(commit.ATTEMPT.encode, attempts))
    for n in range(5):
        messages.put_version(session, rows.version(f"v{n}", created_us=n), True)
        messages.put_command(session, rows.command("s1"))
        session.upsert(schema.OUTBOX, commit.OUTBOX.names, [commit.OUTBOX.encode(rows.message(f"m{n}"))])


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[int, sqlite3.Connection]:
    """By number of task runs. In memory: what is counted is not the disk."""
    made = {}
    for count in (10_000, 1_000_000):
        made[count] = connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute("BEGIN")
        history(connection, count)
        connection.execute("COMMIT")
    return made


SMALL_TABLES = ("holds", "commands", "outbox", "counters", "current_versions", "instances", "names", "walk")
"""What is open now, or made by the query itself; scanning these is not scanning history."""


@pytest.mark.parametrize("name", HOT)
def test_a_hot_query_visits_as_many_rows_beside_a_long_history(
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
        answer = HOT[name](SqliteSession(connection))
        connection.set_progress_handler(None, 0)
        connection.execute("ROLLBACK")
        assert answer or name == "commit"
        work[count] = calls
    assert work[1_000_000] <= 1.2 * work[10_000] + 2


@pytest.mark.parametrize("name", HOT)
def test_a_hot_query_scans_no_table_and_sorts_nothing_large(
    databases: dict[int, sqlite3.Connection], name: str
) -> None:
    connection = databases[10_000]
    connection.execute("BEGIN")
    session = Explaining(connection)
    HOT[name](session)
    connection.execute("ROLLBACK")
    assert session.plans or name == "commit"
    for sql, plan in session.plans.items():
        for line in plan:
            if line.startswith("SCAN"):
                table = line.split()[1]
                ordered = "USING INDEX" in line or "USING COVERING INDEX" in line
                small = table in (*SMALL_TABLES, "json_each", "branch", "kept") or table.startswith("(subquery")
                assert ordered or small or "LIMIT" in sql, f"{line}\n{sql}"


def test_the_test_would_notice_a_missing_index(databases: dict[int, sqlite3.Connection]) -> None:
    connection = databases[10_000]
    connection.execute("BEGIN")
    connection.execute("DROP INDEX runs_unfinished")
    session = Explaining(connection)
    runs.adopt(session, "heir", ["dead1"], 100)
    connection.execute("ROLLBACK")
    assert any("runs_unfinished" not in line and "runs" in line for line in next(iter(session.plans.values())))


def test_of_several_states_only_the_page_is_read_from_the_table(databases: dict[int, sqlite3.Connection]) -> None:
    session = Explaining(databases[10_000])
    finding.runs(session, RunQuery(pipeline="p1", trigger="manual", limit=4))
    [plan] = session.plans.values()
    searches = [step for step in plan if step.startswith("SEARCH runs")]
    assert len([step for step in searches if "COVERING INDEX runs_by_pipeline_trigger" in step]) == len(RunState)
    assert len(searches) == len(RunState) + 1


def test_failures_are_found_among_what_went_wrong(databases: dict[int, sqlite3.Connection]) -> None:
    session = Explaining(databases[10_000])
    assert len(tasks.first_failures(session, ONE, 5)) == 2
    [plan] = session.plans.values()
    assert "USING INDEX tasks_troubled" in plan[0] or "COVERING INDEX tasks_troubled" in plan[0]

"""Airflow's history in the benchmark: the rows that its scheduler would have left, written by COPY."""

from __future__ import annotations

import io
import random
import sys
import types
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.peers import airflow_shape


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, which runs where the driver of PostgreSQL is of Airflow's environment."""
    import importlib

    monkeypatch.setitem(sys.modules, "psycopg2", types.ModuleType("psycopg2"))
    monkeypatch.delitem(sys.modules, "benchmarks.peers.airflow_history", raising=False)
    found = importlib.import_module("benchmarks.peers.airflow_history")
    monkeypatch.delitem(sys.modules, "benchmarks.peers.airflow_history")
    return found


class Cursor:
    """Takes what would be written."""

    def __init__(self) -> None:
        self.written: dict[str, list[list[str]]] = {}
        self.columns: dict[str, list[str]] = {}

    def execute(self, statement: str) -> None:
        self.last = statement

    def fetchall(self) -> list[tuple[str, str]]:
        return [(dag_id, f"version of {dag_id}") for dag_id in (*airflow_shape.WIDE, "large")]

    def copy_expert(self, statement: str, text: io.StringIO) -> None:
        table, columns = statement.removeprefix("COPY ").removesuffix(") FROM STDIN").split(" (")
        self.columns[table] = columns.split(", ")
        self.written.setdefault(table, []).extend(line.split("\t") for line in text.getvalue().splitlines())


class Link:
    """A connection with one cursor."""

    def __init__(self) -> None:
        self.taken = Cursor()
        self.autocommit = False
        self.commits = 0

    def cursor(self) -> Cursor:
        return self.taken

    def commit(self) -> None:
        self.commits += 1


def test_a_wide_dag_has_as_many_tasks_as_a_pipeline_of_the_history() -> None:
    tasks = airflow_shape.members("arrivals")
    assert len(tasks) == 442
    assert len(set(tasks)) == 442
    assert (tasks[0], tasks[1], tasks[40], tasks[-1]) == ("extract", "stage_00.convert_0", "stage_00.load", "report")
    assert len(airflow_shape.members("large")) == 10_000


def test_runs_and_task_instances_fit_each_other(history: Any) -> None:
    link = Link()
    said = history.fill(link, 20_000)
    runs, tasks = link.taken.written["dag_run"], link.taken.written["task_instance"]
    assert said["task_runs"] == len(tasks) == 10_000 + 10 * 2 * 442
    assert link.commits == 1
    for table, rows in link.taken.written.items():
        assert {len(row) for row in rows} == {len(link.taken.columns[table])}, table
    column = link.taken.columns["task_instance"].index
    known = {(row[0], row[link.taken.columns["dag_run"].index("run_id")]) for row in runs}
    assert {(row[column("dag_id")], row[column("run_id")]) for row in tasks} == known
    assert {row[column("dag_version_id")] for row in tasks if row[column("dag_id")] == "large"} == {"version of large"}
    assert len({row[0] for row in tasks}) == len(tasks), "ids are unique"
    assert (("large", said["newest"]["large"])) in known


def test_a_failed_run_has_one_failed_task_and_what_waited_for_it(history: Any) -> None:
    end = datetime(2026, 11, 22, 12, tzinfo=UTC)
    bar = history._run("arrivals", 16, end, random.Random(1))
    assert bar["state"] == "failed"
    tasks = airflow_shape.members("arrivals")
    states = [row[8] for row in history._task_rows(bar, tasks, "v", random.Random(2))]
    assert states.count("failed") == 1
    at = states.index("failed")
    assert set(states[:at]) <= {"success"}
    assert set(states[at + 1 :]) <= {"upstream_failed"}


def test_ids_are_of_version_seven_and_in_order_of_time(history: Any) -> None:
    draw = random.Random(3)
    first, second = (
        uuid.UUID(history._uuid7(datetime(2026, 11, 22, 12, minute, tzinfo=UTC), draw)) for minute in (1, 2)
    )
    assert first.version == second.version == 7
    assert first < second

"""PostgreSQL has an index for each hot query. (Which one it takes depends on what it knows of the data.)"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests import store_rows as rows
from tests.hot_queries import HOT
from toque.engine.states import RunState
from toque.store.postgresql.session import PostgresqlSession
from toque.store.sql import runs

HISTORY = ("runs", "tasks", "attempts", "facts", "steps", "versions", "run_summaries", "run_counts", "run_words")


class Explaining(PostgresqlSession):
    """Keeps what PostgreSQL says about how it would find the rows."""

    def __init__(self, connection: psycopg.Connection) -> None:
        super().__init__(connection)
        self.plans: dict[str, str] = {}

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self.plans[sql] = "\n".join(line for (line,) in super().rows(f"EXPLAIN {sql}", parameters))
        return super().rows(sql, parameters)


@pytest.mark.parametrize("name", HOT)
def test_a_hot_query_can_do_without_a_scan_of_the_history(postgres_url: str, name: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        runs.create_run(PostgresqlSession(connection), rows.run("s1", state=RunState.RUNNING), "tick1")
        # Tables this small would be scanned; with scans forbidden one is left only where there is no other way.
        connection.execute("SET LOCAL enable_seqscan = off")
        session = Explaining(connection)
        HOT[name](session)
        connection.rollback()
    assert session.plans
    for sql, plan in session.plans.items():
        scanned = set(re.findall(r"Seq Scan on (\w+)", plan)) & set(HISTORY)
        assert not scanned, f"{sql}\n{plan}"


def test_the_test_would_notice_a_missing_index(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute("DROP INDEX runs_by_pipeline; DROP INDEX runs_by_pipeline_state")
        session = Explaining(connection)
        HOT["active runs of a pipeline"](session)
        plan = "".join(session.plans.values())
        connection.rollback()
    assert "runs_by_pipeline" not in plan

"""Unit tests that a user writes: no database, no server, no process, no file, and nothing to wait for.

That they take milliseconds is measured by the benchmarks; here it is seen that nothing is touched that would cost more.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from tests.integration.edges.project import Project

PIPELINE = """
from datetime import timedelta

class Shop(Connection):
    url: str

shop = Shop("shop")

@task(retries=Retry(3, delay="1h", backoff=2))
def fetch(page: int, api: Shop = use(shop), limit: int = use(Variable("limit", int))) -> list[int]:
    return [page, limit, len(api.url)]

@task
def total(pages: list[list[int]]) -> int:
    return sum(map(sum, pages))

@task
def ready() -> str:
    if context().deferrals < 3:
        raise NotYet("6h")
    return "ready"

@pipeline
def sums(pages: int = 3) -> int:
    return total(fetch.after(ready()).map(each([1, 2, 3])))

@flow
async def polls() -> str:
    await sleep("7d")
    return str(await total.submit([[1], [2]]))
"""
TESTS = """
import sys

import pytest
from flow import fetch, polls, ready, shop, sums, total
from toque import RunFailed, UserError, Variable
from toque.testing import clock, replace, stub, verify_idempotent, verify_replay


class Fake:
    url = "four"


@pytest.fixture(autouse=True)
def fakes():
    with clock("2026-03-29T00:30Z"), replace(shop, Fake()), replace(Variable("limit"), 10):
        yield


def test_a_task_is_a_function():
    assert fetch(1, api=Fake(), limit=2) == [1, 2, 4]


@pytest.mark.parametrize("times", range(20))
def test_a_pipeline_runs(times):
    run = sums.run()
    assert run.result == 1 + 2 + 3 + 3 * 14
    assert run[ready].result == "ready"
    assert [each.result for each in run[fetch]] == [[1, 10, 4], [2, 10, 4], [3, 10, 4]]


def test_hours_of_retries_take_no_time():
    with stub(fetch, raises=TimeoutError("slow")), pytest.raises(RunFailed) as failed:
        sums.run()
    assert [each.attempts for each in failed.value.run[fetch]] == [4, 4, 4]


def test_a_stub_answers():
    with stub(fetch, returns=[1]):
        assert sums.run().result == 3


def test_days_of_a_flow_take_no_time():
    assert polls.run().result == "3"
    assert verify_replay(polls)() == "3"


def test_a_wrong_parameter_is_refused():
    with pytest.raises(UserError):
        sums.run(pages="many")


def test_a_task_that_is_not_idempotent_is_found(tmp_path):
    def append(path):
        with open(path / "rows", "a") as file:
            file.write("row\\n")

    assert verify_idempotent(total, watch=[tmp_path])([[1]])


def test_under_a_running_loop():
    import asyncio

    async def main():
        return sums.run().result

    assert asyncio.run(main()) == 48


def test_nothing_was_needed():
    for module in ("sqlalchemy", "sqlite3", "psycopg", "alembic", "toque.executors.process", "toque.store.sqlite"):
        assert module not in sys.modules, module
"""


def test_they_need_no_database_no_server_and_no_process(project: Project) -> None:
    project.pipeline(PIPELINE)
    project.write("test_flow.py", TESTS)
    ended = _pytest(project)
    assert ended.returncode == 0, ended.stdout
    assert "28 passed" in ended.stdout
    assert not (project.root / ".toque").exists()


def _pytest(project: Project) -> subprocess.CompletedProcess[Any]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "test_flow.py"]
    return subprocess.run(command, cwd=project.root, env=project.environ, capture_output=True, text=True, check=False)

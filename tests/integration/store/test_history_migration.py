"""A store of the first release, once upgraded, shows the history that it had as if it had kept sums all along."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests import first_release
from tests import store_rows as rows
from tests.random_history import HOUR_US, PIPELINES, START_US, TASKS, RandomHistory
from toque.ports.history import History
from toque.ports.pages import RunQuery
from toque.store import open_store
from toque.store.memory import MemoryStore
from toque.store.migrations import upgrade

QUESTIONS: dict[str, Callable[[History], Awaitable[Any]]] = {
    "runs": lambda h: h.runs(RunQuery(limit=1000)),
    "by trigger": lambda h: h.runs(RunQuery(trigger="schedule")),
    "by pipeline and trigger": lambda h: h.runs(RunQuery(pipeline="weather", trigger="backfill")),
    "by a word": lambda h: h.runs(RunQuery(search="airport=ewr")),
    "by a pipeline": lambda h: h.runs(RunQuery(search="ünï")),
    "by a day": lambda h: h.runs(RunQuery(search="2013-01-0")),
    "by a flag": lambda h: h.runs(RunQuery(search="year=true")),
    "active": lambda h: h.active_counts(),
    "totals": lambda h: h.totals(),
    "attention": lambda h: h.attention(),
    **{
        f"calendar of {name}": lambda h, n=name: h.calendar(n, START_US, START_US + 9999 * HOUR_US, "Asia/Kathmandu")  # type: ignore[misc]
        for name in PIPELINES
    },
    **{f"grid of {name}": lambda h, n=name: h.grid(n, TASKS) for name in PIPELINES},  # type: ignore[misc]
}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_an_upgrade_sums_up_the_runs_that_have_ended(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model = MemoryStore()
    lives = RandomHistory(7, [model])
    await lives.live(200)
    model._pruned.clear()  # what the first release had deleted, it had forgotten
    stored = [await model.load_run(run_id) for run_id in lives.runs]
    url = f"sqlite:///{tmp_path}/toque.db" if kind == "sqlite" else request.getfixturevalue("empty_postgres_url")
    first_release.make(
        url, [found.run for found in stored if found], [task for found in stored if found for task in found.tasks]
    )
    assert upgrade(url)[0] == "0001"
    store = open_store(url)
    await store.open()
    for name, ask in QUESTIONS.items():
        assert await ask(store.history) == await ask(model.history), name
    for run_id in lives.runs:
        assert await store.history.nodes(run_id) == await model.history.nodes(run_id)
    await lives_go_on(store.history, model.history, lives, [model, store])
    await store.close()


async def lives_go_on(history: History, model: History, lives: RandomHistory, stores: list[Any]) -> None:
    """What is written after the upgrade goes with what the upgrade wrote."""
    lives._stores = stores
    await lives.live(60)
    for name, ask in QUESTIONS.items():
        assert await ask(history) == await ask(model), name


async def test_more_runs_than_are_read_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/toque.db"
    runs = [rows.run(f"r{n:04}", trigger="schedule") for n in range(1_203)]
    first_release.make(url, runs, [rows.task(run_id="r0000")])
    upgrade(url)
    store = open_store(url)
    await store.open()
    assert len((await store.history.runs(RunQuery(trigger="schedule", limit=2000))).runs) == 1_203
    assert len((await store.history.runs(RunQuery(search="p", limit=2000))).runs) == 1_203
    await store.close()

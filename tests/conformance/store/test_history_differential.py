"""Random histories: the databases, which read sums and indexes, answer as the memory store, which counts the rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.random_history import HOUR_US, PIPELINES, START_US, TASKS, TRIGGERS, RandomHistory
from toque.engine.states import RunState, TaskState
from toque.ports.history import History
from toque.ports.pages import RunQuery, TaskQuery
from toque.store import open_store

SEARCHES = (
    "",
    "",
    "fl",
    "flights.daily",
    "EW",
    "airport=j",
    "true",
    "year=2013",
    "2013-01-0",
    "day=2013",
    "0",
    "nope",
    "%",
)
TASK_SEARCHES = ("", "", "CON", "check_5", "0%", "%", "_", "!", "É!", "é", "3", "[1]", "0.2", "9999999999", "\0")


@pytest.mark.parametrize("seed", range(10))
async def test_all_stores_answer_pages_alike(seed: int, tmp_path: Path, postgres_url: str) -> None:
    stores = [open_store(url) for url in ("memory:", f"sqlite:///{tmp_path}/toque.db", postgres_url)]
    for store in stores:
        await store.open()
    history = RandomHistory(seed, stores)
    try:
        for _ in range(3):
            await history.live(40)
            pages = _Pages([store.history for store in stores], history)
            await pages.look_at_runs()
            await pages.look_at_task_runs()
    finally:
        for store in stores:
            await store.close()


class _Pages:
    """Asks all stores the same, and compares."""

    def __init__(self, histories: list[History], lives: RandomHistory) -> None:
        self._histories = histories
        self._lives = lives
        self._draw = lives.random

    async def _same(self, call: Callable[[History], Awaitable[Any]]) -> Any:
        model, *others = [await call(history) for history in self._histories]
        for other in others:
            assert other == model
        return model

    async def look_at_runs(self) -> None:
        names = [*PIPELINES, "none"]
        await self._same(lambda h: h.pipelines())
        await self._same(lambda h: h.recent(names, 5))
        await self._same(lambda h: h.active_counts())
        await self._same(lambda h: h.attention())
        await self._same(lambda h: h.attention(1))
        await self._same(lambda h: h.totals())
        ids = [*self._some_ids(5), "none"]
        await self._same(lambda h: h.get_runs(ids))
        for name in PIPELINES:
            from_us, to_us = self._range()
            for tz in ("UTC", "Asia/Kathmandu", "America/New_York"):
                await self._same(lambda h, n=name, f=from_us, t=to_us, z=tz: h.calendar(n, f, t, z))
            before = self._draw.choice(["", *self._lives.runs])
            await self._same(lambda h, n=name, b=before: h.durations(n, before=b, limit=7))
            for task in TASKS:
                await self._same(lambda h, n=name, t=task: h.durations(n, task=t))
        for _ in range(10):
            from_us, to_us = self._range()
            limit = self._draw.choice((1, 3, 100))
            await self._same(lambda h, f=from_us, t=to_us, n=limit: h.day(f, t, n))
        for _ in range(60):
            query = self._run_query()
            page = await self._same(lambda h, q=query: h.runs(q))
            assert len(page.runs) <= query.limit

    async def look_at_task_runs(self) -> None:
        for name in PIPELINES:
            before = self._draw.choice(["", *self._lives.runs])
            tasks = self._draw.sample(TASKS, 3)
            for limit in (1, 4, 50):
                await self._same(lambda h, n=name, t=tasks, m=limit, b=before: h.grid(n, t, limit=m, before=b))
        for run_id in ["none", *self._some_ids(8)]:
            await self._same(lambda h, r=run_id: h.nodes(r))
            await self._same(lambda h, r=run_id: h.first_failures(r, 2))
            for limit in (1, 10, 1000):
                await self._same(lambda h, r=run_id, n=limit: h.timeline(r, n))
            for _ in range(8):
                query = self._task_query(run_id)
                page = await self._same(lambda h, q=query: h.task_runs(q))
                for row in page.tasks:
                    assert row == await self._same(lambda h, t=row: h.task_run(t.run_id, t.task, t.map_index))

    def _some_ids(self, count: int) -> list[str]:
        return self._draw.sample([*self._lives.runs], min(count, len(self._lives.runs)))

    def _range(self) -> tuple[int, int]:
        from_us = START_US + self._draw.randrange(-100, 600) * HOUR_US
        return from_us, from_us + self._draw.choice((1, 20, 24, 500)) * HOUR_US

    def _run_query(self) -> RunQuery:
        draw = self._draw
        from_us, to_us = self._range()
        cursor = draw.choice(("before", "after", ""))
        return RunQuery(
            pipeline=draw.choice(("", *PIPELINES)),
            states=tuple(draw.sample([*RunState], draw.choice((0, 0, 1, 3)))),
            trigger=draw.choice(("", "", *TRIGGERS)),
            backfill_id=draw.choice(("", "", "b1")),
            from_us=draw.choice((0, from_us)),
            to_us=draw.choice((0, to_us)),
            search=draw.choice((*SEARCHES, *(run_id[:12] for run_id in self._some_ids(1)))),
            limit=draw.choice((1, 3, 50)),
            **({cursor: draw.choice([*self._lives.runs])} if cursor else {}),
        )

    def _task_query(self, run_id: str) -> TaskQuery:
        draw = self._draw
        cursor = draw.choice(("before", "after", ""))
        at = (draw.choice(TASKS), draw.choice(((), (3,), (1, 1))))
        return TaskQuery(
            run_id=run_id,
            task=draw.choice(("", *TASKS)),
            states=tuple(draw.sample([*TaskState], draw.choice((0, 1, 4)))),
            search=draw.choice(TASK_SEARCHES),
            limit=draw.choice((1, 3, 50)),
            **({cursor: at} if cursor else {}),
        )

"""Random lives of runs, the same for every store: created, started, worked at, ended, changed after that, deleted."""

from __future__ import annotations

import random

import msgspec

from tests import store_rows as rows
from toque.engine.rows import RunRow, TaskRow
from toque.engine.run_ids import base32, first_run_id
from toque.engine.states import RUN_TERMINAL, RunState, TaskState
from toque.ports.store import Store

START_US = 1_700_000_000_000_000
HOUR_US = 3_600_000_000
PIPELINES = ("flights", "flights.daily", "weather", "Ünïcode")
TRIGGERS = ("manual", "schedule", "backfill")
TASKS = ("extract", "convert", "convert[]", "load", "group.Check_50%", "é!")
ENDED_TASKS = (TaskState.SUCCEEDED, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED, TaskState.UPSTREAM_FAILED)


class RandomHistory:
    """Draws one step after the other; `do` carries a step out on any number of stores."""

    def __init__(self, seed: int, stores: list[Store]) -> None:
        self.random = random.Random(seed)
        self._stores = stores
        self._now_us = START_US
        self.runs: dict[str, RunRow] = {}
        self.tasks: dict[tuple[str, str, tuple[int, ...]], TaskRow] = {}

    async def live(self, steps: int) -> None:
        """Go on for some steps."""
        for _ in range(steps):
            self._now_us += self.random.choice((1_000, 60_000_000, 900_000_000, 7 * HOUR_US, 40 * HOUR_US))
            step = self.random.choice((self._create, self._create, self._work, self._work, self._end, self._end))
            await step()
        await self._delete()

    async def _create(self) -> None:
        draw = self.random
        run_id = first_run_id(self._now_us) + base32(draw.getrandbits(45), 9)
        run = rows.run(
            run_id,
            pipeline=draw.choice(PIPELINES),
            version=draw.choice(("v1", "v2")),
            state=draw.choice((RunState.QUEUED, RunState.RUNNING, RunState.CANCELLED)),
            trigger=draw.choice(TRIGGERS),
            backfill_id=draw.choice(("", "", "b1", "b2")),
            created_us=self._now_us,
            logical_us=draw.choice((0, self._now_us - draw.randrange(90 * HOUR_US))),
            parameters={
                "airport": draw.choice(("EWR", "JFK", "LGA", "ewr")),
                "year": draw.choice((2012, 2013, True, 1.5, None)),
                "day": {"date": f"2013-01-0{draw.randrange(1, 9)}"},
            },
        )
        if run.state is RunState.RUNNING:
            run.started_us = self._now_us + 500
        if run.state is RunState.CANCELLED:
            run.finished_us = self._now_us + 1
        self.runs[run_id] = run
        if draw.random() < 0.5:
            for store in self._stores:
                await store.create_run(msgspec.structs.replace(run))
        else:
            await self._write([run], [])

    async def _work(self) -> None:
        """Some task runs of a run go on."""
        run = self._some_run(lambda run: run.state not in RUN_TERMINAL)
        if run is None:
            return
        if run.state is RunState.QUEUED:
            run.state, run.started_us = RunState.RUNNING, self._now_us
        await self._write([run], [self._task(run) for _ in range(self.random.randrange(12))])

    async def _end(self) -> None:
        """A run ends, or one that has ended is changed: marked, or opened again."""
        run = self._some_run(lambda run: run.state not in RUN_TERMINAL or self.random.random() < 0.2)
        if run is None:
            return
        run.state = self.random.choice((RunState.SUCCEEDED, RunState.FAILED, RunState.FAILED, RunState.CANCELLED))
        run.finished_us = self._now_us
        if self.random.random() < 0.05:
            run.state, run.finished_us = RunState.SUSPENDED, 0
        await self._write([run], [self._task(run) for _ in range(self.random.randrange(3))])

    async def _delete(self) -> None:
        before_us = START_US + self.random.randrange(1, self._now_us - START_US)
        pruned = [await store.prune(before_us=before_us, keep_last=2, limit=5) for store in self._stores]
        assert all(ids == pruned[0] for ids in pruned)
        for run_id in pruned[0]:
            del self.runs[run_id]

    async def _write(self, runs: list[RunRow], tasks: list[TaskRow]) -> None:
        for store in self._stores:
            await store.commit(rows.commit(runs=[*map(msgspec.structs.replace, runs)], tasks=tasks))

    def _task(self, run: RunRow) -> TaskRow:
        draw = self.random
        state = draw.choice((*ENDED_TASKS, *TaskState))
        name = draw.choice(TASKS)
        index = draw.choice(((), (draw.randrange(70),), (draw.randrange(3), draw.randrange(3))))
        return rows.task(
            name,
            index if name in ("convert", "é!") else (),
            run.run_id,
            state=state,
            ready_us=self._now_us - 10,
            dispatched_us=self._now_us - 8,
            started_us=draw.choice((0, self._now_us - draw.randrange(5))),
            finished_us=self._now_us if state.is_terminal else 0,
            reason=draw.choice(("", "because")),
        )

    def _some_run(self, fits: object) -> RunRow | None:
        found = [run for run in self.runs.values() if fits(run)]  # type: ignore[operator]
        return self.random.choice(found) if found else None

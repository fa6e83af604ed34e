"""One random sequence of ticks, pauses, versions and backfills through all three stores: they answer the same.

The memory store is the model. Half of what is recorded was decided on a row that is no longer so.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests import store_rows as rows
from tests import trigger_rows as made
from tests.conformance.store.test_differential import urls as urls
from toque.engine.states import BackfillState, RunState, SliceState, TickOutcome
from toque.errors import ToqueError
from toque.ports.backfills import BackfillRow, BackfillStage, SliceQuery
from toque.ports.store import Store
from toque.ports.triggers import Change, ScheduleFilter, ScheduleRow
from toque.store import open_store

T = TypeVar("T")

NAMES = st.sampled_from(["a", "b"])
PIPELINES = st.sampled_from(["p", "q"])
TIMES = st.integers(1, 60)
OUTCOMES = st.sampled_from(TickOutcome)


class _Differential(RuleBasedStateMachine):
    """Drives the stores; `urls` is set by the test."""

    urls: Callable[[], list[str]]

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._stores: list[Store] = []
        self._numbers = itertools.count()
        self._seen: list[ScheduleRow] = []
        self._plans: list[BackfillRow] = []
        self._runs: list[str] = []

    @initialize()
    def open(self) -> None:
        self._stores = [open_store(url) for url in type(self).urls()]
        self._same(lambda store: store.open())

    def teardown(self) -> None:
        for store in self._stores:
            self._loop.run_until_complete(store.close())
        self._loop.close()

    def _same(self, call: Callable[[Store], Awaitable[T]]) -> Any:
        async def answers() -> list[Any]:
            return list(await asyncio.gather(*(_outcome(call(store)) for store in self._stores)))

        model, *others = self._loop.run_until_complete(answers())
        for store, other in zip(self._stores[1:], others, strict=True):
            assert other == model, f"{store.kind} answers {other!r}, memory {model!r}"
        return model

    def _run(self, **fields: Any) -> Any:
        run_id = f"r{next(self._numbers):05}"
        self._runs.append(run_id)
        return made.queued(run_id, fields.pop("at_us"), **fields)

    @rule(data=st.data(), name=NAMES, pipeline=PIPELINES, cursor=TIMES, tell=st.booleans(), retired=st.booleans())
    def record(self, data: st.DataObject, name: str, pipeline: str, cursor: int, tell: bool, retired: bool) -> None:
        id = f"{pipeline}/{name}"  # noqa: A001
        now = self._same(lambda store: store.triggers.get_schedule(id))
        mine = [row for row in self._seen if row.id == id]
        before = data.draw(st.sampled_from([now, None, *mine[-2:]]))
        after = made.schedule(
            name, pipeline, cursor_us=cursor, retired=retired, paused=tell, next_due_us=0 if retired else cursor + 5
        )
        after.revision = before.revision if before is not None else 0
        ticks, runs = [], []
        for at_us in sorted(data.draw(st.sets(TIMES, max_size=3))):
            outcome = data.draw(OUTCOMES)
            run = self._run(at_us=at_us, pipeline=pipeline) if outcome is TickOutcome.STARTED else None
            runs += [run] if run is not None else []
            ticks.append(made.tick(at_us, id, outcome=outcome, run_id=run.run_id if run else ""))
        change = Change(before=before, after=after, ticks=ticks, runs=runs, tell=tell)
        synced = data.draw(st.none() | st.tuples(PIPELINES, st.sampled_from(["p-v1", "q-v1", "p-v2"])))
        self._same(lambda store: store.triggers.record([change], synced=synced))
        self._seen += [row for row in [self._same(lambda store: store.triggers.get_schedule(id))] if row is not None]

    @rule(name=st.sampled_from(["v1", "v2"]), pipeline=PIPELINES, current=st.booleans())
    def put_version(self, name: str, pipeline: str, current: bool) -> None:
        version = rows.version(f"{pipeline}-{name}", pipeline=pipeline)
        self._same(lambda store: store.put_version(version, make_current=current))

    @rule(data=st.data(), state=st.sampled_from([RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED]))
    def end_a_run(self, data: st.DataObject, state: RunState) -> None:
        if not self._runs:
            return
        run_id = data.draw(st.sampled_from(self._runs))
        stored = self._same(lambda store: store.load_run(run_id))
        if stored is not None:
            ended = msgspec.structs.replace(stored.run, state=state, finished_us=9, reason="why")
            self._same(lambda store: store.commit(rows.commit(runs=[ended])))

    @rule(pipeline=PIPELINES)
    def plan(self, pipeline: str) -> None:
        row = made.backfill(f"b{next(self._numbers):05}", pipeline=pipeline)
        slices = []
        if pipeline == "q":
            row.stages = (BackfillStage(version="v1", assets=("a",), total=3),)
            slices = made.slices(row.id, 3)
        self._same(lambda store: store.backfills.create(row, slices))
        self._plans.append(row)

    @rule(data=st.data(), state=st.sampled_from(BackfillState), at_us=TIMES, of_slice=st.sampled_from(SliceState))
    def advance(self, data: st.DataObject, state: BackfillState, at_us: int, of_slice: SliceState) -> None:
        if not self._plans:
            return
        plan = data.draw(st.sampled_from(self._plans))
        after = msgspec.structs.replace(plan, state=state, started=plan.started + 1, finished_us=at_us)
        run = self._run(at_us=next(self._numbers), backfill_id=plan.id)
        slices = made.slices(plan.id, 2, state=of_slice, run_id=run.run_id) if plan.stages else []
        if self._same(lambda store: store.backfills.advance(after, [run], slices)):
            self._plans.append(msgspec.structs.replace(after, revision=after.revision + 1))

    @rule(before=TIMES, keep=st.integers(1, 3))
    def prune(self, before: int, keep: int) -> None:
        self._same(lambda store: store.triggers.prune_ticks(before_us=before, keep_last=keep))

    @invariant()
    def everything_is_the_same(self) -> None:
        if not self._stores:
            return
        for where in (
            ScheduleFilter(retired=True),
            ScheduleFilter(pipeline="p"),
            ScheduleFilter(since_revision=2),
            ScheduleFilter(due_before_us=40),
        ):
            self._same(lambda store, where=where: store.triggers.list_schedules(where))
        self._same(lambda store: store.triggers.revision())
        self._same(lambda store: store.triggers.unsynced())
        self._same(lambda store: store.triggers.list_missed(since_us=20))
        self._same(lambda store: store.counters())
        for id in ("p/a", "p/b", "q/a"):  # noqa: A001
            self._same(lambda store, id=id: store.triggers.list_ticks(id, before_us=50))  # noqa: A006
        self._same(lambda store: store.backfills.list_backfills())
        self._same(lambda store: store.backfills.running())
        for plan in self._plans[-2:]:
            for where in (SliceQuery(), SliceQuery(states=(SliceState.FAILED, SliceState.WAITING), after=0, limit=2)):
                self._same(lambda store, id=plan.id, where=where: store.backfills.slices(id, where))  # noqa: A006
            self._same(lambda store, id=plan.id: store.backfills.slice_counts(id))  # noqa: A006


async def _outcome(call: Awaitable[T]) -> Any:
    try:
        return await call
    except ToqueError as error:
        return (type(error).__name__,)


def test_the_three_stores_answer_the_same_about_what_starts_runs(urls: Callable[[], list[str]]) -> None:
    class Differential(_Differential):
        pass

    Differential.urls = staticmethod(urls)
    run_state_machine_as_test(
        Differential,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

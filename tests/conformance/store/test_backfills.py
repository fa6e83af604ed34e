"""Backfills: a plan advances by one hand at a time, and its counts come from its runs."""

from __future__ import annotations

import asyncio

import msgspec

from tests import store_rows as rows
from tests import trigger_rows as made
from tests.conformance.store.conftest import Place
from toque.engine.states import BackfillState, RunState, SliceState
from toque.graph.partitions import TimeWindows
from toque.ports.backfills import BackfillRow, BackfillStage, SliceQuery
from toque.ports.store import RunFilter, Store


async def test_a_plan_comes_back_as_it_was_made(store: Store) -> None:
    plan = made.backfill(reverse=True, actor="ann", reason="late data", definition=b"{}", cursor_us=7, started=1)
    await store.backfills.create(plan)
    assert await store.backfills.get("b1") == plan
    assert await store.backfills.get("b2") is None
    assert await store.backfills.running() == [plan]


async def test_a_step_writes_the_plan_and_its_runs_once(store: Store) -> None:
    plan = made.backfill()
    await store.backfills.create(plan)
    step = msgspec.structs.replace(plan, started=1, cursor_us=10)
    assert await store.backfills.advance(step, [made.queued("r1", 10, backfill_id="b1")])
    assert not await store.backfills.advance(step, [made.queued("r2", 10, backfill_id="b1")])
    assert [run.run_id for run in await store.list_runs(RunFilter())] == ["r1"]
    [now] = await store.backfills.running()
    assert (now.started, now.cursor_us, now.revision) == (1, 10, plan.revision + 1)
    assert not await store.backfills.advance(made.backfill("nope"))


async def test_of_servers_that_race_for_a_step_one_makes_it(place: Place) -> None:
    stores = [await place.open() for _ in range(3)]
    plan = made.backfill()
    await stores[0].backfills.create(plan)

    async def step(n: int, store: Store) -> bool:
        return await store.backfills.advance(plan, [made.queued(f"r{n}", 10, backfill_id="b1")])

    assert sum(await asyncio.gather(*(step(n, store) for n, store in enumerate(stores)))) == 1
    assert len(await stores[0].list_runs(RunFilter())) == 1


async def test_progress_is_counted_from_the_runs_and_kept_at_the_end(store: Store) -> None:
    plan = made.backfill()
    await store.backfills.create(plan)
    states = [RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.RUNNING, RunState.QUEUED]
    runs = [made.queued(f"r{n}", n, backfill_id="b1") for n in range(len(states))]
    await store.backfills.advance(msgspec.structs.replace(plan, started=5), runs)
    ended = [msgspec.structs.replace(run, state=state) for run, state in zip(runs, states, strict=True)]
    await store.commit(rows.commit(runs=ended))
    assert await store.backfills.progress("b1") == dict.fromkeys(states, 1)
    assert await store.backfills.unfinished("b1") == ["r3", "r4"]
    assert await store.backfills.unfinished("b1", 1) == ["r3"]
    now = await store.backfills.get("b1")
    assert now is not None
    assert (now.succeeded, now.failed) == (1, 2)
    over = msgspec.structs.replace(now, state=BackfillState.FAILED, finished_us=9, succeeded=4, failed=1)
    assert await store.backfills.advance(over)
    kept = await store.backfills.get("b1")
    assert kept is not None
    assert (kept.succeeded, kept.failed) == (4, 1)
    assert await store.backfills.running() == []


async def test_plans_are_listed_newest_first(store: Store) -> None:
    for n, pipeline in enumerate("pqp"):
        await store.backfills.create(made.backfill(f"b{n}", pipeline=pipeline))

    async def ids(**where: object) -> list[str]:
        return [row.id for row in await store.backfills.list_backfills(**where)]  # type: ignore[arg-type]

    assert await ids() == ["b2", "b1", "b0"]
    assert await ids(pipeline="p") == ["b2", "b0"]
    assert await ids(limit=1, before="b2") == ["b1"]


async def test_old_plans_that_have_ended_are_pruned(store: Store) -> None:
    await store.backfills.create(made.backfill("b0"))
    for n, finished_us in enumerate((5, 50), 1):
        await store.backfills.create(made.backfill(f"b{n}", state=BackfillState.SUCCEEDED, finished_us=finished_us))
    assert await store.triggers.prune_ticks(before_us=10, keep_last=1) == 1
    assert [row.id for row in await store.backfills.list_backfills()] == ["b2", "b0"]


def of_assets() -> BackfillRow:
    cut = TimeWindows(every="day", start="2026-01-01")
    return made.backfill(schedule="", stages=(BackfillStage(version="v1", assets=("a", "b"), partitions=cut, total=3),))


async def test_a_plan_of_assets_has_a_slice_for_each_of_its_runs(store: Store) -> None:
    plan, slices = of_assets(), made.slices("b1", 3)
    await store.backfills.create(plan, slices)
    assert await store.backfills.slices("b1", SliceQuery()) == slices
    assert await store.backfills.slices("b2", SliceQuery()) == []
    assert await store.backfills.slices("b1", SliceQuery(after=0, limit=1)) == [slices[1]]
    begun = made.slices("b1", 1, state=SliceState.RUNNING, run_id="r1")
    assert await store.backfills.advance(plan, [made.queued("r1", 10, backfill_id="b1")], begun)
    assert not await store.backfills.advance(plan, [], made.slices("b1", 3, state=SliceState.FAILED))
    assert await store.backfills.slice_counts("b1") == {SliceState.RUNNING: 1, SliceState.WAITING: 2}
    waiting = SliceQuery(states=(SliceState.WAITING,), limit=1)
    assert await store.backfills.slices("b1", waiting) == [slices[1]]
    both = SliceQuery(states=(SliceState.WAITING, SliceState.RUNNING))
    assert await store.backfills.slices("b1", both) == [*begun, *slices[1:]]


async def test_runs_of_one_instant_are_different_slices(store: Store) -> None:
    """Partitions that are no windows of time share the moment at which they were planned."""
    plan = of_assets()
    await store.backfills.create(plan, made.slices("b1", 2))
    runs = [made.queued(f"r{n}", 10, backfill_id="b1") for n in range(2)]
    assert await store.backfills.advance(plan, runs, [])
    assert await store.backfills.unfinished("b1") == ["r0", "r1"]


async def test_a_plan_of_assets_is_counted_by_its_slices(store: Store) -> None:
    plan, slices = of_assets(), made.slices("b1", 3)
    await store.backfills.create(plan, slices)
    for each, state in zip(slices, (SliceState.SUCCEEDED, SliceState.SKIPPED, SliceState.WAITING), strict=True):
        each.state = state
    await store.backfills.advance(plan, [], slices)
    now = await store.backfills.get("b1")
    assert now is not None
    assert (now.started, now.succeeded, now.failed, now.skipped, now.fresh) == (2, 1, 0, 1, 0)


async def test_slices_go_with_their_plan(store: Store) -> None:
    plan = of_assets()
    await store.backfills.create(plan, made.slices("b1", 3))
    over = msgspec.structs.replace(plan, state=BackfillState.SUCCEEDED, finished_us=5)
    assert await store.backfills.advance(over)
    assert await store.triggers.prune_ticks(before_us=10, keep_last=1) == 1
    assert await store.backfills.slices("b1", SliceQuery()) == []

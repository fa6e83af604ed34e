"""Backfills, on a virtual clock: every tick of the span has one run, a few at a time, whatever happens on the way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.unit.runtime.clockwork import HOUR, T0, Clockwork, Server, hourly
from toque import pipeline, task
from toque.engine.states import BackfillState, RunState
from toque.errors import NotFound, UserError
from toque.graph.ir import Concurrency
from toque.graph.schedules import IntervalRule
from toque.ports.backfills import BackfillRow
from toque.ports.store import StoreUnavailable, VersionRow
from toque.runtime.backfill_orders import cancel_backfill
from toque.runtime.backfills import plan_backfill, remaining, ticks_of
from toque.runtime.pausing import find_schedule
from toque.store.memory import MemoryStore


@task
def fragile(x: int) -> int:
    raise ValueError("no")


@pipeline
def breaks(n: int = 1) -> int:
    return fragile(n)


async def planned(place: Clockwork, hours: int = 5, **options: Any) -> BackfillRow:
    """A plan of the first hours of the day before, stored."""
    schedule = await find_schedule(place.store, "report")
    given = {"max_active": 2, "now_us": place.clock.now_us(), **options}
    row = plan_backfill(schedule, (T0 - 24 * HOUR, T0 - (24 - hours) * HOUR), **given)
    await place.store.backfills.create(row)
    return row


async def carried_out(server: Server) -> None:
    """Let the role go on until nothing is left to do."""
    for _ in range(200):
        await server.backfilling._carry_out()
        await server.settle()


async def defined(place: Clockwork, server: Server, **options: Any) -> None:
    await place.define(hourly(), **options)
    await server.at(T0 + 1)


async def test_each_tick_of_the_span_gets_one_run_with_its_interval() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place)
        assert (row.total, row.state) == (5, BackfillState.RUNNING)
        await carried_out(server)
    runs = await place.runs()
    assert [(run.logical_us - T0) // HOUR for run in runs] == [-24, -23, -22, -21, -20]
    assert {(run.trigger, run.backfill_id, run.state) for run in runs} == {("backfill", row.id, RunState.SUCCEEDED)}
    assert all(run.interval_end_us - run.interval_start_us == HOUR for run in runs)
    assert all(run.parameters == {"n": 1} and run.priority < 0 for run in runs)
    done = await place.store.backfills.get(row.id)
    assert done is not None
    assert (done.state, done.started, done.succeeded, done.failed) == (BackfillState.SUCCEEDED, 5, 5, 0)
    assert done.finished_us > 0


async def test_the_role_carries_a_plan_out_by_itself() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place, max_active=1)
        server.backfilling.start()
        server.backfilling.poke()
        await place.clock.wait_until(T0 + HOUR // 2)
        await server.settle()
        await server.backfilling.stop()
    done = await place.store.backfills.get(row.id)
    assert done is not None
    assert (done.state, done.succeeded) == (BackfillState.SUCCEEDED, 5)


async def test_no_more_are_active_than_asked_for() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place, max_active=2)
        for _ in range(3):
            await server.backfilling._carry_out()
        progress = await place.store.backfills.progress(row.id)
        assert sum(progress.values()) == 2
        await carried_out(server)
    assert len(await place.runs()) == 5


async def test_the_newest_may_come_first() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        await planned(place, max_active=1, reverse=True)
        for _ in range(5):
            place.clock.advance(1)
            await server.backfilling._carry_out()
            await server.settle()
    by_id = sorted(await place.runs(), key=lambda run: run.run_id)
    assert [(run.logical_us - T0) // HOUR for run in by_id] == [-20, -21, -22, -23, -24]


async def test_a_plan_goes_on_after_its_server_died() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place, max_active=3)
        server.runtime.post = lambda message: None  # type: ignore[method-assign]
        await server.backfilling._carry_out()
    place.store.lose(server.runtime.instance)
    async with place.server() as server:
        assert (await server.runtime.adopt()).total == 3
        await carried_out(server)
    runs = await place.runs()
    assert len(runs) == len({run.logical_us for run in runs}) == row.total
    assert {run.state for run in runs} == {RunState.SUCCEEDED}


async def test_two_servers_share_a_plan() -> None:
    place = Clockwork()
    async with place.server() as one, place.server() as other:
        await defined(place, one)
        row = await planned(place, hours=20, max_active=3)
        for _ in range(60):
            await one.backfilling._carry_out()
            await other.backfilling._carry_out()
            assert len(await place.store.backfills.unfinished(row.id)) <= 3
            await one.settle()
            await other.settle()
    assert Counter(run.logical_us for run in await place.runs()).most_common(1)[0][1] == 1
    done = await place.store.backfills.get(row.id)
    assert done is not None
    assert (done.state, done.succeeded) == (BackfillState.SUCCEEDED, 20)


async def test_a_plan_whose_runs_fail_has_failed() -> None:
    place = Clockwork()
    async with place.server() as server:
        await place.define(hourly(), of=breaks.ir)
        await server.at(T0 + 1)
        schedule = await find_schedule(place.store, "breaks")
        row = plan_backfill(schedule, (T0 - 3 * HOUR, T0), max_active=5, now_us=T0)
        await place.store.backfills.create(row)
        await carried_out(server)
    done = await place.store.backfills.get(row.id)
    assert done is not None
    assert (done.state, done.succeeded, done.failed) == (BackfillState.FAILED, 0, 3)


@pytest.mark.parametrize("overlap", ["skip", "cancel_older", "queue"])
async def test_no_run_of_a_plan_is_lost_to_the_overlap_policy(overlap: Any) -> None:
    """One on top of the limit would be skipped, or end another."""
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server, concurrency=Concurrency(max_active_runs=1, overlap=overlap))
        await planned(place, max_active=4)
        await carried_out(server)
    assert [run.state for run in await place.runs()] == [RunState.SUCCEEDED] * 5


async def test_a_cancel_starts_no_more_and_cancels_what_has_not_ended() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place, max_active=2)
        server.runtime.post = lambda message: None  # type: ignore[method-assign]
        await server.backfilling._carry_out()
        cancelled = await cancel_backfill(place.store, row.id, actor="ann", reason="wrong span", now_us=T0 + 5)
        assert (cancelled.state, cancelled.finished_us, cancelled.reason) == (
            BackfillState.CANCELLED,
            T0 + 5,
            "wrong span",
        )
        await server.backfilling._carry_out()
        assert len(await place.runs()) == 2
        commands = await place.store.list_commands(server.runtime.instance)
        assert [(command.kind, command.actor) for command in commands] == [("cancel", "ann")] * 2
        again = await cancel_backfill(place.store, row.id, actor="bob", now_us=T0 + 6)
        assert again.finished_us == T0 + 5
    with pytest.raises(NotFound, match="no backfill 'nope'"):
        await cancel_backfill(place.store, "nope", actor="ann", now_us=1)


async def test_what_cannot_be_planned_is_refused() -> None:
    place = Clockwork()
    async with place.server() as server:
        await place.define(hourly(), hourly("quick", rule=IntervalRule(every_s=1)), hourly("late", start_us=T0))
        await server.at(T0 + 1)
    schedule = await find_schedule(place.store, "report/s")
    with pytest.raises(UserError, match="ends after it begins"):
        plan_backfill(schedule, (T0, T0), max_active=1, now_us=T0)
    with pytest.raises(UserError, match="1 to 1000 at a time, not 0"):
        plan_backfill(schedule, (0, T0), max_active=0, now_us=T0)
    with pytest.raises(UserError, match="no tick in that span"):
        plan_backfill(await find_schedule(place.store, "report/late"), (T0 - HOUR, T0), max_active=1, now_us=T0)
    quick = await find_schedule(place.store, "report/quick")
    with pytest.raises(UserError, match="more than 100,000 ticks"):
        plan_backfill(quick, (T0 - 48 * HOUR, T0), max_active=1, now_us=T0)
    with pytest.raises(NotFound, match="3 schedules"):
        await find_schedule(place.store, "report")
    with pytest.raises(NotFound, match="did you mean 'report'"):
        await find_schedule(place.store, "repotr")


async def test_a_plan_is_not_changed_by_an_edit_under_way() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place, max_active=1)
        await server.backfilling._carry_out()
        await server.settle()
        await place.define(hourly(parameters={"n": 99}, rule=IntervalRule(every_s=60)))
        await server.at(T0 + 2)
        await carried_out(server)
    runs = [run for run in await place.runs() if run.backfill_id == row.id]
    assert len(runs) == 5
    assert {(run.version, run.parameters["n"]) for run in runs} == {(row.version, 1)}


async def test_code_that_is_elsewhere_holds_a_plan_up_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place)
    place.has_code = False
    async with place.server() as server:
        await carried_out(server)
    assert await place.runs() == []
    lines = [record for record in caplog.records if "cannot go on here" in record.getMessage()]
    assert len(lines) == 1
    assert await place.store.backfills.running() == [row]


async def test_a_step_whose_answer_was_lost_is_not_made_again() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        await planned(place, max_active=2)
        advance, lost = place.store.backfills.advance, [True]

        async def losing(row: BackfillRow, runs: Any = ()) -> bool:
            won = await advance(row, runs)
            if lost:
                lost.pop()
                raise StoreUnavailable("the answer is lost")
            return won

        place.store.backfills.advance = losing  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            await server.backfilling._carry_out()
        await carried_out(server)
    runs = await place.runs()
    assert len(runs) == len({run.logical_us for run in runs}) == 5
    assert {run.state for run in runs} == {RunState.SUCCEEDED}


async def test_what_remains_of_a_plan_follows_from_the_tick_that_was_started_last() -> None:
    place = Clockwork()
    async with place.server() as server:
        await defined(place, server)
        row = await planned(place)
    found = ticks_of(row)
    assert [tick.at_us for tick in remaining(row, found, 2)] == [found[0].at_us, found[1].at_us]
    row.started, row.cursor_us = 2, found[1].at_us
    assert remaining(row, found, 9) == found[2:]
    row.reverse, row.cursor_us = True, found[3].at_us
    assert remaining(row, found, 2) == [found[2], found[1]]
    row.cursor_us = found[0].at_us
    assert remaining(row, found, 2) == []
    row.started = 0
    assert remaining(row, found, 1) == [found[4]]


async def test_a_pipeline_without_a_schedule_says_so() -> None:
    store = MemoryStore()
    row = VersionRow(version="v", pipeline="words", ir_hash="h", bundle="b", ir=b"", created_us=1)
    await store.put_version(row, make_current=True)
    with pytest.raises(NotFound, match="words has no schedule"):
        await find_schedule(store, "words")
    with pytest.raises(NotFound, match="there is no schedule 'words/daily'"):
        await find_schedule(store, "words/daily")

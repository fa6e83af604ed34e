"""Backfills of assets, on a virtual clock: every slice once, stage after stage, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import store_rows as rows
from tests.unit.runtime import kitchen
from tests.unit.runtime.clockwork import Clockwork
from tests.unit.runtime.kitchen import BROKEN, MADE, VALUES, carried_out, made, of, planned, states
from toque.engine.assets import Observed
from toque.engine.rows import AssetEventRow
from toque.engine.states import BackfillState, RunState, SliceState
from toque.errors import Conflict, NotFound, UserError
from toque.ports.assets import DynamicKey
from toque.ports.store import StoreUnavailable
from toque.runtime.backfill_orders import cancel_backfill, pause_backfill, retry_backfill
from toque.runtime.messages import Launch

DONE, FAILED, HELD = SliceState.SUCCEEDED, SliceState.FAILED, SliceState.SKIPPED
DAY = "2026-01-0"


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    kitchen.clean()
    yield
    kitchen.clean()


async def test_every_slice_is_made_once_and_after_what_it_is_made_from() -> None:
    place = Clockwork()
    row = await made(place, "+cheese", partitions="all", max_active=3)
    assert (row.state, row.total, row.succeeded) == (BackfillState.SUCCEEDED, 7, 7)
    assert [stage.assets for stage in row.stages] == [("milk", "curd"), ("cheese",)]
    assert set(MADE.values()) == {1}
    runs = await place.runs()
    assert {run.trigger for run in runs} == {"backfill"}
    [last] = [run for run in runs if not run.partition_key]
    assert last.started_us >= max(run.finished_us for run in runs if run.partition_key)
    first = next(run for run in runs if run.partition_key == f"{DAY}1")
    assert (last.title, first.title) == ("materialize cheese", f"materialize milk, curd · {DAY}1")
    assert (first.interval_end_us - first.interval_start_us) // 3_600_000_000 == 24


async def test_a_slice_begins_when_what_it_reads_is_done_whatever_else_goes_on() -> None:
    place = Clockwork()
    BROKEN.add(f"{DAY}1")
    async with place.server() as server:
        row = await planned(place, "+drinks", partitions="all", max_active=3)
        held: list[Launch] = []
        post = server.runtime.post

        def holding(message: object) -> None:
            if isinstance(message, Launch) and message.row.partition_key == f"{DAY}4" and not held:
                held.append(message)  # milk of the fourth takes its time
            else:
                post(message)  # type: ignore[arg-type]

        server.runtime.post = holding  # type: ignore[method-assign]
        await carried_out(server)
        now = await states(place, row)
        assert [now[f"kefir[{DAY}{n}]"] for n in (1, 2)] == [HELD, HELD]
        assert [now[f"kefir[{DAY}{n}]"] for n in (3, 6)] == [DONE, DONE]
        assert [now[f"kefir[{DAY}{n}]"] for n in (4, 5)] == [SliceState.WAITING] * 2
        assert now["drinks[]"] is SliceState.WAITING
        post(held[0])
        await server.settle()
        await carried_out(server)
    done = await states(place, row)
    assert [done[f"kefir[{DAY}{n}]"] for n in (4, 5)] == [DONE, DONE]
    assert done["drinks[]"] is HELD
    assert set(MADE.values()) == {1}


async def test_no_more_are_active_than_asked_for() -> None:
    place = Clockwork()
    async with place.server() as server:
        row = await planned(place, "milk", partitions="all", max_active=2)
        server.runtime.post = lambda message: None  # type: ignore[method-assign]
        for _ in range(3):
            await server.backfilling._carry_out()
    assert await place.store.backfills.slice_counts(row.id) == {SliceState.RUNNING: 2, SliceState.WAITING: 4}


async def test_what_failed_holds_back_what_is_made_from_it_and_is_retried_alone() -> None:
    place = Clockwork()
    BROKEN.update({f"{DAY}2", f"{DAY}5"})
    row = await made(place, "+cheese", partitions="all")
    assert (row.state, row.succeeded, row.failed, row.skipped) == (BackfillState.FAILED, 4, 2, 1)
    found = await kitchen.slices(place, row)
    assert found[1].error == f"sour milk of {DAY}2"
    assert found[-1].error == f"curd[{DAY}2] was not made"
    BROKEN.clear()
    MADE.clear()
    again = await retry_backfill(place.store, row.id)
    assert (again.state, again.started, again.rounds, again.finished_us) == (BackfillState.RUNNING, 4, 1, 0)
    async with place.server() as server:
        await carried_out(server)
    done = await of(place, row)
    assert (done.state, done.succeeded, done.failed, done.skipped) == (BackfillState.SUCCEEDED, 7, 0, 0)
    assert sorted(MADE) == sorted([*(f"{name}[{DAY}{n}]" for name in ("milk", "curd") for n in (2, 5)), "cheese[]"])
    with pytest.raises(Conflict, match="nothing of the backfill"):
        await retry_backfill(place.store, row.id)


async def test_what_failed_in_a_backfill_can_be_planned_anew_until_it_was_made() -> None:
    place = Clockwork()
    BROKEN.add(f"{DAY}3")
    await made(place, "milk", partitions="all")
    row = await planned(place, "milk", failed=True)
    assert [each.partition for each in await kitchen.slices(place, row)] == [f"{DAY}3"]
    BROKEN.clear()
    async with place.server() as server:
        await carried_out(server)
    assert (await planned(place, "milk", failed=True)).total == 0


async def test_only_what_was_never_made_is_made_if_asked_for() -> None:
    place = Clockwork()
    await made(place, "milk", partitions=f"{DAY}1..{DAY}4")
    row = await made(place, "milk", missing=True)
    assert await states(place, row) == {f"milk[{DAY}5]": DONE, f"milk[{DAY}6]": DONE}
    assert (await planned(place, "milk", missing=True)).total == 0


async def test_of_what_is_stale_a_slice_that_comes_out_as_it_was_stops_the_wave() -> None:
    """Curd is no more than 5: more milk than that changes nothing behind it."""
    place = Clockwork()
    VALUES.update({f"{DAY}2": 5})
    await made(place, "+cheese", partitions="all")
    assert (await planned(place, "+cheese", stale=True)).total == 0
    VALUES.update({f"{DAY}2": 9, f"{DAY}4": 2})
    await made(place, "milk", partitions=f"{DAY}2,{DAY}4,{DAY}5")
    MADE.clear()
    row = await made(place, "+cheese", stale=True)
    assert await states(place, row) == {f"curd[{DAY}2]": DONE, f"curd[{DAY}4]": DONE, "cheese[]": DONE}
    assert set(MADE) == {f"curd[{DAY}2]", f"curd[{DAY}4]", "cheese[]"}
    VALUES.update({f"{DAY}2": 10})
    await made(place, "milk", partitions=f"{DAY}2")
    MADE.clear()
    row = await made(place, "+cheese", stale=True)
    assert await states(place, row) == {f"curd[{DAY}2]": DONE, "cheese[]": SliceState.FRESH}
    assert set(MADE) == {f"curd[{DAY}2]"}
    assert (row.state, row.fresh) == (BackfillState.SUCCEEDED, 1)


async def test_what_somebody_saw_change_makes_what_is_made_from_it_stale() -> None:
    place = Clockwork()
    await made(place, "+cheese", partitions="all")
    seen = Observed(asset="milk", partition=f"{DAY}3", data_version="another")
    row = AssetEventRow(
        run_id="look",
        task="t",
        attempt=1,
        n=0,
        pipeline="p",
        asset="milk",
        partition=f"{DAY}3",
        kind="observed",
        at_us=place.clock.now_us(),
        event=seen,
    )
    await place.store.commit(rows.commit(runs=[rows.run("look")], asset_events=[row]))
    row_of_plan = await made(place, "curd+", stale=True)
    assert await states(place, row_of_plan) == {f"curd[{DAY}3]": DONE, "cheese[]": SliceState.FRESH}


async def test_ranges_are_one_run_each_and_every_partition_is_known() -> None:
    place = Clockwork()
    row = await made(place, "butter", partitions=f"{DAY}1..{DAY}4,{DAY}6", strategy="ranges(3)")
    assert list(await states(place, row)) == [
        f"butter[{DAY}1..{DAY}3]",
        f"butter[{DAY}4]",
        f"butter[{DAY}6]",
    ]
    assert sorted(MADE) == [f"butter[{DAY}1-3]", f"butter[{DAY}4-1]", f"butter[{DAY}6-1]"]
    known = await place.store.assets.slices("butter")
    assert [each.partition[-1] for each in known if each.materialized_us] == ["1", "2", "3", "4", "6"]
    single = await made(place, "butter", partitions="all", strategy="single_run")
    assert list(await states(place, single)) == [f"butter[{DAY}1..{DAY}6]"]


async def test_an_asset_that_forgets_a_partition_of_its_span_has_failed() -> None:
    place = Clockwork()
    row = await made(place, "jars", partitions="all", strategy="ranges(2)")
    assert await states(place, row) == {"jars[a..b]": DONE, "jars[c..d]": FAILED}
    assert "takes a Span of 2 partitions, and returned c" in (await kitchen.slices(place, row))[1].error


async def test_an_asset_of_one_partition_is_made_of_no_range() -> None:
    with pytest.raises(UserError, match="milk is made of one partition at a time") as refused:
        await planned(Clockwork(), "milk", partitions="all", strategy="single_run")
    assert "use(Span)" in refused.value.fix


async def test_a_pause_lets_what_runs_end_and_starts_nothing() -> None:
    place = Clockwork()
    async with place.server() as server:
        row = await planned(place, "milk", partitions="all", max_active=2)
        await server.backfilling._carry_out()
        assert (await pause_backfill(place.store, row.id, paused=True)).paused
        await carried_out(server)
        assert await place.store.backfills.slice_counts(row.id) == {DONE: 2, SliceState.WAITING: 4}
        await pause_backfill(place.store, row.id, paused=False)
        await carried_out(server)
    assert (await of(place, row)).state is BackfillState.SUCCEEDED
    with pytest.raises(Conflict, match="has ended"):
        await pause_backfill(place.store, row.id, paused=True)
    with pytest.raises(NotFound, match="no backfill 'nope'"):
        await pause_backfill(place.store, "nope", paused=True)


async def test_a_cancel_ends_all_of_it_and_a_retry_goes_on() -> None:
    place = Clockwork()
    async with place.server() as server:
        row = await planned(place, "milk", partitions="all", max_active=2)
        server.runtime.post = lambda message: None  # type: ignore[method-assign]
        await server.backfilling._carry_out()
        done = await cancel_backfill(place.store, row.id, actor="ann", now_us=5)
        assert done.state is BackfillState.CANCELLED
        assert await place.store.backfills.slice_counts(row.id) == {SliceState.CANCELLED: 6}
        commands = await place.store.list_commands(server.runtime.instance)
        assert [command.kind for command in commands] == ["cancel"] * 2
    await retry_backfill(place.store, row.id)
    async with place.server() as server:
        await carried_out(server)
    assert (await of(place, row)).succeeded == 6


async def test_a_plan_goes_on_after_its_server_died() -> None:
    place = Clockwork()
    async with place.server() as server:
        row = await planned(place, "+cheese", partitions="all", max_active=3)
        server.runtime.post = lambda message: None  # type: ignore[method-assign]
        await server.backfilling._carry_out()
    place.store.lose(server.runtime.instance)
    async with place.server() as server:
        assert (await server.runtime.adopt()).total == 3
        await carried_out(server)
    assert (await of(place, row)).state is BackfillState.SUCCEEDED
    assert set(MADE.values()) == {1}


async def test_two_servers_share_a_plan() -> None:
    place = Clockwork()
    async with place.server() as one, place.server() as other:
        row = await planned(place, "+cheese", partitions="all", max_active=2)
        for _ in range(30):
            await one.backfilling._carry_out()
            await other.backfilling._carry_out()
            assert len(await place.store.backfills.unfinished(row.id)) <= 2
            await one.settle()
            await other.settle()
    assert (await of(place, row)).state is BackfillState.SUCCEEDED
    assert set(MADE.values()) == {1}


async def test_a_step_whose_answer_was_lost_is_not_made_again() -> None:
    place = Clockwork()
    async with place.server() as server:
        row = await planned(place, "milk", partitions="all")
        advance, lost = place.store.backfills.advance, [True]

        async def losing(*args: object, **kwargs: object) -> bool:
            won = await advance(*args, **kwargs)  # type: ignore[arg-type]
            if lost:
                lost.pop()
                raise StoreUnavailable("the answer is lost")
            return won

        place.store.backfills.advance = losing  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            await server.backfilling._carry_out()
        await carried_out(server)
    assert (await of(place, row)).state is BackfillState.SUCCEEDED
    assert set(MADE.values()) == {1}


async def test_a_run_knows_the_partitions_that_were_added_before_it_began() -> None:
    place = Clockwork()
    keys = [DynamicKey(name="guests", key=key, added_us=n) for n, key in enumerate(("zoe", "ann"))]
    await place.store.assets.add_keys(keys)
    row = await made(place, "+table", partitions="all")
    assert list(await states(place, row)) == ["plate[zoe]", "plate[ann]", "table[]"]
    assert row.state is BackfillState.SUCCEEDED
    assert set(MADE) == {"zoe", "ann"}
    assert {run.dynamic.get("guests") for run in await place.runs()} == {("zoe", "ann")}


async def test_a_listener_hears_of_each_slice_that_has_ended() -> None:
    place = Clockwork()
    heard: list[str] = []
    async with place.server() as server:
        server.backfilling._assets._told = lambda row, changed: heard.extend(
            f"{each.partition} {each.state}" for each in changed if each.state.is_terminal
        )
        await planned(place, "milk", partitions=f"{DAY}1..{DAY}2", max_active=1)
        await carried_out(server)
    assert heard == [f"{DAY}1 succeeded", f"{DAY}2 succeeded"]


async def test_runs_that_retention_took_count_as_failed() -> None:
    place = Clockwork()
    async with place.server() as server:
        row = await planned(place, "milk", partitions=f"{DAY}1")
        await server.backfilling._carry_out()
        await server.settle()
        [run] = await place.runs()
        assert run.state is RunState.SUCCEEDED
        await place.store.prune(before_us=2**60, keep_last=0, limit=10)
        await carried_out(server)
    assert (await kitchen.slices(place, row))[0].error == "its run was removed by retention"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "which partitions?"),
        ({"partitions": "2025"}, "selects no partition"),
        ({"partitions": "all", "max_active": 0}, "1 to 1000 at a time, not 0"),
        ({"partitions": "all", "strategy": "weekly"}, "'weekly' is no way to make partitions"),
        ({"partitions": "all", "strategy": "ranges(1)"}, "no way to make partitions"),
    ],
)
async def test_what_cannot_be_planned_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message.replace("(", r"\(").replace("?", r"\?")):
        await planned(Clockwork(), "milk", **fields)

"""Schedules and ticks: a tick has one outcome and one run, whoever decides it and however often they try."""

from __future__ import annotations

import asyncio

import msgspec

from tests import store_rows as rows
from tests import trigger_rows as made
from tests.conformance.store.conftest import Place
from toque.engine.states import RunState
from toque.ports.store import RunFilter, Store
from toque.ports.triggers import Change, ScheduleFilter, ScheduleRow, TickSeen


async def added(store: Store, *schedules: ScheduleRow) -> list[ScheduleRow]:
    """The rows as the store has them."""
    await store.triggers.record([Change(before=None, after=each, tell=True) for each in schedules])
    found = [await store.triggers.get_schedule(each.id) for each in schedules]
    return [row for row in found if row is not None]


async def test_a_schedule_comes_back_as_it_was_stored_with_a_revision(store: Store) -> None:
    given = made.schedule(
        paused=True, resumed_us=3, changed_us=4, actor="änn", definition=b'{"name":"s"}', next_at_us=0, next_due_us=0
    )
    [row] = await added(store, given)
    assert row.revision == await store.triggers.revision() > 0
    assert msgspec.structs.replace(row, revision=0) == given
    assert (row.paused, row.retired) == (True, False)
    assert isinstance(row.retired, bool)
    assert await store.triggers.get_schedule("p/other") is None


async def test_a_tick_its_run_and_the_cursor_are_written_together(store: Store) -> None:
    [row] = await added(store, made.schedule())
    done = await store.triggers.record([made.started(row, 10, "r1")])
    assert (done.refused, done.known) == ({}, [])
    after = await store.triggers.get_schedule("p/s")
    assert after is not None
    assert (after.cursor_us, after.next_due_us, after.revision) == (10, 20, row.revision)
    stored = await store.load_run("r1")
    assert stored is not None
    assert stored.run == made.queued("r1", 10)
    assert await store.create_run(rows.run("r2"), dedup="schedule:p/s:10") == "r1"
    assert await store.triggers.list_ticks("p/s") == [
        TickSeen(tick=made.tick(10, run_id="r1"), run_state=RunState.QUEUED)
    ]


async def test_whoever_saw_an_older_row_is_refused_and_told_how_it_is(store: Store) -> None:
    [row] = await added(store, made.schedule())
    await store.triggers.record([made.started(row, 10, "r1")])
    done = await store.triggers.record([made.started(row, 10, "r2")])
    now = await store.triggers.get_schedule("p/s")
    assert done.refused == {"p/s": now}
    assert [run.run_id for run in await store.list_runs(RunFilter())] == ["r1"]
    assert len(await store.triggers.list_ticks("p/s")) == 1


async def test_a_pause_refuses_a_tick_that_was_decided_before_it(store: Store) -> None:
    [row] = await added(store, made.schedule())
    paused = msgspec.structs.replace(row, paused=True, next_at_us=0, next_due_us=0)
    await store.triggers.record([Change(before=row, after=paused, tell=True)])
    done = await store.triggers.record([made.started(row, 10, "r1")])
    assert list(done.refused) == ["p/s"]
    assert await store.list_runs(RunFilter()) == []


async def test_a_tick_that_has_an_outcome_keeps_it(store: Store) -> None:
    """A rule that was changed and changed back may name an instant again."""
    [row] = await added(store, made.schedule())
    await store.triggers.record([made.started(row, 10, "r1")])
    [now] = await store.triggers.list_schedules(ScheduleFilter())
    again = made.started(now, 10, "r2")
    again.ticks.append(made.tick(15))
    done = await store.triggers.record([again])
    assert (done.refused, done.known) == ({}, ["r2"])
    assert [seen.tick.run_id for seen in await store.triggers.list_ticks("p/s")] == ["", "r1"]
    assert await store.load_run("r2") is None


async def test_changes_are_refused_one_by_one(store: Store) -> None:
    one, other = await added(store, made.schedule("a"), made.schedule("b"))
    await store.triggers.record([made.started(one, 10, "r1")])
    done = await store.triggers.record([made.started(one, 10, "r2"), made.started(other, 10, "r3")])
    assert list(done.refused) == ["p/a"]
    assert {run.run_id for run in await store.list_runs(RunFilter())} == {"r1", "r3"}


async def test_of_servers_that_race_for_ticks_each_tick_has_one(place: Place) -> None:
    stores = [await place.open() for _ in range(3)]
    schedules = await added(stores[0], *(made.schedule(f"s{n:02}") for n in range(20)))

    async def decide(server: int, store: Store) -> int:
        changes = [made.started(row, 10, f"run-{server}-{n:02}") for n, row in enumerate(schedules)]
        done = await store.triggers.record(changes if server % 2 else changes[::-1])
        return len(changes) - len(done.refused)

    won = await asyncio.gather(*(decide(server, store) for server, store in enumerate(stores)))
    assert sum(won) == 20
    runs = await stores[0].list_runs(RunFilter(limit=100))
    assert sorted(run.run_id.rpartition("-")[2] for run in runs) == [f"{n:02}" for n in range(20)]


async def test_schedules_are_listed_by_id_by_pipeline_and_by_when_they_are_due(store: Store) -> None:
    await added(
        store,
        made.schedule("b", next_due_us=30),
        made.schedule("a", next_due_us=40),
        made.schedule("a", "q", next_due_us=20),
        made.schedule("gone", retired=True, next_due_us=0),
        made.schedule("idle", paused=True, next_due_us=0),
    )

    async def ids(**where: object) -> list[str]:
        return [row.id for row in await store.triggers.list_schedules(ScheduleFilter(**where))]  # type: ignore[arg-type]

    assert await ids() == ["p/a", "p/b", "p/idle", "q/a"]
    assert await ids(retired=True) == ["p/a", "p/b", "p/gone", "p/idle", "q/a"]
    assert await ids(pipeline="q") == ["q/a"]
    assert await ids(limit=2, after="p/a") == ["p/b", "p/idle"]
    assert await ids(due_before_us=40) == ["q/a", "p/b"]


async def test_what_changed_since_a_revision_is_found_retired_ones_too(store: Store) -> None:
    first, second = await added(store, made.schedule("a"), made.schedule("b"))
    seen = await store.triggers.revision()
    await store.triggers.record([made.started(first, 10, "r1")])
    assert await store.triggers.revision() == seen
    gone = msgspec.structs.replace(second, retired=True, next_due_us=0)
    await store.triggers.record([Change(before=second, after=gone, tell=True)])
    assert await store.triggers.revision() > seen
    changed = await store.triggers.list_schedules(ScheduleFilter(since_revision=seen))
    assert [(row.id, row.retired) for row in changed] == [("p/b", True)]


async def test_a_version_made_current_waits_until_its_schedules_were_read(store: Store) -> None:
    await store.put_version(rows.version("v1"), make_current=True)
    await store.put_version(rows.version("v2"), make_current=False)
    assert [row.version for row in await store.triggers.unsynced()] == ["v1"]
    await store.triggers.record([Change(before=None, after=made.schedule(), tell=True)], synced=("p", "v2"))
    assert [row.version for row in await store.triggers.unsynced()] == ["v1"]
    await store.triggers.record([], synced=("p", "v1"), tell=True)
    assert await store.triggers.unsynced() == []
    await store.set_current("p", "v2", actor="ann", now_us=2)
    [waiting] = await store.triggers.unsynced()
    assert (waiting.version, waiting.ir) == ("v2", rows.version().ir)


async def test_a_version_does_not_count_as_read_when_a_row_of_it_was_refused(store: Store) -> None:
    await store.put_version(rows.version("v1"), make_current=True)
    await added(store, made.schedule())
    done = await store.triggers.record([Change(before=None, after=made.schedule(), tell=True)], synced=("p", "v1"))
    assert list(done.refused) == ["p/s"]
    assert len(await store.triggers.unsynced()) == 1


async def test_a_tick_says_what_admission_said_about_its_run(store: Store) -> None:
    [row] = await added(store, made.schedule())
    await store.triggers.record([made.started(row, 10, "r1")])
    skipped = made.queued("r1", 10, state=RunState.CANCELLED, finished_us=12, reason="1 active of at most 1: r0")
    await store.commit(rows.commit(runs=[skipped]))
    [seen] = await store.triggers.list_ticks("p/s")
    assert (seen.was_admitted, seen.run_reason) == (False, "1 active of at most 1: r0")
    began = made.queued("r1", 10, state=RunState.CANCELLED, started_us=11, finished_us=12)
    await store.commit(rows.commit(runs=[began]))
    [seen] = await store.triggers.list_ticks("p/s")
    assert seen.was_admitted


async def test_ticks_are_listed_newest_first_by_page(store: Store) -> None:
    [row] = await added(store, made.schedule())
    after = msgspec.structs.replace(row, cursor_us=50)
    ticks = [made.tick(at, reason="paused", count=at, first_us=1) for at in (10, 20, 30, 40, 50)]
    await store.triggers.record([Change(before=row, after=after, ticks=ticks)])
    page = await store.triggers.list_ticks("p/s", limit=2)
    assert [seen.tick for seen in page] == ticks[:2:-1]
    rest = await store.triggers.list_ticks("p/s", before_us=page[-1].tick.at_us)
    assert [seen.tick.at_us for seen in rest] == [30, 20, 10]


async def test_ticks_that_were_not_started_are_found_over_all_schedules(store: Store) -> None:
    one, other = await added(store, made.schedule("a"), made.schedule("b"))
    change = made.started(one, 30, "r1")
    change.ticks += [made.tick(10, "p/a"), made.tick(20, "p/a")]
    missed = Change(before=other, after=msgspec.structs.replace(other, cursor_us=15), ticks=[made.tick(15, "p/b")])
    await store.triggers.record([change, missed])
    found = await store.triggers.list_missed(since_us=12)
    assert [(tick.schedule, tick.at_us) for tick in found] == [("p/a", 20), ("p/b", 15)]


async def test_old_ticks_are_pruned_but_the_newest_of_each_schedule(store: Store) -> None:
    one, other = await added(store, made.schedule("a"), made.schedule("b"))
    changes = [
        Change(
            before=row,
            after=msgspec.structs.replace(row, cursor_us=50),
            ticks=[made.tick(at, row.id) for at in range(10, end, 10)],
        )
        for row, end in ((one, 60), (other, 30))
    ]
    await store.triggers.record(changes)
    assert await store.triggers.prune_ticks(before_us=45, keep_last=2) == 3
    assert [seen.tick.at_us for seen in await store.triggers.list_ticks("p/a")] == [50, 40]
    assert [seen.tick.at_us for seen in await store.triggers.list_ticks("p/b")] == [20, 10]

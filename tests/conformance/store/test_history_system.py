"""Who holds slots, who lives on the store, and what it has seen."""

from __future__ import annotations

from tests import store_rows as rows
from tests.conformance.store.conftest import Place
from toque.engine.states import RunState, TaskState
from toque.ports.store import Store
from toque.store.sql.schema import REVISIONS


async def test_holders_say_since_when(store: Store) -> None:
    tasks = [
        rows.task("load", dispatched_us=7, state=TaskState.RUNNING),
        rows.task("x[]", (0,), dispatched_us=8, state=TaskState.RUNNING),
        rows.task("x", (3, 1), dispatched_us=9, state=TaskState.RUNNING),
    ]
    holders = ("r1/load", "r1/x[][0]", "r1/x[3.1]", "r1/gone")
    acquire = [rows.hold(holder, 1, limit=9, pool="db") for holder in holders]
    acquire.append(rows.hold("r1", 1, limit=9, pool="runs:p"))
    await store.commit(rows.commit(runs=[rows.run(started_us=5)], tasks=tasks, acquire=acquire))
    found = await store.history.holders()
    assert [(held.pool, held.run_id, held.task, held.map_index, held.since_us) for held in found] == [
        ("db", "r1", "gone", (), 0),
        ("db", "r1", "load", (), 7),
        ("db", "r1", "x", (3, 1), 9),
        ("db", "r1", "x[]", (0,), 8),
        ("runs:p", "r1", "", (), 5),
    ]
    assert {(held.slots, held.instance) for held in found} == {(1, rows.ME)}
    assert len(await store.history.holders(2)) == 2


async def test_servers_are_listed_with_what_they_own(place: Place) -> None:
    first, second = await place.open(), await place.open()
    boot = await first.new_boot(rows.ME, pid=11, host="kitchen", role="server", now_us=100)
    await second.new_boot(rows.OTHER, pid=12, host="hall", role="run", now_us=200)
    await first.commit(rows.commit(runs=[rows.run("r1"), rows.run("r2", state=RunState.FAILED, finished_us=1)]))
    found = await first.history.servers()
    if first.kind == "memory":
        assert found == []
        return
    assert [(each.instance, each.pid, each.host, each.role, each.since_us) for each in found] == [
        (rows.ME, 11, "kitchen", "server", 100),
        (rows.OTHER, 12, "hall", "run", 200),
    ]
    assert [(each.alive, each.active_runs) for each in found] == [(True, 1), (True, 0)]
    assert found[0].boot == boot
    assert all((each.lease_until_us > 0) == (first.kind == "postgresql") for each in found)
    await place.end(second, rows.OTHER)
    assert [each.instance for each in await first.history.servers() if each.alive] == [rows.ME]


async def test_the_dead_that_hold_nothing_are_forgotten_by_whoever_starts_next(place: Place) -> None:
    first, second, third = await place.open(), await place.open(), await place.open()
    await first.new_boot(rows.ME, pid=11, host="kitchen", role="server", now_us=100)
    await second.new_boot(rows.OTHER, pid=12, host="hall", role="run", now_us=200)
    await first.commit(rows.commit(runs=[rows.run("r1")]))
    await place.end(second, rows.OTHER)
    await third.new_boot("third", pid=13, host="attic", role="run", now_us=300)
    found = [] if first.kind == "memory" else sorted([rows.ME, "third"])
    assert sorted(each.instance for each in await first.history.servers()) == found


async def test_the_store_says_what_it_is(store: Store) -> None:
    info = await store.history.info()
    assert info.kind == store.kind
    if store.kind == "memory":
        assert (info.revision, info.size_bytes) == ("", 0)
    else:
        assert info.revision == REVISIONS[-1]
        assert info.size_bytes > 10_000
        assert info.latency_us > 0


async def test_totals_are_those_of_the_whole_history(store: Store) -> None:
    await store.put_version(rows.version("v1"), make_current=True)
    await store.put_version(rows.version("v2"), make_current=True)
    tasks = [rows.task("x", (n,)) for n in range(5)]
    await store.commit(rows.commit(runs=[rows.run("r1"), rows.run("r2")], tasks=tasks))
    await store.commit(rows.commit(runs=[rows.run("r1", state=RunState.FAILED, finished_us=1)]))
    await store.create_run(rows.run("r3", state=RunState.CANCELLED, finished_us=2, pipeline="q"))
    totals = await store.history.totals()
    assert totals.active_runs == {RunState.RUNNING: 1}
    assert totals.ended_runs == {RunState.FAILED: 1, RunState.CANCELLED: 1}
    assert (totals.ended_tasks, totals.versions, totals.pipelines) == (5, 2, 2)

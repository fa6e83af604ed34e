"""Pages of task runs: grids, pages within a run, timelines, and sums that follow what is written."""

from __future__ import annotations

import pytest

from tests import store_rows as rows
from toque.engine.states import RunState, TaskState
from toque.ports.pages import CELLS, NO_CELL, WORST, NodeCounts, TaskQuery, TimelineBar
from toque.ports.store import OwnershipLost, Store

T = TaskState


def test_every_state_has_a_character_and_a_rank() -> None:
    assert set(CELLS) == set(TaskState) == set(WORST)
    assert len({*CELLS.values(), NO_CELL}) == len(TaskState) + 1


async def ended(store: Store, run_id: str, tasks: dict[str, T], **fields: str) -> None:
    """A run that ended with these task runs."""
    rows_ = [rows.task(name, run_id=run_id, state=state) for name, state in tasks.items()]
    await store.commit(rows.commit(runs=[rows.run(run_id, **fields)], tasks=rows_))
    await store.commit(rows.commit(runs=[rows.run(run_id, state=RunState.SUCCEEDED, finished_us=9, **fields)]))


async def test_a_grid_has_a_cell_for_each_run_and_task(store: Store) -> None:
    await ended(store, "r1", {"a": T.SUCCEEDED, "b": T.FAILED, "old": T.SKIPPED})
    await ended(store, "r2", {"a": T.SUCCEEDED, "b": T.UPSTREAM_FAILED}, version="v2")
    await store.commit(rows.commit(runs=[rows.run("r3")], tasks=[rows.task("b", run_id="r3", state=T.RUNNING)]))
    await store.create_run(rows.run("r4", state=RunState.QUEUED))
    grid = await store.history.grid("p", ["b", "a", "new"])
    assert grid.tasks == ["b", "a", "new", "old"]
    assert [(run.run_id, run.version) for run in grid.runs] == [("r4", "v1"), ("r3", "v1"), ("r2", "v2"), ("r1", "v1")]
    assert grid.cells == ["....", "R...", "us..", "fs.k"]
    assert grid.older == ""
    page = await store.history.grid("p", [], limit=1, before="r3")
    assert (page.tasks, page.cells, page.older) == (["a", "b"], ["su"], "r2")
    empty = await store.history.grid("none", ["a"])
    assert (empty.tasks, empty.runs, empty.cells) == (["a"], [], [])


async def test_a_cell_of_a_map_is_its_worst_state(store: Store) -> None:
    states = [T.SUCCEEDED, T.SKIPPED, T.RUNNING, T.SUCCEEDED]
    tasks = [rows.task("x", (n,), state=state) for n, state in enumerate(states)]
    await store.commit(rows.commit(runs=[rows.run()], tasks=tasks))
    assert (await store.history.grid("p", ["x"])).cells == ["R"]
    await store.commit(rows.commit(tasks=[rows.task("x", (0,), state=T.FAILED)]))
    assert (await store.history.grid("p", ["x"])).cells == ["f"]


async def test_runs_whose_nodes_are_known_are_not_counted(store: Store) -> None:
    await ended(store, "r1", {"a": T.SUCCEEDED})
    started = rows.task("a", run_id="r2", state=T.RUNNING, started_us=3)
    await store.commit(rows.commit(runs=[rows.run("r2")], tasks=[started]))
    later = [
        NodeCounts(task="a", counts={T.SUCCEEDED: 1}, ready_us=0, started_us=3, finished_us=5),
        NodeCounts(task="b", counts={T.RUNNING: 2, T.FAILED: 1}, ready_us=0, started_us=6, finished_us=0),
    ]
    grid = await store.history.grid("p", ["a"], known={"r2": later, "elsewhere": later})
    assert (grid.tasks, grid.cells) == (["a", "b"], ["sf", "s."])
    known = await store.history.timeline("r2", 1, later)
    assert [(bar.task, bar.finished_us) for bar in known] == [("a", 5)]
    assert [bar.finished_us for bar in await store.history.timeline("r2")] == [0]


async def test_nodes_say_how_many_and_from_when_to_when(store: Store) -> None:
    tasks = [
        rows.task("x", (0,), state=T.SUCCEEDED, ready_us=5, started_us=7, finished_us=20),
        rows.task("x", (1,), state=T.SUCCEEDED, ready_us=4, started_us=9, finished_us=18),
        rows.task("x", (2,), state=T.UPSTREAM_FAILED, finished_us=30),
        rows.task("y", state=T.READY, ready_us=3),
    ]
    await store.commit(rows.commit(runs=[rows.run()], tasks=tasks))
    expected = [
        NodeCounts(task="x", counts={T.SUCCEEDED: 2, T.UPSTREAM_FAILED: 1}, ready_us=4, started_us=7, finished_us=30),
        NodeCounts(task="y", counts={T.READY: 1}, ready_us=3, started_us=0, finished_us=0),
    ]
    assert await store.history.nodes("r1") == expected
    await store.commit(rows.commit(runs=[rows.run(state=RunState.FAILED, finished_us=40)]))
    assert await store.history.nodes("r1") == expected
    assert await store.history.nodes("none") == []


async def test_sums_follow_a_run_that_is_changed_after_its_end(store: Store) -> None:
    await ended(store, "r1", {"a": T.FAILED})
    over = rows.run("r1", state=RunState.FAILED, finished_us=9)
    await store.commit(rows.commit(runs=[over], tasks=[rows.task("a", run_id="r1", state=T.SUCCEEDED), rows.task("b")]))
    assert (await store.history.grid("p", ["a", "b"])).cells == ["sr"]
    totals = await store.history.totals()
    assert (totals.ended_runs, totals.ended_tasks) == ({RunState.FAILED: 1}, 2)
    await store.commit(rows.commit(runs=[rows.run("r1")]))
    totals = await store.history.totals()
    assert (totals.ended_runs, totals.ended_tasks, totals.active_runs) == ({}, 0, {RunState.RUNNING: 1})
    assert (await store.history.grid("p", ["a", "b"])).cells == ["sr"]


async def test_a_commit_that_fails_leaves_no_sum_behind(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run()], facts=[rows.facts(1)]))
    over = rows.run(state=RunState.SUCCEEDED, finished_us=9)
    with pytest.raises(OwnershipLost):
        await store.commit(rows.commit(instance=rows.OTHER, runs=[over]))
    assert (await store.history.totals()).ended_runs == {}


async def test_task_runs_are_paged_down_and_up(store: Store) -> None:
    keys = [("a", ()), *(("b", (n,)) for n in range(300)), ("c", ())]
    tasks = [rows.task(name, index) for name, index in keys]
    await store.commit(rows.commit(runs=[rows.run()], tasks=tasks))
    page = await store.history.task_runs(TaskQuery(run_id="r1", limit=100))
    assert page.previous is None
    down = [page]
    while page.next:
        page = await store.history.task_runs(TaskQuery(run_id="r1", limit=100, after=page.next))
        down.append(page)
    assert [(row.task, row.map_index) for page in down for row in page.tasks] == keys
    up = [page]
    while page.previous:
        page = await store.history.task_runs(TaskQuery(run_id="r1", limit=100, before=page.previous))
        up.insert(0, page)
    assert [page.tasks for page in up] == [page.tasks for page in down]


async def test_task_runs_are_found_by_state_name_and_index(store: Store) -> None:
    tasks = [
        rows.task("Load_Airports", state=T.FAILED),
        rows.task("convert", (1,)),
        rows.task("convert", (1, 0), state=T.FAILED),
        rows.task("convert", (11,)),
        rows.task("load"),
    ]
    await store.commit(rows.commit(runs=[rows.run()], tasks=tasks))

    async def found(**query: object) -> list[str]:
        page = await store.history.task_runs(TaskQuery(run_id="r1", **query))  # type: ignore[arg-type]
        return [f"{row.task}{list(row.map_index)}" for row in page.tasks]

    assert await found(search="LOAD") == ["Load_Airports[]", "load[]"]
    assert await found(search="d_a") == ["Load_Airports[]"]
    assert await found(search="_") == ["Load_Airports[]"], "an underscore stands for itself"
    assert await found(search="1") == ["convert[1]", "convert[1, 0]"]
    assert await found(search="[1.0]") == ["convert[1, 0]"]
    assert await found(search="1", states=(T.FAILED,)) == ["convert[1, 0]"]
    assert await found(task="convert", states=(T.READY,), after=("convert", (1,))) == ["convert[11]"]
    assert await found(task="convert", after=("a", ()), limit=1) == ["convert[1]"]
    assert await found(task="convert", after=("d", ())) == []
    assert await found(search="4294967296") == []
    assert await found(search="nope") == []


async def test_one_task_run_is_found_by_its_key(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run()], tasks=[rows.full_task(), rows.task("x")]))
    full = rows.full_task()
    assert await store.history.task_run("r1", full.task, full.map_index) == full
    assert await store.history.task_run("r1", "x", (0,)) is None
    assert await store.history.task_run("r2", "x", ()) is None


async def test_failures_come_in_the_order_of_their_ends(store: Store) -> None:
    ends = {"a": 30, "b": 10, "c": 20}
    tasks = [rows.task(name, state=T.FAILED, finished_us=at_us) for name, at_us in ends.items()]
    tasks.append(rows.task("d", state=T.UPSTREAM_FAILED, finished_us=1))
    await store.commit(rows.commit(runs=[rows.run()], tasks=tasks))
    assert [row.task for row in await store.history.first_failures("r1", 2)] == ["b", "c"]


async def test_a_timeline_folds_large_maps(store: Store) -> None:
    tasks = [
        rows.task("many", (n,), state=T.SUCCEEDED, ready_us=1, started_us=10 + n, finished_us=100 + n)
        for n in range(51)
    ]
    tasks += [rows.task("few", (n,), state=T.RUNNING, started_us=5 + n) for n in range(2)]
    tasks += [rows.task("first", state=T.SUCCEEDED, started_us=1, finished_us=2), rows.task("never")]
    await store.commit(rows.commit(runs=[rows.run()], tasks=tasks))

    def bar(task: str, index: tuple[int, ...], state: T, *times: int, count: int = 1) -> TimelineBar:
        ready, started, finished = times
        return TimelineBar(
            task=task,
            map_index=index,
            state=state,
            ready_us=ready,
            started_us=started,
            finished_us=finished,
            count=count,
        )

    first = bar("first", (), T.SUCCEEDED, 0, 1, 2)
    many = bar("many", (), T.SUCCEEDED, 1, 10, 150, count=51)
    few = [bar("few", (n,), T.RUNNING, 0, 5 + n, 0) for n in range(2)]
    assert await store.history.timeline("r1") == [first, *few, many]
    assert await store.history.timeline("r1", 4) == [first, bar("few", (), T.RUNNING, 0, 5, 0, count=2), many]
    assert await store.history.timeline("r1", 1) == [first]
    await store.commit(rows.commit(runs=[rows.run(state=RunState.FAILED, finished_us=200)]))
    assert await store.history.timeline("r1") == [first, *few, many]


async def test_durations_of_a_task_leave_out_runs_in_which_it_never_ran(store: Store) -> None:
    for run_id, times in {"r1": (10, 12, 40), "r2": (0, 0, 0), "r3": (0, 5, 6)}.items():
        ready_us, started_us, finished_us = times
        over = rows.run(run_id, state=RunState.SUCCEEDED, started_us=1, finished_us=99)
        row = rows.task(
            "t",
            run_id=run_id,
            state=T.SUCCEEDED,
            ready_us=ready_us,
            started_us=started_us,
            finished_us=finished_us,
        )
        await store.commit(rows.commit(runs=[over], tasks=[row]))
    points = await store.history.durations("p", task="t")
    assert [(point.run_id, point.queued_us, point.duration_us, point.state) for point in points] == [
        ("r1", 2, 28, "succeeded"),
        ("r3", 0, 1, "succeeded"),
    ]
    assert await store.history.durations("p", task="none") == []

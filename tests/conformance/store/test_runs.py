"""Creating runs, and finding runs and task runs in order and by page."""

from __future__ import annotations

import asyncio

import pytest

from tests import store_rows as rows
from tests.conformance.store.conftest import Place
from tests.store_rows import ME
from toque.engine.states import RunState, TaskState
from toque.errors import ToqueBug
from toque.ports.store import RunFilter, Store, TaskFilter


async def test_a_created_run_waits_for_an_owner(store: Store) -> None:
    created = rows.run(state=RunState.QUEUED, owner="")
    assert await store.create_run(created) == "r1"
    assert await store.list_runs(RunFilter(states=(RunState.QUEUED,), owner="")) == [created]


async def test_a_second_call_with_the_same_dedup_answers_the_first_run(place: Place) -> None:
    first, second = await place.open(), await place.open()
    assert await first.create_run(rows.run("r1"), dedup="tick") == "r1"
    assert await second.create_run(rows.run("r2"), dedup="tick") == "r1"
    assert await second.create_run(rows.run("r1"), dedup="tick") == "r1"
    assert await second.create_run(rows.run("r3"), dedup="tock") == "r3"
    assert [run.run_id for run in await first.list_runs(RunFilter())] == ["r3", "r1"]


async def test_of_calls_that_race_with_one_dedup_one_makes_the_run(place: Place) -> None:
    stores = [await place.open() for _ in range(3)]
    ids = await asyncio.gather(*(store.create_run(rows.run(f"r{n}"), dedup="tick") for n, store in enumerate(stores)))
    assert len(set(ids)) == 1
    assert len(await stores[0].list_runs(RunFilter())) == 1


async def test_a_dedup_survives_commits_of_its_run(store: Store) -> None:
    await store.create_run(rows.run(), dedup="tick")
    await store.commit(rows.commit(runs=[rows.run(reason="later")]))
    assert await store.create_run(rows.run("r2"), dedup="tick") == "r1"


async def test_a_run_id_is_never_used_twice(store: Store) -> None:
    await store.create_run(rows.run(reason="first"))
    with pytest.raises(ToqueBug):
        await store.create_run(rows.run(reason="second"))
    stored = await store.load_run("r1")
    assert stored is not None
    assert stored.run.reason == "first"


async def test_an_unknown_run_is_none(store: Store) -> None:
    assert await store.load_run("nope") is None
    assert await store.count_tasks("nope") == {}
    assert await store.list_tasks(TaskFilter(run_id="nope")) == []
    assert await store.list_attempts("nope", "t", ()) == []


RUNS = [
    rows.run(f"r{n:02}", pipeline="ab"[n % 2], state=state, owner=owner)
    for n, (state, owner) in enumerate((state, owner) for state in RunState for owner in ("", ME, "other"))
]


@pytest.mark.parametrize("pipeline", ["", "a", "zzz"])
@pytest.mark.parametrize(
    "states",
    [(), (RunState.QUEUED,), (RunState.FAILED, RunState.RUNNING), (RunState.CANCELLED, RunState.CANCELLED)],
    ids=lambda states: "+".join(states) or "any",
)
@pytest.mark.parametrize("owner", [None, "", ME])
async def test_runs_are_found_by_pipeline_state_and_owner_newest_first(
    store: Store, pipeline: str, states: tuple[RunState, ...], owner: str | None
) -> None:
    for run in RUNS:
        await store.create_run(run)
    wanted = [
        run.run_id
        for run in reversed(RUNS)
        if run.pipeline == (pipeline or run.pipeline)
        and (not states or run.state in states)
        and (owner is None or run.owner == owner)
    ]
    for limit in (2, 50):
        found: list[str] = []
        while page := await store.list_runs(
            RunFilter(pipeline=pipeline, states=states, owner=owner, limit=limit, before=found[-1] if found else "")
        ):
            assert len(page) <= limit
            found += [run.run_id for run in page]
        assert found == wanted


async def test_task_runs_are_listed_by_task_then_index_as_numbers(store: Store) -> None:
    keys = [
        ("a", ()),
        ("a", (2,)),
        ("a", (2, 0)),
        ("a", (10,)),
        ("a", (256,)),
        ("a", (70_000,)),
        ("b[]", ()),
        ("é", (1,)),
    ]
    tasks = [rows.task(name, index, state=TaskState.FAILED) for name, index in reversed(keys)]
    await store.commit(rows.commit(runs=[rows.run(), rows.run("r2")], tasks=[*tasks, rows.task("a", run_id="r2")]))
    for limit in (1, 3, 100):
        found: list[tuple[str, tuple[int, ...]]] = []
        while page := await store.list_tasks(TaskFilter(run_id="r1", limit=limit, after=found[-1] if found else None)):
            found += [(task.task, task.map_index) for task in page]
        assert found == keys
    stored = await store.load_run("r1")
    assert stored is not None
    assert [(task.task, task.map_index) for task in stored.tasks] == keys


async def test_task_runs_are_found_by_task_and_state(store: Store) -> None:
    states = list(TaskState)
    tasks = [rows.task(name, (n,), state=state) for name in ("a", "b") for n, state in enumerate(states)]
    await store.commit(rows.commit(runs=[rows.run()], tasks=tasks))

    async def found(**where: object) -> list[tuple[str, TaskState]]:
        return [(task.task, task.state) for task in await store.list_tasks(TaskFilter(run_id="r1", **where))]  # type: ignore[arg-type]

    assert len(await found(task="a")) == len(states)
    assert await found(states=(TaskState.FAILED,)) == [("a", TaskState.FAILED), ("b", TaskState.FAILED)]
    assert await found(task="b", states=(TaskState.FAILED, TaskState.READY)) == [
        ("b", TaskState.READY),
        ("b", TaskState.FAILED),
    ]
    after = ("a", (states.index(TaskState.FAILED),))
    assert await found(states=(TaskState.FAILED, TaskState.CANCELLED), after=after) == [
        ("a", TaskState.CANCELLED),
        ("b", TaskState.FAILED),
        ("b", TaskState.CANCELLED),
    ]


async def test_task_runs_are_counted_by_task_and_state(store: Store) -> None:
    tasks = [rows.task("a", (n,), state=TaskState.FAILED if n % 3 == 0 else TaskState.READY) for n in range(10)]
    await store.commit(rows.commit(runs=[rows.run()], tasks=[*tasks, rows.task("b")]))
    assert await store.count_tasks("r1") == {
        "a": {TaskState.FAILED: 4, TaskState.READY: 6},
        "b": {TaskState.READY: 1},
    }


async def test_attempts_are_listed_in_their_order(store: Store) -> None:
    attempts = [rows.attempt(number, index=(1,)) for number in range(1, 12)]
    others = [rows.attempt(1, index=()), rows.attempt(1, index=(1, 0)), rows.attempt(1, "u", (1,))]
    await store.commit(rows.commit(runs=[rows.run()], attempts=[*reversed(attempts), *others]))
    assert await store.list_attempts("r1", "t", (1,)) == attempts

"""A commit is all or nothing, only by the owner, and what was written is read back as it was."""

from __future__ import annotations

import msgspec
import pytest

from tests import store_rows as rows
from tests.conformance.store.conftest import Place
from tests.store_rows import ME, OTHER
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo
from toque.errors import ToqueBug
from toque.ports.store import Commit, OwnershipLost, PoolFull, Store


async def test_rows_come_back_as_they_were_written(store: Store) -> None:
    run = rows.run(
        state=RunState.FAILED,
        parameters={"day": {"$": "date", "v": "2013-01-01"}, "n": 2**53 - 1, "none": None, "ünicode": "\0"},
        outcome=RunState.FAILED,
        cancel_requested=True,
        reuse=("a", "b"),
        error=ErrorInfo(kind="transient", type="OSError", message="x" * 4_000, retry_after_s=1.5),
        tags={"team": "data"},
        trigger="schedule",
        started_us=5,
        priority=-3,
    )
    task, attempt, step = rows.full_task(), rows.attempt(1, "group.tâsk[]", (0, 4_294_967_295)), rows.step()
    await store.commit(rows.commit(runs=[run], tasks=[task], attempts=[attempt], steps=[step]))
    stored = await store.load_run("r1")
    assert stored is not None
    assert stored.run == run
    assert stored.tasks == [task]
    assert stored.steps == [step]
    assert await store.list_attempts("r1", task.task, task.map_index) == [attempt]


async def test_a_row_overwrites_the_one_with_its_key(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run()], tasks=[rows.full_task()]))
    bare = rows.task("group.tâsk[]", (0, 4_294_967_295), state=TaskState.SUCCEEDED)
    await store.commit(rows.commit(runs=[rows.run(reason="late")], tasks=[bare]))
    stored = await store.load_run("r1")
    assert stored is not None
    assert stored.run.reason == "late"
    assert stored.tasks == [bare]


async def test_the_last_of_several_rows_with_one_key_wins(store: Store) -> None:
    tasks = [
        rows.task(state=TaskState.READY),
        rows.task(state=TaskState.DISPATCHED),
        rows.task(state=TaskState.RUNNING),
    ]
    runs = [rows.run(), rows.run(reason="second")]
    await store.commit(rows.commit(runs=runs, tasks=tasks))
    stored = await store.load_run("r1")
    assert stored is not None
    assert (stored.run.reason, [task.state for task in stored.tasks]) == ("second", [TaskState.RUNNING])


async def test_a_row_changed_after_its_commit_changes_nothing_stored(store: Store) -> None:
    task = rows.task(handle={"job": 1})
    await store.commit(rows.commit(runs=[rows.run()], tasks=[task]))
    task.handle["job"] = 2
    task.state = TaskState.FAILED
    stored = await store.load_run("r1")
    assert stored is not None
    assert (stored.tasks[0].handle, stored.tasks[0].state) == ({"job": 1}, TaskState.READY)


async def test_an_empty_commit_is_fine(store: Store) -> None:
    await store.commit(Commit(instance=ME))


async def test_a_run_of_another_instance_cannot_be_written(store: Store) -> None:
    await store.create_run(rows.run("r1", owner=OTHER))
    await store.create_run(rows.run("r2", owner=""))
    await store.create_run(rows.run("r3"))
    batch = rows.commit(
        runs=[rows.run("r3", reason="mine")],
        tasks=[rows.task(run_id="r1")],
        facts=[rows.facts(1, run_id="r2")],
        counters={"n": 1},
    )
    with pytest.raises(OwnershipLost) as caught:
        await store.commit(batch)
    assert caught.value.runs == ["r1", "r2"]
    stored = await store.load_run("r3")
    assert stored is not None
    assert stored.run.reason == ""
    assert await store.counters() == {}


@pytest.mark.parametrize(
    "part",
    [{"tasks": [rows.task()]}, {"attempts": [rows.attempt(1)]}, {"steps": [rows.step()]}, {"facts": [rows.facts(1)]}],
    ids=lambda part: next(iter(part)),
)
async def test_nothing_is_written_for_a_run_that_does_not_exist(store: Store, part: dict[str, object]) -> None:
    with pytest.raises(OwnershipLost):
        await store.commit(rows.commit(**part))
    await store.commit(rows.commit(runs=[rows.run()], **part))


async def test_a_run_may_be_given_away_in_its_own_commit(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run()]))
    await store.commit(rows.commit(runs=[rows.run(owner="")], tasks=[rows.task()]))
    with pytest.raises(OwnershipLost):
        await store.commit(rows.commit(tasks=[rows.task(state=TaskState.RUNNING)]))


async def test_nothing_of_a_refused_commit_is_there(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run()], acquire=[rows.hold("a"), rows.hold("b")]))
    batch = rows.commit(
        runs=[rows.run(reason="x"), rows.run("r2")],
        tasks=[rows.task()],
        attempts=[rows.attempt(1)],
        steps=[rows.step()],
        facts=[rows.facts(1)],
        acquire=[rows.hold("c")],
        outbox=[rows.message("m")],
        counters={"n": 1},
    )
    with pytest.raises(PoolFull):
        await store.commit(batch)
    stored = await store.load_run("r1")
    assert stored is not None
    assert (stored.run, stored.tasks, stored.steps) == (rows.run(), [], [])
    assert await store.load_run("r2") is None
    assert await store.list_attempts("r1", "t", ()) == []
    assert await store.load_facts("r1") == []
    assert await store.list_outbox(10) == []
    assert await store.counters() == {}
    # And the store goes on.
    batch.acquire = []
    await store.commit(batch)
    assert await store.load_run("r2") is not None


async def test_facts_are_numbered_and_read_from_any_number_on(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run(), rows.run("r2")], facts=[rows.facts(1, 3), rows.facts(1, 1, "r2")]))
    await store.commit(rows.commit(facts=[rows.facts(4, 1)]))
    await store.commit(rows.commit(facts=[rows.facts(5, 400)]))
    for after in (0, 1, 2, 3, 4, 5, 200, 403, 404, 500):
        found = await store.load_facts("r1", after)
        assert [(seq, getattr(fact, "task", "")) for seq, fact in found] == [
            (n, f"t{n}") for n in range(after + 1, 405)
        ]
    assert len(await store.load_facts("r2")) == 1
    assert await store.load_facts("r3") == []


async def test_facts_of_one_number_are_never_written_twice(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run()], facts=[rows.facts(1, 2)]))
    with pytest.raises(ToqueBug):
        await store.commit(rows.commit(facts=[rows.facts(1, 2)], counters={"n": 1}))
    assert len(await store.load_facts("r1")) == 2
    assert await store.counters() == {}


async def test_a_loaded_run_knows_its_last_fact_even_if_its_row_is_older(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run(fact_seq=1)], facts=[rows.facts(1)]))
    await store.commit(rows.commit(facts=[rows.facts(2, 5)]))
    stored = await store.load_run("r1")
    assert stored is not None
    assert stored.run.fact_seq == 6


async def test_counters_add_up(store: Store) -> None:
    await store.commit(rows.commit(counters={"succeeded": 2, "failed": 1}))
    await store.commit(rows.commit(counters={"succeeded": 3}))
    assert await store.counters() == {"failed": 1, "succeeded": 5}


async def test_the_outbox_keeps_a_message_until_it_is_done(store: Store) -> None:
    await store.commit(rows.commit(outbox=[rows.message("b", due_us=20), rows.message("a", due_us=20)]))
    await store.commit(rows.commit(outbox=[rows.message("c", due_us=10), rows.message("d", due_us=30)]))
    assert [message.dedup for message in await store.list_outbox(20)] == ["c", "a", "b"]
    assert [message.dedup for message in await store.list_outbox(20, limit=2)] == ["c", "a"]
    again = rows.message("c", due_us=40, tries=1, last_error="refused")
    await store.commit(rows.commit(outbox=[again], outbox_done=["a", "b"]))
    assert await store.list_outbox(40) == [rows.message("d", due_us=30), again]


async def test_what_one_handle_committed_another_one_reads(place: Place) -> None:
    writer, reader = await place.open(), await place.open()
    assert await reader.load_run("r1") is None
    await writer.commit(rows.commit(runs=[rows.run()], tasks=[rows.task(index=(n,)) for n in range(3)]))
    stored = await reader.load_run("r1")
    assert stored is not None
    assert msgspec.structs.asdict(stored.run) == msgspec.structs.asdict(rows.run())
    assert len(stored.tasks) == 3

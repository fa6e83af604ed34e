"""Retention removes what ended long ago, and nothing that is still needed."""

from __future__ import annotations

from typing import Any

from tests import store_rows as rows
from toque.engine.states import RunState
from toque.ports.store import RunFilter, Store


def ended(run_id: str, finished_us: int, **fields: Any) -> Any:
    return rows.run(run_id, **{"state": RunState.SUCCEEDED, "finished_us": finished_us, **fields})


async def test_ended_runs_go_oldest_end_first_up_to_the_limit(store: Store) -> None:
    for n, finished in enumerate([40, 10, 30, 20, 100]):
        await store.create_run(ended(f"r{n}", finished))
    assert await store.prune(before_us=100, keep_last=0, limit=3) == ["r1", "r3", "r2"]
    assert await store.prune(before_us=100, keep_last=0, limit=3) == ["r0"]
    assert [run.run_id for run in await store.list_runs(RunFilter())] == ["r4"]


async def test_unfinished_runs_stay_however_old(store: Store) -> None:
    for state in RunState:
        await store.create_run(rows.run(f"r-{state}", state=state, finished_us=5 if state.is_terminal else 0))
    assert sorted(await store.prune(before_us=100, keep_last=0, limit=9)) == ["r-cancelled", "r-failed", "r-succeeded"]


async def test_the_last_runs_of_each_pipeline_stay(store: Store) -> None:
    for n in range(4):
        await store.create_run(ended(f"a{n}", n + 1, pipeline="a"))
    await store.create_run(ended("b0", 1, pipeline="b"))
    await store.create_run(rows.run("b1", pipeline="b"))
    assert sorted(await store.prune(before_us=100, keep_last=2, limit=9)) == ["a0", "a1"]
    assert sorted(await store.prune(before_us=100, keep_last=1, limit=9)) == ["a2", "b0"]


async def test_a_run_whose_results_a_rerun_uses_stays_as_long_as_the_rerun(store: Store) -> None:
    await store.create_run(ended("r0", 1))
    await store.create_run(ended("r1", 2, origin_run="r0"))
    await store.create_run(rows.run("r2", origin_run="r1"))
    assert await store.prune(before_us=100, keep_last=0, limit=9) == []
    await store.commit(rows.commit(runs=[ended("r2", 3, origin_run="r1")]))
    assert [await store.prune(before_us=100, keep_last=0, limit=9) for _ in range(3)] == [["r2"], ["r1"], ["r0"]]


async def test_everything_of_a_pruned_run_goes_and_its_neighbours_keep_theirs(store: Store) -> None:
    for name in ("r0", "r1", "r2"):
        await store.create_run(rows.run(name), dedup=f"tick {name}")
        await store.commit(
            rows.commit(
                runs=[ended(name, 1)] if name == "r1" else [],
                tasks=[rows.task("t", (n,), name) for n in range(2_500)],
                attempts=[rows.attempt(1, run_id=name)],
                steps=[rows.step(run_id=name)],
                facts=[rows.facts(1, 5, name)],
            )
        )
        await store.put_command(rows.command(name))
    assert await store.prune(before_us=100, keep_last=0, limit=9) == ["r1"]
    assert await store.load_run("r1") is None
    assert await store.count_tasks("r1") == {}
    assert await store.load_facts("r1") == []
    assert await store.list_attempts("r1", "t", ()) == []
    assert {command.run_id for command in await store.list_commands(rows.ME)} == {"r0", "r2"}
    for name in ("r0", "r2"):
        stored = await store.load_run(name)
        assert stored is not None
        assert (len(stored.tasks), len(stored.steps), stored.run.fact_seq) == (2_500, 1, 5)
        assert len(await store.list_attempts(name, "t", ())) == 1
    # The name of the tick is free again.
    assert await store.create_run(rows.run("r9"), dedup="tick r1") == "r9"

"""A rerun that waits in the queue keeps what it is to take over, whoever starts it in the end."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.unit.runtime.scenes import CALLS, HERE, Scene, doubles
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState
from toque.graph import canonical
from toque.ports.store import StoredRun, StoreUnavailable, TaskFilter
from toque.runtime.adoption import rows_to_reuse
from toque.runtime.ids import new_run_id
from toque.runtime.loop import Runtime
from toque.runtime.messages import Adopt


async def origin_of(scene: Scene, runtime: Runtime) -> tuple[RunRow, list[TaskRow]]:
    """A run of `doubles` that has ended."""
    ended = await asyncio.wait_for(runtime.launch(scene.launch(doubles)), 10)
    assert ended.state is RunState.SUCCEEDED
    return ended, await scene.store.list_tasks(TaskFilter(run_id=ended.run_id))


def rerun_of(origin: RunRow, scene: Scene, **fields: object) -> RunRow:
    now_us = scene.clock.now_us()
    return RunRow(
        run_id=new_run_id(now_us),
        pipeline=origin.pipeline,
        version=canonical.content_hash(doubles.ir),
        state=RunState.QUEUED,
        parameters=origin.parameters,
        created_us=now_us,
        origin_run=origin.run_id,
        reuse=("total",),
        **fields,  # type: ignore[arg-type]
    )


async def test_a_rerun_that_another_process_queued_takes_over_what_was_recorded() -> None:
    scene = Scene()
    async with scene.runtime() as first:
        origin, _ = await origin_of(scene, first)
    again = rerun_of(origin, scene)
    await scene.store.create_run(again)
    CALLS.clear()
    async with scene.runtime() as second:
        ending = second.wait(again.run_id)
        assert (await second.adopt()).total == 1
        ended = await asyncio.wait_for(ending, 10)
    assert ended.state is RunState.SUCCEEDED
    assert CALLS == ["total"]


async def test_a_rerun_that_is_handed_to_the_runtime_takes_over_what_was_recorded() -> None:
    scene = Scene()
    async with scene.runtime() as runtime:
        origin, rows = await origin_of(scene, runtime)
        again = rerun_of(origin, scene, owner=runtime.instance)
        await scene.store.create_run(again)
        CALLS.clear()
        ending = runtime.wait(again.run_id)
        runtime.post(Adopt(StoredRun(run=again, tasks=[], steps=[]), doubles.ir, HERE, rows))
        assert (await asyncio.wait_for(ending, 10)).state is RunState.SUCCEEDED
    assert CALLS == ["total"]


@pytest.mark.parametrize("failing", [1, 2])
async def test_a_commit_that_fails_costs_a_rerun_nothing_of_it(failing: int) -> None:
    scene = Scene()
    async with scene.runtime() as runtime:
        origin, rows = await origin_of(scene, runtime)
        again = rerun_of(origin, scene, owner=runtime.instance)
        await scene.store.create_run(again)
        CALLS.clear()
        before = scene.store.commits

        def trouble(number: int) -> None:
            if number == before + failing:
                raise StoreUnavailable("disk full")

        scene.store.trouble = trouble
        ending = runtime.wait(again.run_id)
        runtime.post(Adopt(StoredRun(run=again, tasks=[], steps=[]), doubles.ir, HERE, rows))
        assert (await asyncio.wait_for(ending, 10)).state is RunState.SUCCEEDED
    assert CALLS == ["total"]


async def test_only_what_has_not_started_is_given_rows_to_take_over() -> None:
    scene = Scene()
    async with scene.runtime() as runtime:
        origin, rows = await origin_of(scene, runtime)
    again = rerun_of(origin, scene)
    assert len(await rows_to_reuse(scene.store, again)) == len(rows)
    started = msgspec.structs.replace(again, state=RunState.RUNNING)
    assert await rows_to_reuse(scene.store, started) == []
    assert await rows_to_reuse(scene.store, origin) == []
    gone = msgspec.structs.replace(again, origin_run="pruned")
    assert await rows_to_reuse(scene.store, gone) == []

"""The loop: what it promises when commits fail, answers are lost, and instances come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from tests.unit.runtime.scenes import CALLS, Scene, SlowStop, doubles, only_one, wants_slots
from toque.engine.effects import SetTimer
from toque.engine.facts import Failed, Succeeded
from toque.engine.inputs import AttemptReturned, Cancel
from toque.engine.states import RunState, TaskState
from toque.engine.values import Token
from toque.errors import ToqueBug
from toque.ports.store import Commit, Hold, OwnershipLost, StoreUnavailable

BODIES = ["double 0", "double 1", "double 2", "numbers", "total"]


async def _successes(scene: Scene, run_id: str) -> dict[str, int]:
    counted: dict[str, int] = {}
    for _, fact in await scene.store.load_facts(run_id):
        if isinstance(fact, Succeeded | Failed):
            counted[str(fact.key)] = counted.get(str(fact.key), 0) + 1
    return counted


async def test_a_run_goes_to_its_end_and_every_body_runs_once() -> None:
    scene = Scene()
    async with scene.runtime() as runtime:
        ended = await runtime.launch(scene.launch(doubles))
    assert ended.state is RunState.SUCCEEDED
    assert sorted(CALLS) == BODIES


@pytest.mark.parametrize("failing", range(1, 9))
async def test_a_commit_that_fails_changes_nothing_but_the_time(failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever commit fails: the run ends as if it had not, no body runs twice, no outcome is recorded twice."""
    monkeypatch.setattr("toque.runtime.settling.FIRST_DELAY_S", 0.0)
    scene = Scene()

    def trouble(number: int) -> None:
        if number == failing:
            raise StoreUnavailable("disk full")

    scene.store.trouble = trouble
    async with scene.runtime() as runtime:
        ended = await asyncio.wait_for(runtime.launch(scene.launch(doubles)), 10)
    assert ended.state is RunState.SUCCEEDED
    assert sorted(CALLS) == BODIES
    assert set((await _successes(scene, ended.run_id)).values()) == {1}


@pytest.mark.parametrize("ambiguous", range(1, 9))
async def test_a_commit_whose_answer_is_lost_took_effect_once(ambiguous: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction was written, and the writer does not know: nothing is lost, nothing is recorded twice."""
    monkeypatch.setattr("toque.runtime.settling.FIRST_DELAY_S", 0.0)
    scene = Scene()

    def aftermath(number: int) -> None:
        if number == ambiguous:
            raise StoreUnavailable("connection lost")

    scene.store.aftermath = aftermath
    async with scene.runtime() as runtime:
        ended = await asyncio.wait_for(runtime.launch(scene.launch(doubles)), 10)
    assert ended.state is RunState.SUCCEEDED
    assert sorted(CALLS) == BODIES
    assert set((await _successes(scene, ended.run_id)).values()) == {1}


async def test_an_error_of_our_own_stops_the_loop_and_tells_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()

    def broken(*_: object) -> None:
        raise ToqueBug("planted")

    monkeypatch.setattr("toque.runtime.deciding.decide", broken)
    monkeypatch.setattr("toque.runtime.granting.decide", broken)
    with pytest.raises(ToqueBug, match="planted"):
        async with scene.runtime() as runtime:
            await asyncio.wait_for(runtime.launch(scene.launch(doubles)), 10)


async def test_a_run_that_another_instance_owns_is_let_go() -> None:
    """After `OwnershipLost` nothing about the run is written any more; other runs go on."""
    scene = Scene()
    stolen = scene.launch(doubles)

    def trouble(number: int) -> None:
        if number == 2:
            raise OwnershipLost([stolen.row.run_id])

    scene.store.trouble = trouble
    async with scene.runtime() as runtime:
        waiting = runtime.launch(stolen)
        while scene.store.commits < 2:
            await asyncio.sleep(0)
        ended = await asyncio.wait_for(runtime.launch(scene.launch(doubles)), 10)
        assert ended.state is RunState.SUCCEEDED
        assert not waiting.done()
    assert waiting.cancelled() or isinstance(waiting.exception(), asyncio.CancelledError)


async def test_slots_of_another_instance_are_waited_for() -> None:
    """A pool is counted over all instances; when the other one lets go, we notice without being told."""
    scene = Scene(pools={"scarce": 1})
    await scene.store.open()
    held = Hold(pool="scarce", holder="other/run", slots=1, limit=1)
    async with scene.runtime() as other:
        await scene.store.commit(Commit(instance=other.instance, acquire=[held]))
        async with scene.runtime() as runtime:
            ending = runtime.launch(scene.launch(wants_slots))
            while scene.store.commits < 3:
                await asyncio.sleep(0)
            assert CALLS == []
            await scene.store.commit(Commit(instance=other.instance, release=[("scarce", "other/run")]))
            ended = await asyncio.wait_for(ending, 10)
    assert ended.state is RunState.SUCCEEDED
    assert CALLS == ["scarce 1"]
    assert await scene.store.pool_usage() == {}


async def test_an_unfinished_run_is_handed_over_and_goes_on_elsewhere() -> None:
    scene = Scene()
    launch = scene.launch(doubles)
    async with scene.runtime() as first:
        first.launch(launch).cancel()
        while not any("numbers" in call for call in CALLS):
            await asyncio.sleep(0)
    stored = await scene.store.load_run(launch.row.run_id)
    assert stored is not None
    assert stored.run.owner == ""
    async with scene.runtime() as second:
        ending = second.wait(launch.row.run_id)
        assert (await second.adopt()).total == 1
        ended = await asyncio.wait_for(ending, 10)
    assert ended.state is RunState.SUCCEEDED
    assert sorted(set(CALLS)) == BODIES


async def test_a_run_of_a_dead_instance_is_adopted_without_spending_a_retry() -> None:
    scene = Scene()
    launch = scene.launch(doubles)

    async with scene.runtime() as first:
        first.launch(launch).cancel()
        while scene.store.commits < 1:
            await asyncio.sleep(0)
        scene.store.lose(first.instance)
        async with scene.runtime() as second:
            ending = second.wait(launch.row.run_id)
            assert (await second.adopt()).total == 1
            ended = await asyncio.wait_for(ending, 10)
    assert ended.state is RunState.SUCCEEDED
    rows = await scene.tasks(launch.row.run_id)
    assert {row.state for row in rows} == {TaskState.SUCCEEDED}
    assert {row.losses for row in rows} == {0}


async def test_who_waits_for_a_run_that_was_taken_over_learns_how_it_ended() -> None:
    """`toque run` on PostgreSQL that was frozen for longer than its lease."""
    scene = Scene()
    launch = scene.launch(doubles)

    async with scene.runtime() as first:
        waiting = first.launch(launch)
        while scene.store.commits < 1:
            await asyncio.sleep(0)
        scene.store.lose(first.instance)
        async with scene.runtime() as second:
            assert (await second.adopt()).total == 1
            ended = await asyncio.wait_for(waiting, 10)
            stored = await scene.store.load_run(launch.row.run_id)
            assert stored is not None
            assert stored.run.owner == second.instance
    assert ended.state is RunState.SUCCEEDED


async def test_listeners_hear_of_facts_only_after_the_commit() -> None:
    scene = Scene()
    seen: list[int] = []
    durable: list[int] = []

    async with scene.runtime() as runtime:
        scene.store.aftermath = durable.append
        runtime.listen(lambda run, facts: seen.append(len(durable)))
        await runtime.launch(scene.launch(doubles))
    assert seen
    assert all(commits > 0 for commits in seen)
    assert seen == sorted(seen)


async def test_an_adopted_run_takes_its_place_among_the_active_ones_with_it() -> None:
    """Else another process would start a second one beside it."""
    scene = Scene()
    launch = scene.launch(only_one)
    async with scene.runtime() as first:
        first.launch(launch).cancel()
        while scene.store.commits < 1:
            await asyncio.sleep(0)
        scene.store.lose(first.instance)
        async with scene.runtime() as second:
            ending = second.wait(launch.row.run_id)
            places: list[dict[str, int]] = []

            async def look() -> None:
                places.append(await scene.store.pool_usage())

            await second.adopt()
            while scene.store.commits < 2:
                await asyncio.sleep(0)
            await look()
            await asyncio.wait_for(ending, 10)
            await look()
    assert places == [{"runs:only_one": 1}, {}]


async def test_runs_that_have_started_come_before_queued_ones_whatever_their_ids_say() -> None:
    """Adopted together, a queued run would else start beside the one that was active when its owner died."""
    scene = Scene()
    queued, active = scene.launch(only_one), scene.launch(only_one)
    async with scene.runtime(SlowStop(lambda: scene.blobs)) as first:
        first.launch(active).cancel()
        while scene.store.commits < 1:
            await asyncio.sleep(0)
        first.launch(queued).cancel()
        while scene.store.commits < 2:
            await asyncio.sleep(0)
        scene.store.lose(first.instance)
        async with scene.runtime() as second:
            endings = [second.wait(launch.row.run_id) for launch in (active, queued)]
            assert (await second.adopt()).total == 2
            ends = [await asyncio.wait_for(ending, 10) for ending in endings]
    assert [row.run_id for row in ends] == [active.row.run_id, queued.row.run_id]
    assert ends[0].finished_us <= ends[1].started_us


async def test_a_store_that_goes_away_between_adopting_and_loading_loses_no_run() -> None:
    scene = Scene(adopt=True)
    launch = scene.launch(doubles)
    await scene.store.open()
    await scene.store.create_run(launch.row)
    away = iter([True, True])
    load_run = scene.store.load_run

    async def load(run_id: str) -> Any:
        if next(away, False):
            raise StoreUnavailable("gone")
        return await load_run(run_id)

    scene.store.load_run = load  # type: ignore[method-assign]
    async with scene.runtime() as runtime:
        ended = await asyncio.wait_for(runtime.wait(launch.row.run_id), 10)
    assert ended.state is RunState.SUCCEEDED


async def test_slots_of_the_dead_are_free_also_where_nobody_adopts_their_runs() -> None:
    """Of two `toque run` on one store, one is killed while it holds a slot that the other one waits for."""
    scene = Scene(pools={"scarce": 1}, bury_s=0.0)
    await scene.store.open()
    async with scene.runtime() as other:
        hold = Hold(pool="scarce", holder="killed/scarce", slots=1, limit=1)
        await scene.store.commit(Commit(instance=other.instance, acquire=[hold]))
        async with scene.runtime() as runtime:
            ending = runtime.launch(scene.launch(wants_slots))
            while scene.store.commits < 3:
                await asyncio.sleep(0)
            assert CALLS == []
            scene.store.lose(other.instance)
            ended = await asyncio.wait_for(ending, 10)
    assert ended.state is RunState.SUCCEEDED
    assert await scene.store.pool_usage() == {}


async def test_what_ends_within_the_grace_of_a_stop_is_recorded() -> None:
    """However many attempts are still running: the loop does not end with the first of their reports."""
    scene = Scene()
    slow = SlowStop(lambda: scene.blobs)
    launch = scene.launch(doubles)
    async with scene.runtime(slow) as runtime:
        runtime.launch(launch).cancel()
        while slow.held < 3:
            await asyncio.sleep(0)
    states = {(row.task, row.map_index): row.state for row in await scene.tasks(launch.row.run_id)}
    assert {states["double", (index,)] for index in range(3)} == {TaskState.SUCCEEDED}


@pytest.mark.parametrize("place", ["loop", "adoption", "timers", "callback", "acting"])
async def test_whatever_breaks_is_told_to_everybody_who_waits(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()

    def broken(*_: object, **__: object) -> None:
        raise ToqueBug("planted")

    targets = {
        "loop": "toque.runtime.settling.Settling.settle",
        "adoption": "toque.store.memory.MemoryStore.changed",
        "timers": "toque.runtime.timers.Timers._until",
        "acting": "toque.runtime.acting.Actor.act",
    }
    if place in targets:
        monkeypatch.setattr(targets[place], broken)
    heard: list[ToqueBug] = []

    async def hear(waiting: Awaitable[Any]) -> None:
        try:
            await asyncio.wait_for(waiting, 10)
        except ToqueBug as bug:
            heard.append(bug)

    async def scenario() -> None:
        async with scene.runtime() as runtime:
            if place == "callback":
                asyncio.get_running_loop().call_soon(broken)
            elif place == "timers":
                runtime._timers.set("nobody", SetTimer(kind="retry", due_us=scene.clock.now_us() + 10**9))
            elif place in ("loop", "acting"):
                runtime.post(Cancel(run_id="nobody", actor="test"))
            await asyncio.gather(hear(runtime.wait("a run that never ends")), hear(runtime.crashed()))

    with pytest.raises(ToqueBug, match="planted"):
        await scenario()
    assert len(heard) == 2


async def test_a_stop_does_not_wait_for_a_store_that_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toque.runtime.settling.FIRST_DELAY_S", 0.0)
    scene = Scene()

    def trouble(number: int) -> None:
        raise StoreUnavailable("disk full")

    scene.store.trouble = trouble
    async with scene.runtime() as runtime:
        waiting = runtime.launch(scene.launch(doubles))
        while scene.store.commits < 2:
            await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_stray_report_about_a_task_that_does_not_exist_disturbs_nothing() -> None:
    scene = Scene()
    async with scene.runtime() as runtime:
        launch = scene.launch(doubles)
        ending = runtime.launch(launch)
        runtime.post(AttemptReturned(run_id=launch.row.run_id, task="nobody", attempt=1, token=Token(boot=9, n=9)))
        ended = await asyncio.wait_for(ending, 10)
    assert ended.state is RunState.SUCCEEDED

"""Boots, the dead, and who takes over from them."""

from __future__ import annotations

import asyncio

import pytest

from tests import store_rows as rows
from tests.conformance.store.conftest import Place
from tests.store_rows import ME, OTHER
from toque.engine.states import RunState
from toque.ports.store import OwnershipLost, Store


async def boot(store: Store, instance: str, role: str = "run") -> int:
    return await store.new_boot(instance, pid=4711, host="host", role=role, now_us=1)


async def test_every_boot_draws_a_higher_number(place: Place) -> None:
    first, second = await place.open(), await place.open()
    numbers = [await boot(first, "a"), await boot(second, "b"), await boot(first, "c")]
    assert numbers == sorted(set(numbers))
    await second.close()
    third = await place.open()
    assert await boot(third, "d") > numbers[-1]


async def test_an_instance_is_dead_when_its_process_ended(place: Place) -> None:
    mine, theirs = await place.open(), await place.open()
    await boot(mine, ME)
    await boot(theirs, OTHER)
    await theirs.create_run(rows.run("r1", owner=OTHER))
    await mine.create_run(rows.run("r2", owner=ME))
    assert await mine.dead_instances() == []
    await place.end(theirs, OTHER)
    assert await mine.dead_instances() == [OTHER]


async def test_the_dead_are_those_that_hold_runs_or_slots(place: Place) -> None:
    mine, theirs = await place.open(), await place.open()
    await boot(mine, ME)
    for name in ("ended", "idle", "runs", "slots"):
        await boot(theirs, name)
    await theirs.create_run(rows.run("r1", owner="ended", state=RunState.FAILED))
    await theirs.create_run(rows.run("r2", owner="runs", state=RunState.SUSPENDED))
    await theirs.commit(rows.commit(instance="slots", acquire=[rows.hold("a")]))
    for name in ("ended", "idle", "runs", "slots"):
        await place.end(theirs, name)
    assert await mine.dead_instances() == ["runs", "slots"]


async def test_an_owner_that_nobody_ever_registered_is_dead(store: Store) -> None:
    await store.create_run(rows.run(owner="unheard-of"))
    assert await store.dead_instances() == ["unheard-of"]


async def test_adoption_takes_unfinished_runs_of_the_dead_and_of_nobody(store: Store) -> None:
    for n, (owner, state) in enumerate(
        [
            ("dead", RunState.RUNNING),
            ("", RunState.QUEUED),
            ("dead", RunState.SUCCEEDED),
            (OTHER, RunState.RUNNING),
            ("late", RunState.SUSPENDED),
            (ME, RunState.RUNNING),
        ]
    ):
        await store.create_run(rows.run(f"r{n}", owner=owner, state=state))
    assert await store.adopt(ME, from_instances=["dead", "late"]) == ["r0", "r1", "r4"]
    assert await store.adopt(ME, from_instances=["dead", "late"]) == []
    await store.commit(rows.commit(tasks=[rows.task(run_id=run) for run in ("r0", "r1", "r4", "r5")]))
    for run in ("r2", "r3"):
        with pytest.raises(OwnershipLost):
            await store.commit(rows.commit(tasks=[rows.task(run_id=run)]))


async def test_adoption_takes_the_oldest_first_up_to_its_limit(store: Store) -> None:
    for n in range(5):
        await store.create_run(rows.run(f"r{n}", owner=""))
    assert await store.adopt(ME, from_instances=[], limit=2) == ["r0", "r1"]
    assert await store.adopt(ME, from_instances=[], limit=9) == ["r2", "r3", "r4"]


async def test_adoption_frees_the_slots_of_the_dead(store: Store) -> None:
    await store.commit(rows.commit(instance="dead", acquire=[rows.hold("a"), rows.hold("x", pool="another")]))
    await store.commit(rows.commit(acquire=[rows.hold("b")]))
    await store.adopt(ME, from_instances=["dead"])
    assert await store.pool_usage() == {"pool": 1}
    assert await store.dead_instances() == [ME]


async def test_what_a_run_holds_itself_goes_with_it(store: Store) -> None:
    """Its place among the active runs of its pipeline: nobody may take it while the run changes hands."""
    await store.commit(
        rows.commit(
            instance="dead",
            runs=[rows.run("r0", owner="dead")],
            acquire=[rows.hold("r0", pool="runs:p"), rows.hold("r0/task"), rows.hold("gone", pool="runs:p")],
        )
    )
    await store.adopt(ME, from_instances=["dead"])
    assert await store.pool_usage() == {"runs:p": 1}
    await store.adopt(OTHER, from_instances=[ME])
    assert await store.pool_usage() == {"runs:p": 1}


async def test_slots_of_the_dead_can_be_freed_without_taking_their_runs(store: Store) -> None:
    await store.commit(rows.commit(instance="dead", runs=[rows.run("r0", owner="dead")], acquire=[rows.hold("r0/a")]))
    assert await store.adopt(ME, from_instances=["dead"], limit=0) == []
    assert await store.pool_usage() == {}
    assert await store.adopt(ME, from_instances=["dead"]) == ["r0"]


async def test_who_adopts_keeps_its_own_slots_even_if_it_names_itself(store: Store) -> None:
    await store.commit(rows.commit(runs=[rows.run()], acquire=[rows.hold("a")]))
    assert await store.adopt(ME, from_instances=[ME, ""]) == []
    assert await store.pool_usage() == {"pool": 1}


async def test_who_lost_its_runs_cannot_write_them_any_more(place: Place) -> None:
    zombie, heir = await place.open(), await place.open()
    await zombie.commit(rows.commit(instance=OTHER, runs=[rows.run(owner=OTHER)]))
    await heir.adopt(ME, from_instances=[OTHER])
    with pytest.raises(OwnershipLost):
        await zombie.commit(rows.commit(instance=OTHER, runs=[rows.run(owner=OTHER)]))
    stored = await heir.load_run("r1")
    assert stored is not None
    assert stored.run.owner == ME


async def test_of_instances_that_adopt_at_once_each_run_gets_one_owner(place: Place) -> None:
    stores = [await place.open() for _ in range(3)]
    for n in range(20):
        await stores[0].create_run(rows.run(f"r{n:02}", owner=""))
    taken = await asyncio.gather(
        *(store.adopt(f"i{n}", from_instances=["dead"], limit=10) for n, store in enumerate(stores) for _ in range(3))
    )
    assert sorted(run for runs in taken for run in runs) == [f"r{n:02}" for n in range(20)]


async def test_renewing_keeps_an_instance_alive(store: Store) -> None:
    await boot(store, ME)
    await store.create_run(rows.run())
    await store.renew(ME, 2, 30.0)
    assert await store.dead_instances() == []

"""Slots of a pool are never held beyond its limit, whoever holds them."""

from __future__ import annotations

import asyncio

import pytest

from tests import store_rows as rows
from tests.conformance.store.conftest import Place
from tests.store_rows import OTHER
from toque.ports.store import PoolFull, Store


async def test_slots_are_counted_over_all_instances(place: Place) -> None:
    mine, theirs = await place.open(), await place.open()
    await mine.commit(rows.commit(acquire=[rows.hold("a"), rows.hold("x", pool="another")]))
    await theirs.commit(rows.commit(instance=OTHER, acquire=[rows.hold("b")]))
    assert await mine.pool_usage() == {"another": 1, "pool": 2}
    with pytest.raises(PoolFull) as caught:
        await mine.commit(rows.commit(acquire=[rows.hold("c"), rows.hold("y", pool="another")]))
    assert caught.value.used == {"pool": 2}
    assert await theirs.pool_usage() == {"another": 1, "pool": 2}


async def test_a_released_slot_is_free_in_the_same_commit(store: Store) -> None:
    await store.commit(rows.commit(acquire=[rows.hold("a", slots=2)]))
    await store.commit(rows.commit(release=[("pool", "a")], acquire=[rows.hold("b", slots=2)]))
    assert await store.pool_usage() == {"pool": 2}
    await store.commit(rows.commit(release=[("pool", "b"), ("pool", "unknown")]))
    assert await store.pool_usage() == {}


async def test_one_commit_cannot_exceed_the_limit_by_itself(store: Store) -> None:
    with pytest.raises(PoolFull) as caught:
        await store.commit(rows.commit(acquire=[rows.hold("a"), rows.hold("b"), rows.hold("c")]))
    assert caught.value.used == {"pool": 0}


async def test_what_a_holder_holds_already_does_not_count_twice(store: Store) -> None:
    await store.commit(rows.commit(acquire=[rows.hold("a", slots=2)]))
    await store.commit(rows.commit(acquire=[rows.hold("a", slots=2)]))
    assert await store.pool_usage() == {"pool": 2}


async def test_of_several_limits_for_a_pool_the_smallest_holds(store: Store) -> None:
    with pytest.raises(PoolFull):
        await store.commit(rows.commit(acquire=[rows.hold("a", limit=1), rows.hold("b", limit=2)]))


async def test_instances_that_race_for_the_last_slots_never_exceed_the_limit(place: Place) -> None:
    stores = [await place.open() for _ in range(3)]

    async def grab(number: int, holder: int) -> bool:
        try:
            await stores[number].commit(
                rows.commit(instance=f"i{number}", acquire=[rows.hold(f"{number}.{holder}", limit=4)])
            )
        except PoolFull:
            return False
        return True

    won = await asyncio.gather(*(grab(number, holder) for holder in range(4) for number in range(3)))
    assert sum(won) == 4
    assert await stores[0].pool_usage() == {"pool": 4}

"""The memory store as tests and the simulator use it."""

from __future__ import annotations

from tests import store_rows as rows
from tests.store_rows import ME
from toque.store import open_store
from toque.store.memory import MemoryStore


async def test_what_was_stored_outlives_a_close_so_that_a_simulator_can_start_again() -> None:
    store = open_store("memory:")
    await store.open()
    assert await store.new_boot(ME, pid=1, host="", role="server", now_us=1) == 1
    await store.commit(rows.commit(runs=[rows.run()]))
    await store.close()
    await store.open()
    assert await store.load_run("r1") is not None
    assert await store.dead_instances() == [ME]
    assert await store.new_boot("next", pid=1, host="", role="server", now_us=1) == 2


async def test_a_lost_instance_is_dead_and_the_others_live() -> None:
    store = MemoryStore()
    for name in (ME, "other"):
        await store.new_boot(name, pid=1, host="", role="run", now_us=1)
        await store.create_run(rows.run(f"run-of-{name}", owner=name))
    store.lose(ME)
    assert await store.dead_instances() == [ME]


async def test_two_memory_stores_share_nothing() -> None:
    one, other = open_store("memory:"), open_store("memory:")
    await one.create_run(rows.run())
    assert await other.load_run("r1") is None

"""Commands reach whoever owns the run; `changed` says when to look."""

from __future__ import annotations

from tests import store_rows as rows
from tests.conformance.store.conftest import Place
from tests.store_rows import ME, OTHER
from toque.ports.store import Store


async def test_a_command_waits_for_the_owner_of_its_run(store: Store) -> None:
    await store.create_run(rows.run("r1"))
    await store.create_run(rows.run("r2", owner=OTHER))
    await store.create_run(rows.run("r3", owner=""))
    ids = [await store.put_command(rows.command(run, at_us=7)) for run in ("r1", "r2", "r3", "r1")]
    assert [command.id for command in await store.list_commands(ME)] == [ids[0], ids[3]]
    assert await store.list_commands(OTHER) == [rows.command("r2", id=ids[1], at_us=7)]
    await store.adopt(ME, from_instances=[])
    assert [command.id for command in await store.list_commands(ME)] == [ids[0], ids[2], ids[3]]


async def test_a_command_is_gone_when_the_commit_that_carried_it_out_is_there(store: Store) -> None:
    await store.create_run(rows.run())
    first, second = [await store.put_command(rows.command()) for _ in range(2)]
    await store.commit(rows.commit(runs=[rows.run(cancel_requested=True)], commands_done=[first, 999]))
    assert [command.id for command in await store.list_commands(ME)] == [second]


async def test_ids_of_commands_rise_and_are_never_used_again(store: Store) -> None:
    await store.create_run(rows.run())
    first = await store.put_command(rows.command())
    await store.commit(rows.commit(commands_done=[first]))
    assert await store.put_command(rows.command()) > first


async def test_what_another_process_asks_for_is_noticed(place: Place) -> None:
    mine, theirs = await place.open(), await place.open()
    await mine.create_run(rows.run())
    await mine.changed()
    await theirs.put_command(rows.command())
    assert await mine.changed()
    await mine.changed()
    await theirs.create_run(rows.run("r2", owner=""))
    assert await mine.changed()


async def test_what_this_process_asks_for_through_the_same_store_is_noticed(store: Store) -> None:
    await store.create_run(rows.run())
    await store.changed()
    await store.put_command(rows.command())
    assert await store.changed()

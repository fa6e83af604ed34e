"""PostgreSQL: leases by its clock, connections that break at the worst moment, hints that something changed."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests import store_rows as rows
from tests.postgres import PostgresServer
from tests.store_rows import ME
from toque.engine.states import TaskState
from toque.errors import UserError
from toque.ports.store import PoolFull, SchemaOutdated, StoreUnavailable
from toque.store import open_store
from toque.store.postgresql.connections import Connections
from toque.store.postgresql.session import PostgresqlSession
from toque.store.postgresql.store import PostgresqlStore
from toque.store.sql import schema

NEVER_S = 1e9


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresqlStore]:
    store = PostgresqlStore(postgres_url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other(postgres_url: str) -> AsyncIterator[PostgresqlStore]:
    store = PostgresqlStore(postgres_url)
    await store.open()
    yield store
    await store.close()


async def boot(store: PostgresqlStore, instance: str) -> int:
    return await store.new_boot(instance, pid=1, host="h", role="server", now_us=1)


async def test_an_instance_is_dead_when_its_lease_has_run_out(store: PostgresqlStore, other: PostgresqlStore) -> None:
    await boot(store, ME)
    await store.create_run(rows.run())
    assert await other.dead_instances() == []
    await store.renew(ME, 0, 0.0)
    assert await other.dead_instances() == [ME]
    # The clock of the instance says nothing.
    await store.renew(ME, -(10**15), 30.0)
    assert await other.dead_instances() == []


async def test_an_instance_that_was_given_up_lives_again_when_it_renews(
    store: PostgresqlStore, other: PostgresqlStore
) -> None:
    await boot(store, ME)
    await store.create_run(rows.run())
    await store.renew(ME, 0, 0.0)
    assert await other.adopt("heir", from_instances=await other.dead_instances()) == ["r1"]
    # The boot of another one forgets the dead that hold nothing.
    await boot(other, "heir")
    await store.renew(ME, 0, 30.0)
    await store.create_run(rows.run("r2"))
    assert await other.dead_instances() == []


async def test_several_servers_may_serve_one_database(store: PostgresqlStore, other: PostgresqlStore) -> None:
    assert await boot(store, "a") < await boot(other, "b")


async def test_a_hint_comes_from_others_and_not_from_oneself(store: PostgresqlStore, other: PostgresqlStore) -> None:
    await store.create_run(rows.run())
    await store._server.heard(NEVER_S)
    assert not await store._server.heard(NEVER_S)
    await other.put_command(rows.command())
    assert await store._server.heard(NEVER_S)
    assert not await store._server.heard(NEVER_S)
    await store.commit(rows.commit(runs=[rows.run()]))
    assert not await store._server.heard(NEVER_S)
    await other._server.heard(NEVER_S)
    await store.commit(rows.commit(tasks=[rows.task()]))
    assert not await other._server.heard(NEVER_S)
    await store.commit(rows.commit(release=[("pool", "a")]))
    assert await other._server.heard(NEVER_S)


async def test_polling_says_yes_even_if_no_hint_came(store: PostgresqlStore) -> None:
    assert await store._server.heard(0.0)
    assert await store._server.heard(0.0)


async def test_connections_that_were_cut_are_made_again_and_nobody_notices(
    store: PostgresqlStore, postgres: PostgresServer, postgres_url: str
) -> None:
    await store.commit(rows.commit(runs=[rows.run()]))
    await store.load_run("r1")
    await store._server.heard(NEVER_S)
    postgres.disconnect(postgres_url)
    await store.commit(rows.commit(tasks=[rows.task()], facts=[rows.facts(1)]))
    stored = await store.load_run("r1")
    assert stored is not None
    assert (len(stored.tasks), stored.run.fact_seq) == (1, 1)
    # What was said while nobody listened is unknown.
    assert await store._server.heard(NEVER_S)


async def test_a_server_that_crashed_has_every_acknowledged_commit(
    store: PostgresqlStore, postgres: PostgresServer
) -> None:
    await store.commit(rows.commit(runs=[rows.run()], facts=[rows.facts(1)]))
    postgres.crash()
    await store.commit(rows.commit(facts=[rows.facts(2)]))
    assert [seq for seq, _ in await store.load_facts("r1")] == [1, 2]


class Cutting:
    """A proxy in front of the server that breaks a connection at its next COMMIT."""

    def __init__(self, url: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="toque-cut-")
        given = conninfo_to_dict(url)
        self._server = f"{given['host']}/.s.PGSQL.5432"
        self.url = url.replace(str(given["host"]), self._folder)
        self.cut = ""
        """`before` the server has the COMMIT, or `after` it has answered; "" lets everything pass."""
        self.refuse_next = False
        """Also turn away whoever connects after the cut."""
        self.refusing = False
        self._swallowing = False
        self._broken: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self._folder}/.s.PGSQL.5432")
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        Path(f"{self._folder}/.s.PGSQL.5432").unlink()
        Path(self._folder).rmdir()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if self.cut and b"COMMIT" in data:
                    how, self.cut = self.cut, ""
                    if how == "before":
                        self._break(client)
                        return
                    self._swallowing = True
                server.sendall(data)
        if client not in self._broken:
            server.shutdown(socket.SHUT_RDWR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if self._swallowing and b"COMMIT" in data:
                    self._swallowing = False
                    self._break(client)
                    return
                client.sendall(data)
        client.close()

    def _break(self, client: socket.socket) -> None:
        """For the client only: the session on the server stays, as it does when a network breaks."""
        self.refusing = self.refuse_next
        self._broken.append(client)
        client.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cutting(postgres_url: str) -> Iterator[Cutting]:
    proxy = Cutting(postgres_url)
    yield proxy
    proxy.close()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_commit_whose_answer_was_lost_is_there_exactly_once(cutting: Cutting, when: str) -> None:
    store = PostgresqlStore(cutting.url)
    await store.open()
    await store.commit(rows.commit(runs=[rows.run()]))
    cutting.cut = when
    await store.commit(rows.commit(tasks=[rows.task()], facts=[rows.facts(1)], counters={"n": 1}))
    assert cutting.cut == ""
    assert await store.counters() == {"n": 1}
    assert [seq for seq, _ in await store.load_facts("r1")] == [1]
    await store.close()


async def test_a_transaction_that_a_crash_erased_is_not_taken_for_committed(postgres_url: str) -> None:
    """After a crash the server may never have heard of the number that it gave to the lost transaction."""
    connections = Connections(postgres_url)
    writer = connections.get("write")
    writer.execute("SELECT 1")
    assert not connections.lose_writer(str(2**40))
    assert connections.get("write").execute("SELECT 1").fetchone() == (1,)
    connections.drop("write")


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
async def test_a_commit_in_doubt_is_settled_before_anything_else_is_read(
    cutting: Cutting, when: str, count: int
) -> None:
    store = PostgresqlStore(cutting.url)
    await store.open()
    await store.commit(rows.commit(runs=[rows.run()]))
    cutting.cut, cutting.refuse_next = when, True
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await store.commit(rows.commit(counters={"n": 1}))
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await store.counters()
    cutting.refusing = False
    assert await store.counters() == ({"n": 1} if count else {})
    await store.close()


async def test_slots_that_another_transaction_is_taking_are_waited_for(
    store: PostgresqlStore, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as taking, psycopg.connect(postgres_url, autocommit=True) as watching:
        session = PostgresqlSession(taking)
        session.lock_pools(["pool"])
        session.upsert(schema.HOLDS, schema.HOLDS.column_names, [("pool", "theirs", 2, "other")])
        commit = asyncio.ensure_future(store.commit(rows.commit(acquire=[rows.hold("mine")])))
        while not watching.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchall():
            await asyncio.sleep(0)
            assert not commit.done()
        taking.commit()
        with pytest.raises(PoolFull):
            await commit


async def test_a_read_only_database_is_reported(
    store: PostgresqlStore, postgres: PostgresServer, postgres_url: str
) -> None:
    name = conninfo_to_dict(postgres_url)["dbname"]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    postgres.disconnect(postgres_url)
    with pytest.raises(StoreUnavailable, match="read-only"):
        await store.commit(rows.commit(runs=[rows.run()]))
    assert await store.load_run("r1") is None


async def test_a_server_that_is_not_there_is_reported(tmp_path: Path) -> None:
    store = open_store(f"postgresql://ann:geheim@/toque?host={tmp_path}")
    with pytest.raises(StoreUnavailable, match=f"toque on {tmp_path} cannot be reached") as caught:
        await store.open()
    assert "geheim" not in str(caught.value)
    await store.close()


def test_a_url_that_is_none_is_refused_without_repeating_the_password() -> None:
    with pytest.raises(UserError) as caught:
        open_store("postgresql://ann:geheim%zz@host/db")
    assert "geheim" not in str(caught.value)
    assert caught.value.fix


async def test_the_database_of_another_program_is_refused(empty_postgres_url: str) -> None:
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("CREATE TABLE runs (id int)")
    store = open_store(empty_postgres_url)
    with pytest.raises(StoreUnavailable, match="belongs to another program"):
        await store.open()
    await store.close()


async def test_a_schema_of_a_newer_toque_says_what_to_do(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    store = open_store(postgres_url)
    with pytest.raises(SchemaOutdated, match="upgrade Toque"):
        await store.open()
    await store.close()


async def test_an_empty_database_is_made_a_store_by_the_first_of_several(empty_postgres_url: str) -> None:
    stores = [PostgresqlStore(empty_postgres_url) for _ in range(3)]
    await asyncio.gather(*(store.open() for store in stores))
    boots = [await boot(store, f"i{n}") for n, store in enumerate(stores)]
    assert len(set(boots)) == 3
    for store in stores:
        await store.close()


async def test_only_states_of_the_engine_can_be_stored(store: PostgresqlStore, postgres_url: str) -> None:
    await store.commit(
        rows.commit(runs=[rows.run()], tasks=[rows.task("t", (n,), state=s) for n, s in enumerate(TaskState)])
    )
    with (
        psycopg.connect(postgres_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="tasks_state"),
    ):
        connection.execute("UPDATE tasks SET state = 'done'")

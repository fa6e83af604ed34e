"""The log of a real PostgreSQL: a snapshot, then every kind of change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.postgres import PostgresServer
from toque.errors import UserError
from toque.graph.loads import AnyMode, Append, LoadSpec, Merge, Scd2, TableName
from toque.integrations.loading import LoadResult, load, start_over
from toque.integrations.sources import postgresql as module
from toque.integrations.sources.postgresql import PostgreSQLChanges
from toque.integrations.sources.slots import SlotLost
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.ports.warehouse import Warehouse

CREATE = """
CREATE TABLE events (
  id bigint PRIMARY KEY, name text, amount numeric(10, 2), moment timestamptz, wall timestamp, a_day date, a_clock time,
  flag boolean, doc jsonb, bits bytea, ratio double precision, loose numeric, tags text[], uid uuid
)"""


class Place:
    """A database with a table `events`, its source, and a warehouse."""

    def __init__(self, url: str, warehouse: Warehouse) -> None:
        self.url = url
        self.warehouse = warehouse
        self.connection = psycopg.connect(url, autocommit=True)
        self.run(CREATE)
        self.source = PostgreSQLChanges(url, "public.events", name="app.events")

    def run(self, statement: str, *parameters: Any) -> None:
        self.connection.execute(statement.encode(), parameters or None)

    def load(self, mode: AnyMode | None = None) -> LoadResult:
        return load(self.source, self.warehouse, self.spec(mode))

    def spec(self, mode: AnyMode | None = None) -> LoadSpec:
        return LoadSpec(table=TableName.parse("raw.events"), mode=mode or Merge("id"))

    def loaded(self, columns: str = "id, name") -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return session.fetch(f"SELECT {columns} FROM raw.events ORDER BY 1, 2")

    def there(self, columns: str = "id, name") -> list[tuple[Any, ...]]:
        return self.connection.execute(f"SELECT {columns} FROM events ORDER BY 1, 2".encode()).fetchall()


@pytest.fixture
def place(postgres: PostgresServer) -> Iterator[Place]:
    url = postgres.create("template1")
    warehouse = DuckDBWarehouse(":memory:", settings={"threads": 1})
    with warehouse.session() as session:
        made = Place(url, _Same(warehouse, session))
        yield made
    made.source.drop()
    made.connection.close()
    postgres.drop(url)


class _Same:
    """A warehouse in memory that lasts."""

    def __init__(self, warehouse: Warehouse, session: Any) -> None:
        self.name, self.dialect, self._session = warehouse.name, warehouse.dialect, session

    @contextlib.contextmanager
    def session(self) -> Iterator[Any]:
        yield self._session


def test_a_snapshot_comes_first_then_what_changes(place: Place) -> None:
    place.run("INSERT INTO events (id, name) SELECT n, 'n' || n FROM generate_series(1, 5) AS n")
    assert place.load().inserted == 5
    place.run("UPDATE events SET name = 'other' WHERE id = 2")
    place.run("DELETE FROM events WHERE id = 3")
    place.run("UPDATE events SET id = 40 WHERE id = 4")
    place.run("INSERT INTO events (id, name) VALUES (6, 'six')")
    done = place.load()
    assert (done.inserted, done.updated, done.deleted) == (2, 1, 2)
    assert place.loaded() == place.there()
    assert place.load().batches == 0
    lag = place.source.lag()
    assert lag is not None
    assert (lag.wal_status, lag.safe_bytes) == ("reserved", None)


def test_values_of_every_type_come_as_they_are(place: Place) -> None:
    values = (
        "INSERT INTO events VALUES (%s, E'a\"b,\\n\\\\''c', 12.5, '2026-01-02 03:04:05.678901+02',"
        " '1999-12-31 23:59:59.5', '1969-07-20', '01:02:03.4', true, '{\"a\": [1, null]}', '\\x00ff', 1e-300,"
        " 123456789012345.123456789, '{x,\"y z\"}', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'),"
        " (%s, '', null, null, null, null, null, false, null, '', 'NaN', null, null, null)"
    )
    columns = "id, name, amount, moment, wall, a_day, a_clock, flag, doc::text, bits, loose, tags::text, uid::text"
    place.run(values, 1, 2)
    place.load()
    place.run(values, 3, 4)
    place.load()
    found = place.loaded(columns.replace("doc::text", "doc::VARCHAR"))
    assert [row[1:] for row in found[:2]] == [row[1:] for row in found[2:]], "the snapshot and the log agree"
    assert [tuple(row) for row in found] == place.there(columns)
    ratios = place.loaded("id, ratio")
    assert ratios[0][1] == ratios[2][1] == 1e-300
    assert ratios[1][1] != ratios[1][1]


def test_large_values_that_an_update_leaves_alone_stay(place: Place) -> None:
    place.run("ALTER TABLE events ALTER COLUMN name SET STORAGE EXTERNAL")
    place.run(
        "INSERT INTO events (id, name, flag) VALUES (1, repeat('x', 100000), false), (2, repeat('y', 9000), false)"
    )
    place.load()
    place.run("UPDATE events SET flag = true")
    place.run("UPDATE events SET flag = false WHERE id = 2")
    place.run("DELETE FROM events WHERE id = 2")
    place.load()
    assert place.loaded("id, name, flag") == place.there("id, name, flag")


def test_old_rows_in_full_tell_what_was_not_sent(place: Place) -> None:
    place.run("ALTER TABLE events ALTER COLUMN name SET STORAGE EXTERNAL")
    place.run("ALTER TABLE events REPLICA IDENTITY FULL")
    place.run("INSERT INTO events (id, name, flag) VALUES (1, repeat('x', 100000), false)")
    place.load()
    place.run("UPDATE events SET flag = true, id = 2")
    place.run("DELETE FROM events WHERE id = 2")
    place.run("INSERT INTO events (id, name, flag) VALUES (3, 'z', false)")
    place.load(None)
    assert place.loaded("id, name, flag") == [(3, "z", False)]


def test_a_new_column_and_a_truncated_table_are_followed(place: Place) -> None:
    place.run("INSERT INTO events (id, name) VALUES (1, 'one'), (2, 'two')")
    place.load()
    place.run("INSERT INTO events (id, name) VALUES (3, 'three')")
    place.run("ALTER TABLE events ADD COLUMN city text")
    place.run("INSERT INTO events (id, name, city) VALUES (4, 'four', 'Rome')")
    done = place.load()
    assert (done.inserted, done.added_columns) == (2, ("city",))
    inserts = "INSERT INTO events (id) VALUES (9)", "INSERT INTO events (id, name) VALUES (2, 'b')"
    place.run("; TRUNCATE events; ".join(inserts))
    place.load()
    assert place.loaded("id, name, city") == place.there("id, name, city") == [(2, "b", None)]


def test_transactions_larger_than_the_memory_for_them_arrive_whole(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", 10)
    monkeypatch.setattr(module, "PAGE", 15)
    place.run("INSERT INTO events (id, name) SELECT n, 'n' FROM generate_series(1, 25) AS n")
    first = place.load()
    assert (first.batches, first.inserted) == (1, 25)
    for n in range(4):
        place.run("UPDATE events SET name = %s WHERE id > 1", f"m{n}")
    place.run("INSERT INTO events (id, name) VALUES (100, 'last')")
    done = place.load()
    assert (done.batches, done.read, done.inserted) == (5, 4 * 24 + 1, 1)
    assert place.loaded() == place.there()


def test_what_nobody_confirmed_comes_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 5)
    place.load()
    cursor = place.load().cursor
    for n in range(6):
        place.run("INSERT INTO events (id) VALUES (%s)", n)
    for _ in range(2):
        batches = list(place.source.read(cursor))
        assert [row for batch in batches for row in batch.rows.column(0).to_pylist()][-1] == 5
    place.load()
    assert len(place.loaded()) == 6


def test_history_and_events_come_from_the_log_too(place: Place) -> None:
    place.load(Scd2("id"))
    place.run("INSERT INTO events (id, name) VALUES (1, 'a')")
    place.run("UPDATE events SET name = 'b'")
    place.run("DELETE FROM events")
    done = place.load(Scd2("id"))
    assert (done.inserted, done.deleted) == (2, 1)
    found = place.loaded("name, valid_from, valid_to, is_current")
    assert [row[0] for row in found] == ["a", "b"]
    assert found[0][2] == found[1][1]
    assert found[1][2] is not None


@pytest.mark.parametrize("lose", ["drop", "remake"])
def test_a_slot_that_is_lost_is_said_and_a_new_snapshot_heals_it(place: Place, lose: str) -> None:
    place.run("INSERT INTO events (id, name) VALUES (1, 'a'), (2, 'b')")
    place.load()
    place.run("SELECT pg_drop_replication_slot('toque_public_events')")
    if lose == "remake":
        place.run("INSERT INTO events (id, name) VALUES (7, 'x')")
        place.run("SELECT pg_create_logical_replication_slot('toque_public_events', 'pgoutput')")
    place.run("DELETE FROM events WHERE id = 1")
    with pytest.raises(
        SlotLost, match=r"The changes since then are gone, and the table must be read as a whole"
    ) as raised:
        place.load()
    assert "start_over" in raised.value.fix
    start_over(place.source, place.warehouse, place.spec())
    place.load()
    assert place.loaded() == place.there()


def test_the_log_of_others_is_let_go(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_BYTES", 1)
    before = place.load().cursor
    place.run("CREATE TABLE noise AS SELECT generate_series(1, 1000) AS n")
    done = place.load()
    assert (done.read, done.batches) == (0, 1)
    assert done.cursor != before
    place.run("INSERT INTO events (id) VALUES (1)")
    assert place.load().inserted == 1


def test_a_table_without_a_key_is_refused(place: Place) -> None:
    place.run("CREATE TABLE keyless (n int)")
    with pytest.raises(UserError, match="has no primary key"):
        next(PostgreSQLChanges(place.url, "keyless").read(""))


def test_events_are_appended_once(place: Place) -> None:
    place.run("INSERT INTO events (id) VALUES (1)")
    place.load(Append())
    place.run("INSERT INTO events (id) VALUES (2)")
    place.load(Append())
    place.load(Append())
    assert place.loaded("id, id") == [(1, 1), (2, 2)]

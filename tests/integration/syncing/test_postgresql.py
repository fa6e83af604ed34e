"""PostgreSQL at either end: as the warehouse that keeps the ledger, and as a destination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.syncing.conftest import Shelf, Warehouse, scores
from tests.postgres import PostgresServer
from toque.errors import TransientError, UserError
from toque.graph.loads import TableName
from toque.graph.syncs import Create, Mirror, Update
from toque.integrations.destinations.postgresql import PostgreSQLTable
from toque.integrations.patience import Patience
from toque.integrations.syncing.run import preview, sync
from toque.integrations.warehouses.postgresql import PostgreSQLWarehouse
from toque.ports.destinations import Describes, Finds, Record


@pytest.fixture
def app(empty_postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def table(empty_postgres_url: str, app: psycopg.Connection[Any]) -> PostgreSQLTable:
    app.execute('CREATE TABLE people (id text PRIMARY KEY, "Score" integer CHECK ("Score" < 100), name text)')
    return PostgreSQLTable(empty_postgres_url, TableName.parse("people"), name="app.people")


def people(app: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return app.execute('SELECT id, "Score", name FROM people ORDER BY id').fetchall()


def test_rows_are_made_changed_and_deleted(
    warehouse: Warehouse, table: PostgreSQLTable, app: psycopg.Connection[Any]
) -> None:
    spec = scores(Mirror(key="id"), tolerate=1)
    warehouse.put(a=1, b=2, c=300)
    first = sync(spec, warehouse, table)
    assert (first.accepted, people(app)) == (2, [("a", 1, None), ("b", 2, None)])
    assert first.rejects[0].reason.startswith("CheckViolation: new row for relation")
    app.execute("UPDATE people SET name = 'Ada'")
    warehouse.put(a=5)
    warehouse.remove("b", "c")
    second = sync(spec, warehouse, table)
    assert (second.updated, second.deleted, people(app)) == (1, 1, [("a", 5, "Ada")])
    assert sync(spec, warehouse, table).sent == 0


def test_update_and_create(warehouse: Warehouse, table: PostgreSQLTable, app: psycopg.Connection[Any]) -> None:
    app.execute("INSERT INTO people (id) VALUES ('a')")
    warehouse.put(a=1, b=2)
    updated = sync(scores(Update(key="id"), name="u", tolerate=1), warehouse, table)
    assert (updated.accepted, updated.rejects[0].reason) == (1, "no such row")
    created = sync(scores(Create(key="id"), name="c", tolerate=1), warehouse, table)
    assert (created.accepted, people(app)) == (1, [("a", 1, None), ("b", 2, None)])
    assert created.rejects[0].reason.startswith("UniqueViolation")


def test_what_cannot_work_is_refused_first(
    warehouse: Warehouse, table: PostgreSQLTable, app: psycopg.Connection[Any], empty_postgres_url: str
) -> None:
    warehouse.put(a=1)
    with pytest.raises(UserError, match="no column 'Skore'"):
        sync(scores(fields={"score": "Skore"}), warehouse, table)
    app.execute('CREATE TABLE loose (id text, "Score" integer)')
    with pytest.raises(UserError, match="makes id unique"):
        sync(scores(), warehouse, PostgreSQLTable(empty_postgres_url, TableName.parse("loose")))
    with pytest.raises(UserError, match='relation "nothing" does not exist'):
        sync(scores(), warehouse, PostgreSQLTable(empty_postgres_url, TableName.parse("nothing")))


def test_a_dry_run_tells_creates_from_updates(
    warehouse: Warehouse, table: PostgreSQLTable, app: psycopg.Connection[Any]
) -> None:
    app.execute("INSERT INTO people (id) VALUES ('a')")
    warehouse.put(a=1, b=2)
    assert preview(scores(), warehouse, table).creates == 1
    assert isinstance(table, Finds)
    assert isinstance(table, Describes)
    assert people(app) == [("a", None, None)]


def test_a_database_that_is_away_may_come_back() -> None:
    away = PostgreSQLTable("postgresql://nobody@127.0.0.1:9/x", TableName.parse("people"))
    with pytest.raises(TransientError, match="cannot be reached"):
        away.send("upsert", [Record({"id": 1}, {})])


def test_a_connection_that_breaks_leaves_the_batch_to_the_next_try(
    warehouse: Warehouse, table: PostgreSQLTable, app: psycopg.Connection[Any]
) -> None:
    app.execute(
        """
        CREATE SEQUENCE tries;
        CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('tries') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW;
        END $$;
        CREATE TRIGGER break BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION break();
        """
    )
    warehouse.put(a=1, b=2)
    result = sync(scores(), warehouse, table, patience=Patience(sleep=lambda _: None))
    assert (result.accepted, len(people(app))) == (2, 2)


def test_the_ledger_in_postgresql(postgres: PostgresServer, empty_postgres_url: str, shelf: Shelf) -> None:
    source = PostgreSQLWarehouse(empty_postgres_url)
    spec = scores(Mirror(key="id"), tolerate=1)
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA marts; CREATE TABLE marts.scores (id integer, score numeric, note text)")
        connection.execute("INSERT INTO marts.scores SELECT n, n, '' FROM generate_series(1, 5) n")
        shelf.refused = {2}
        first = sync(spec, source, shelf)
        assert (first.accepted, first.rejected) == (4, 1)
        shelf.refused = set()
        connection.execute("DELETE FROM marts.scores WHERE id = 1")
        connection.execute("UPDATE marts.scores SET score = 9 WHERE id = 3")
        shelf.sent.clear()
        sync(spec, source, shelf)
        assert sorted(shelf.sent) == [("delete", 1), ("upsert", 2), ("upsert", 3)]
        assert sync(spec, source, shelf).sent == 0
        states = connection.execute("SELECT run, state, sent FROM marts._toque_syncs ORDER BY run").fetchall()
    assert states == [(1, "succeeded", 5), (2, "succeeded", 3), (3, "succeeded", 0)]

"""Warehouses to check, each with the same table: DuckDB in memory, a real PostgreSQL, and Snowflake's connector."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.postgres import PostgresServer
from toque.data.checks.dialects import Sql
from toque.data.loads.dialects import DUCKDB, POSTGRESQL, SNOWFLAKE
from toque.graph.loads import TableName
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk
from toque.integrations.warehouses.duckdb import DuckDBSession
from toque.integrations.warehouses.postgresql import PostgreSQLSession, PostgreSQLWarehouse

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
CONTACT = TableName.parse("raw.contact")
LOOK = Look(CONTACT, NOW)

_SCHEMA = """
CREATE SCHEMA raw;
CREATE TABLE raw.account (id integer, name varchar(40));
INSERT INTO raw.account VALUES (1, 'Acme'), (2, 'Globex');
CREATE TABLE raw.contact (
  id integer, "Email" varchar(80), account_id integer, stage varchar(20), score decimal(18, 3), updated_at timestamptz
);
INSERT INTO raw.contact VALUES
  (1, 'ann@example.com', 1, 'lead', 12345678901234.567, '2026-03-29 11:30:00+00'),
  (2, 'bob@example.com', 2, 'customer', 50.5, '2026-03-29 11:00:00+00'),
  (3, 'cid@example.com', NULL, 'lead', NULL, '2026-03-28 11:00:00+00');
"""


@pytest.fixture(params=["duck", "elephant"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """A warehouse of each kind but the slow one."""
    found: Desk = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["duck", "elephant", "snow"])
def everywhere(request: pytest.FixtureRequest) -> Desk:
    """A warehouse of each kind: for what their dialects decide."""
    found: Desk = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def postgres_session(postgres: PostgresServer) -> Iterator[PostgreSQLSession]:
    """One database for all tests, each of which makes its schema anew: a database takes a hundred times as long."""
    with PostgreSQLWarehouse(postgres.create("template1")).session() as session:
        yield session


@pytest.fixture
def duck() -> Iterator[Desk]:
    """DuckDB alone."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_SCHEMA)
        yield Desk(DuckDBSession(connection), DUCKDB)


@pytest.fixture
def elephant(postgres_session: PostgreSQLSession) -> Desk:
    """PostgreSQL alone."""
    postgres_session.execute("DROP SCHEMA IF EXISTS raw CASCADE")
    postgres_session.execute(_SCHEMA)
    return Desk(postgres_session, POSTGRESQL)


@pytest.fixture
def snow(snowflake_emulator: dict[str, object]) -> Iterator[Desk]:
    """Snowflake's own connector against an emulator."""
    from toque.integrations.warehouses.snowflake import SnowflakeWarehouse

    with SnowflakeWarehouse(snowflake_emulator).session() as session:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            session.execute(statement)
        yield Desk(session, SNOWFLAKE)
        session.execute("DROP SCHEMA raw CASCADE")


def table(desk: Desk, name: str = "raw.contact", order: str = "1") -> list[tuple[Any, ...]]:
    """The rows of a table."""
    return desk.fetch(Sql(f"SELECT * FROM {name} ORDER BY {order}"))


def insert(desk: Desk, *rows: str, into: str = "raw.contact") -> None:
    """Adds rows, as SQL."""
    desk.execute(Sql(f"INSERT INTO {into} VALUES {', '.join(rows)}"))

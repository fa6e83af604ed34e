"""Warehouses to check, each with the same table: DuckDB in memory, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import psycopg
import pytest

from tests.postgres import PostgresServer, postgres
from toque.data.checks.dialects import Sql
from toque.graph.loads import TableName
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import DuckDBSession, PostgresSession, Session

__all__ = ["postgres"]

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


@pytest.fixture(params=["duckdb", "postgresql"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A warehouse of each kind."""
    if request.param == "duckdb":
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(_SCHEMA)
            yield DuckDBSession(connection)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create("template1")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_SCHEMA.encode())
        yield PostgresSession(connection)
    server.drop(url)


@pytest.fixture
def duck() -> Iterator[DuckDBSession]:
    """DuckDB alone."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_SCHEMA)
        yield DuckDBSession(connection)


def table(session: Session, name: str = "raw.contact", order: str = "1") -> list[tuple[Any, ...]]:
    """The rows of a table."""
    return [tuple(row.values()) for row in session.rows(Sql(f"SELECT * FROM {name} ORDER BY {order}"))]


def insert(session: Session, *rows: str, into: str = "raw.contact") -> None:
    """Adds rows, as SQL."""
    session.execute(Sql(f"INSERT INTO {into} VALUES {', '.join(rows)}"))

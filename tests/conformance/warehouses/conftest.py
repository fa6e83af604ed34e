"""The warehouses under test: DuckDB, PostgreSQL, and Snowflake's own connector against an emulator.

What the emulator does not do, and the suite therefore does not ask: MERGE inside of a transaction, `COPY … FILES =`,
matching columns by name into a temporary table, and null timestamps in a result (it gives 1970).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.integrations.warehouses.postgresql import PostgreSQLWarehouse
from toque.ports.warehouse import Warehouse


@pytest.fixture(scope="session")
def snowflake_emulator() -> Iterator[dict[str, object]]:
    """Options of the connector for a server in this process."""
    import fakesnow
    import snowflake.connector

    for name in ("fakesnow", "fakesnow.server", "snowflake.connector", "uvicorn"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with fakesnow.server(session_parameters={"FAKESNOW_DB_PATH": None}) as options:
        given = {**options, "network_timeout": 60}
        with snowflake.connector.connect(**given) as connection:
            connection.execute_string("CREATE DATABASE tests; CREATE SCHEMA tests.public")
        yield {**given, "database": "TESTS", "schema": "PUBLIC"}


@pytest.fixture(params=["duckdb", "postgresql", "snowflake"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty database, or a schema `raw` that is."""
    match request.param:
        case "duckdb":
            yield DuckDBWarehouse(tmp_path / "warehouse.duckdb")
        case "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            url = server.create("template1")
            yield PostgreSQLWarehouse(url)
            server.drop(url)
        case _:
            from toque.integrations.warehouses.snowflake import SnowflakeWarehouse

            made = SnowflakeWarehouse(request.getfixturevalue("snowflake_emulator"))
            yield made
            with made.session() as session:
                session.execute("DROP SCHEMA IF EXISTS raw CASCADE")

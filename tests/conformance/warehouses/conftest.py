"""The warehouses under test: DuckDB, PostgreSQL, and Snowflake's own connector against an emulator.

What the emulator does not do is said in `tests/snowflake.py`, and the suite does not ask for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from toque.graph.loads import AnyMode, Append, Merge, Replace, Scd2, Upsert
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.integrations.warehouses.postgresql import PostgreSQLWarehouse
from toque.ports.warehouse import Warehouse


@pytest.fixture(params=["duckdb", "postgresql", "snowflake"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """An empty database, or a schema `raw` that is."""
    with opened(request.param, request, tmp_path) as made:
        yield made


@pytest.fixture(params=["duckdb", "postgresql"])
def swift(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """As `warehouse`, without the emulator: for what no dialect of SQL decides."""
    with opened(request.param, request, tmp_path) as made:
        yield made


@contextmanager
def opened(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """The warehouse of that name, until the end of a test."""
    match name:
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


MODES = [Append(), Append("Id"), Upsert("Id"), Merge("Id"), Merge("Id", "soft"), Scd2("Id"), Replace()]


@pytest.fixture(
    params=[
        *(pytest.param((name, mode), id=f"{name}-{mode}") for name in ("duckdb", "postgresql") for mode in MODES),
        # The emulator takes its time; each statement of the other modes is among those of these.
        *(pytest.param(("snowflake", mode), id=f"snowflake-{mode}") for mode in (Merge("Id", "soft"), Scd2("Id"))),
    ]
)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Warehouse, AnyMode]]:
    """A warehouse and a mode."""
    name, mode = request.param
    with opened(name, request, tmp_path) as made:
        yield made, mode

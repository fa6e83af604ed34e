"""Snowflake's own connector against an emulator, one for each process of the tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def snowflake_emulator() -> Iterator[dict[str, object]]:
    """Options of the connector for a server in this process."""
    import fakesnow
    import snowflake.connector

    for name in ("fakesnow", "fakesnow.server", "snowflake.connector", "uvicorn"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with fakesnow.server() as options:
        given = {**options, "network_timeout": 60}
        with snowflake.connector.connect(**given) as connection:
            connection.execute_string("CREATE DATABASE tests; CREATE SCHEMA tests.public")
        yield {**given, "database": "TESTS", "schema": "PUBLIC"}

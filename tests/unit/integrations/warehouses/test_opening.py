"""Connections become warehouses, or errors that say what is missing."""

from __future__ import annotations

import sys

import pytest

from toque.errors import UserError
from toque.integrations.warehouses.opening import open_warehouse


def test_each_type_has_its_warehouse() -> None:
    made = [
        open_warehouse("duckdb", {"path": "data/shop.duckdb", "threads": 1}),
        open_warehouse("postgresql", {"url": "postgresql://localhost/app", "password": "x"}),
        open_warehouse("snowflake", {"account": "x", "database": "LAKE"}),
        open_warehouse("duckdb", {"path": ":memory:"}, name="warehouse"),
    ]
    assert [each.name for each in made] == ["shop", "app", "LAKE", "warehouse"]
    assert [each.dialect.name for each in made] == ["duckdb", "postgresql", "snowflake", "duckdb"]


def test_options_reach_the_client() -> None:
    with open_warehouse("duckdb", {"path": ":memory:", "threads": 1}).session() as session:
        assert session.fetch("SELECT current_setting('threads')") == [(1,)]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="'http' is no warehouse"):
        open_warehouse("http", {})
    with pytest.raises(UserError, match="connection 'w' has no 'path'"):
        open_warehouse("duckdb", {}, name="w")
    monkeypatch.setitem(sys.modules, "snowflake.connector", None)
    monkeypatch.delitem(sys.modules, "toque.integrations.warehouses.snowflake", raising=False)
    with pytest.raises(UserError, match=r"snowflake\.connector is not installed") as raised:
        open_warehouse("snowflake", {}, name="w")
    assert raised.value.fix == 'pip install "toque[snowflake]"'

"""The warehouse of a connection: its type and options, as `toque.toml` has them, become a client."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from toque.errors import UserError
from toque.ports.warehouse import Warehouse

_KINDS = {
    "duckdb": ("DuckDBWarehouse", "duckdb"),
    "postgresql": ("PostgreSQLWarehouse", "postgresql,arrow"),
    "snowflake": ("SnowflakeWarehouse", "snowflake"),
}


def open_warehouse(kind: str, options: Mapping[str, Any], *, name: str = "") -> Warehouse:
    """A warehouse for opened options: `path` for DuckDB, `url` for PostgreSQL, those of the connector for Snowflake.

    Nothing is connected yet. Raises `UserError` for a type that is no warehouse, for missing options, and when the
    client is not installed.
    """
    if kind not in _KINDS:
        raise UserError(f"a connection of type {kind!r} is no warehouse", fix=f"one of {', '.join(_KINDS)}")
    made, extra = _KINDS[kind]
    try:
        found = getattr(importlib.import_module(f"toque.integrations.warehouses.{kind}"), made)
    except ModuleNotFoundError as error:
        raise UserError(
            f"connection {name!r} is a {kind} database, and {error.name} is not installed",
            fix=f'pip install "toque[{extra}]"',
        ) from error
    rest = dict(options)
    if kind == "duckdb" and "path" not in rest:
        raise UserError(f"connection {name!r} has no 'path'", fix='path = "…"')
    warehouse: Warehouse
    match kind:
        case "duckdb":
            warehouse = found(rest.pop("path"), name=name, settings=rest)
        case "postgresql":
            warehouse = found(rest.pop("url", ""), name=name, options=rest)
        case _:
            warehouse = found(rest, name=name)
    return warehouse

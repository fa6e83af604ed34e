"""The primitives of a transaction on SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from toque.store.sql.declared import Table
from toque.store.sql.text import insert_into, on_conflict


class SqliteSession:
    """A `Session` on one connection. Writers are alone (BEGIN IMMEDIATE), so that no row needs a lock."""

    lock_rows = ""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """See `Session.rows`."""
        return self._connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """See `Session.run`."""
        self._connection.execute(sql, parameters)

    def upsert(self, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """See `Session.upsert`."""
        self._connection.executemany(_upsert(table, names), rows)

    def insert(self, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """See `Session.insert`."""
        self._connection.executemany(_insert(table, names), rows)

    def among(self, column: str) -> str:
        """See `Session.among`."""
        return f"{column} IN (SELECT value FROM json_each(?))"

    def listed(self, values: Iterable[str]) -> str:
        """See `Session.listed`."""
        return json.dumps(list(values))

    def by_index(self, name: str) -> str:
        """See `Session.by_index`. Without statistics, SQLite takes the key of the table for as good."""
        return f" INDEXED BY {name}"

    def lock_pools(self, pools: Iterable[str]) -> None:
        """Writers are alone already."""


@cache
def _insert(table: Table, names: tuple[str, ...]) -> str:
    return f"{insert_into(table, names)} VALUES ({', '.join('?' * len(names))})"


@cache
def _upsert(table: Table, names: tuple[str, ...]) -> str:
    return f"{_insert(table, names)} {on_conflict(table, names)}"

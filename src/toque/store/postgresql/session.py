"""The primitives of a transaction on PostgreSQL. Statements go out in a pipeline: only `rows` waits for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import psycopg

from toque.store.sql.declared import Table
from toque.store.sql.text import array_type, insert_into, on_conflict


class PostgresqlSession:
    """A `Session` on one connection in pipeline mode."""

    # Weaker than FOR UPDATE, and enough: nothing changes a key.
    lock_rows = " FOR NO KEY UPDATE"

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """See `Session.rows`."""
        return self._connection.execute(_marked(sql), parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """See `Session.run`."""
        self._connection.execute(_marked(sql), parameters)

    def upsert(self, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """See `Session.upsert`. One statement must not touch a row twice, so the last of each key is sent."""
        at = [names.index(name) for name in table.key]
        latest = {tuple(row[i] for i in at): row for row in rows}
        if latest:
            self._connection.execute(_upsert(table, names), list(map(list, zip(*latest.values(), strict=True))))

    def insert(self, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """See `Session.insert`."""
        columns = list(map(list, zip(*rows, strict=True)))
        if columns:
            self._connection.execute(_insert(table, names), columns)

    def among(self, column: str) -> str:
        """See `Session.among`."""
        return f"{column} = ANY(?)"

    def listed(self, values: Iterable[str]) -> list[str]:
        """See `Session.listed`."""
        return list(values)

    def by_index(self, name: str) -> str:
        """PostgreSQL has statistics, and chooses by itself."""
        return ""

    def lock_pools(self, pools: Iterable[str]) -> None:
        """See `Session.lock_pools`. In one order everywhere, so that two transactions never wait for each other."""
        for pool in sorted(pools):
            self.run("SELECT pg_advisory_xact_lock(hashtext(?))", (f"toque pool {pool}",))


@cache
def _marked(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


@cache
def _insert(table: Table, names: tuple[str, ...]) -> bytes:
    """Rows as one array for each column: a batch is one statement, whatever its size."""
    columns = {column.name: column for column in table.columns}
    arrays = ", ".join(f"%b::{array_type(columns[name])}" for name in names)
    return f"{insert_into(table, names)} SELECT * FROM unnest({arrays})".encode()


@cache
def _upsert(table: Table, names: tuple[str, ...]) -> bytes:
    return _insert(table, names) + f" {on_conflict(table, names)}".encode()

"""A table of PostgreSQL as a destination: a batch in one transaction, and record by record when one of it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from toque.errors import TransientError, UserError
from toque.graph.loads import TableName
from toque.integrations.patience import Unanswered
from toque.ports.destinations import Operation, Record, Result


class PostgreSQLTable:
    """Rows of a table, told apart by columns that a primary key or a unique constraint covers."""

    batch_size = 500

    def __init__(self, url: str, table: TableName, *, name: str = "", options: Mapping[str, Any] | None = None) -> None:
        self._url = url
        self._options = dict(options or {})
        self._table = sql.Identifier(*(part for part in (table.catalog, table.schema, table.name) if part))
        self.name = name or str(table)

    def expect(self, operations: Sequence[Operation], key: Sequence[str], fields: Sequence[str]) -> None:
        """Raises `UserError` when a column is not there, or nothing makes the key unique."""
        with self._connected() as connection:
            try:
                cursor = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(self._table))
            except psycopg.errors.UndefinedTable as error:
                raise UserError(f"{self.name}: {error.diag.message_primary}") from error
            there = [column.name for column in cursor.description or ()]
            missing = [name for name in (*key, *fields) if name not in there]
            if missing:
                raise UserError(f"{self.name} has no column {missing[0]!r}: it has {', '.join(there)}")
            if {"upsert", "create"} & set(operations) and not self._is_unique(connection, key):
                raise UserError(
                    f"nothing in {self.name} makes {', '.join(key)} unique: a record could be there twice",
                    fix=f"CREATE UNIQUE INDEX ON … ({', '.join(key)})",
                )

    def fault(self, operation: Operation, record: Record) -> str:
        """The database itself knows best."""
        return ""

    def find(self, keys: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Which rows are there; a row's id is its key."""
        names = list(keys[0])
        asked = sql.SQL("SELECT 1 FROM {} WHERE {}").format(self._table, _equal(names))
        with self._connected() as connection:
            found = [connection.execute(asked, list(key.values())).fetchone() for key in keys]
        return [_id(key) if each else None for key, each in zip(keys, found, strict=True)]

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        """One result for each record; all of them are committed when it returns."""
        with self._connected() as connection:
            try:
                results = self._tried(connection, operation, records)
            except (psycopg.DataError, psycopg.IntegrityError):
                connection.rollback()
                results = [self._alone(connection, operation, record) for record in records]
            connection.commit()
            return results

    def _tried(
        self, connection: psycopg.Connection[Any], operation: Operation, records: Sequence[Record]
    ) -> list[Result]:
        return [self._written(connection, operation, record) for record in records]

    def _alone(self, connection: psycopg.Connection[Any], operation: Operation, record: Record) -> Result:
        try:
            with connection.transaction():
                return self._written(connection, operation, record)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return Result(accepted=False, reason=f"{type(error).__name__}: {error.diag.message_primary or error}")

    def _written(self, connection: psycopg.Connection[Any], operation: Operation, record: Record) -> Result:
        keys, names = list(record.key), list(record.fields)
        values = list(record.values.values())
        match operation:
            case "delete":
                statement = sql.SQL("DELETE FROM {} WHERE {}").format(self._table, _equal(keys))
                values = list(record.key.values())
            case "update":
                statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(self._table, _set(names or keys), _equal(keys))
                values = [*(record.fields or record.key).values(), *record.key.values()]
            case _:
                columns, marks = _listed([*keys, *names]), sql.SQL(", ").join([sql.Placeholder()] * len(values))
                statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(self._table, columns, marks)
                if operation == "upsert":
                    action = sql.SQL("UPDATE SET {}").format(_excluded(names)) if names else sql.SQL("NOTHING")
                    statement += sql.SQL(" ON CONFLICT ({}) DO {}").format(_listed(keys), action)
        touched = connection.execute(statement, values).rowcount
        if operation == "update" and not touched:
            return Result(accepted=False, reason="no such row")
        return Result(id=_id(record.key), reason="it was gone already" if operation == "delete" and not touched else "")

    def _is_unique(self, connection: psycopg.Connection[Any], key: Sequence[str]) -> bool:
        found = connection.execute(
            "SELECT array_agg(a.attname::text) FROM pg_index i"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
            " WHERE i.indrelid = %s::regclass AND i.indisunique AND i.indpred IS NULL GROUP BY i.indexrelid",
            (self._table.as_string(connection),),
        )
        return any(set(columns) == set(key) for (columns,) in found)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            connection = psycopg.connect(self._url, connect_timeout=10, **self._options)
        except psycopg.OperationalError as error:
            raise TransientError(f"{self.name} cannot be reached: {error}") from error
        try:
            with connection:
                yield connection
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as error:
            raise TransientError(f"{self.name}: {error}") from error
        except psycopg.OperationalError as error:
            raise Unanswered(f"{self.name}: the connection broke: {error}") from error


def _id(key: Mapping[str, Any]) -> str:
    return "/".join(map(str, key.values()))


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _equal(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names)


def _set(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names)


def _excluded(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in names)

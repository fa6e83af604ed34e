"""DuckDB as a warehouse: a file of one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from toque.data.loads.columns import Column
from toque.data.loads.dialects import DUCKDB, Dialect
from toque.errors import TransientError
from toque.graph.loads import TableName

_ROWS = "_toque_rows"
LEAST_MEMORY = 96 << 20
MEMORY_SHARE = 12
"""While rows come in DuckDB may hold a twelfth of them, and the rest goes to its temporary files: a worker that loads a
file of gigabytes stays small. A connection's own `memory_limit` is kept instead."""


class DuckDBWarehouse:
    """A file, or ":memory:" (which each session has for itself)."""

    def __init__(self, path: str | Path, *, name: str = "", settings: Mapping[str, Any] | None = None) -> None:
        self._path = str(path)
        self._name = name or Path(path).stem
        self._settings = dict(settings or {})

    @property
    def name(self) -> str:
        """As given, else of the file."""
        return self._name

    @property
    def dialect(self) -> Dialect:
        """DuckDB's."""
        return DUCKDB

    @contextmanager
    def session(self) -> Iterator[DuckDBSession]:
        """A connection; the file is free when the last one of the process is closed."""
        try:
            connection = duckdb.connect(self._path, config=self._settings)
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            raise TransientError(
                f"{self._path} is open in another process, and one process owns a DuckDB file: {error}."
                " Tasks that use its connection wait for each other; who else has it open?"
            ) from error
        try:
            connection.execute("SET TimeZone = 'UTC'")
            yield DuckDBSession(connection, is_frugal="memory_limit" not in self._settings)
        finally:
            connection.close()


class DuckDBSession:
    """A connection that is open."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, is_frugal: bool = False) -> None:
        self.connection = connection
        self._is_frugal = is_frugal
        self._came_in = 0

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """See the protocol."""
        with _transient():
            done = self.connection.execute(statement, list(parameters))
            row = done.fetchone() if done.description else None
        return row[0] if row and isinstance(row[0], int) else -1

    def fetch(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See the protocol."""
        with _transient():
            return self.connection.execute(query, list(parameters)).fetchall()

    def stream(self, query: str, parameters: Sequence[Any] = (), *, rows: int = 50_000) -> Iterator[pa.Table]:
        """See the protocol. Other statements of this session do not disturb it."""
        with self.connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            with _transient():
                reader = cursor.sql(query, params=list(parameters)).to_arrow_reader(rows)
                empty = True
                for batch in reader:
                    empty = False
                    yield pa.Table.from_batches([batch])
                if empty:
                    yield reader.schema.empty_table()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See the protocol."""
        self.connection.begin()
        try:
            yield
            with _transient():
                self.connection.commit()
        except BaseException:
            with _forgiving():
                self.connection.rollback()
            raise

    def columns(self, table: TableName) -> list[Column] | None:
        """See the protocol."""
        try:
            found = self.connection.sql(f"SELECT * FROM {DUCKDB.table(table)} LIMIT 0")
        except duckdb.CatalogException:
            return None
        kinds = map(str, found.types)
        return [Column(name, DUCKDB.column_type(kind)) for name, kind in zip(found.columns, kinds, strict=True)]

    def copy_in(self, table: TableName, rows: pa.Table) -> None:
        """See the protocol."""
        columns = ", ".join(map(DUCKDB.quote, rows.column_names))
        self._limit_memory(rows.nbytes)
        with _transient():
            self.connection.register(_ROWS, rows)
            try:
                self.connection.execute(f"INSERT INTO {DUCKDB.table(table)} ({columns}) SELECT {columns} FROM {_ROWS}")
            finally:
                self.connection.unregister(_ROWS)

    def _limit_memory(self, more_bytes: int) -> None:
        if not self._is_frugal:
            return
        before, self._came_in = self._came_in, self._came_in + more_bytes
        limit = max(LEAST_MEMORY, self._came_in // MEMORY_SHARE)
        if not before or limit > LEAST_MEMORY:
            self.connection.execute(f"SET memory_limit = '{limit >> 20}MiB'")


@contextmanager
def _transient() -> Iterator[None]:
    """Of two transactions that touch the same rows or keys DuckDB lets one fail: it may be tried again."""
    try:
        yield
    except duckdb.TransactionException as error:
        raise TransientError(f"DuckDB: {error}") from error


@contextmanager
def _forgiving() -> Iterator[None]:
    """A transaction that is over cannot be rolled back, and need not be."""
    try:
        yield
    except duckdb.Error:
        pass

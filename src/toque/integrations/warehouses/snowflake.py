"""Snowflake as a warehouse: rows go in as Parquet through a stage of the session, and come out as Arrow."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import snowflake.connector
from snowflake.connector import errors

from toque.data.loads.columns import Column
from toque.data.loads.dialects import SNOWFLAKE, Dialect
from toque.errors import TransientError
from toque.graph.loads import TableName
from toque.integrations.warehouses.arrow import column_of

_STAGE = "_TOQUE_ROWS"
_DOES_NOT_EXIST = (2003, 2043)
_MAY_HEAL = (
    625,  # a lock waited too long
    250001,  # no connection
    250002,  # closed
    250003,
)


class SnowflakeWarehouse:
    """An account, with `database` and `schema`, by the options of the connector."""

    def __init__(self, options: Mapping[str, Any], *, name: str = "") -> None:
        self._options = dict(options)
        self._name = name or str(self._options.get("database", "snowflake"))

    @property
    def name(self) -> str:
        """As given, else of the database."""
        return self._name

    @property
    def dialect(self) -> Dialect:
        """Snowflake's."""
        return SNOWFLAKE

    @contextmanager
    def session(self) -> Iterator[SnowflakeSession]:
        """A connection."""
        with _named_errors():
            connection = snowflake.connector.connect(
                **{**self._options, "session_parameters": self._session_parameters()},
                autocommit=True,
                paramstyle="qmark",
            )
        try:
            yield SnowflakeSession(connection)
        finally:
            connection.close()

    def _session_parameters(self) -> dict[str, Any]:
        return {**self._options.get("session_parameters", {}), "TIMEZONE": "UTC"}


class SnowflakeSession:
    """A connection that is open."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._files = itertools.count(1)
        self._has_stage = False

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """See the protocol."""
        with self._cursor(statement, parameters) as cursor:
            count = cursor.rowcount
            if statement.startswith("UPDATE"):
                count = cursor.fetchone()[0]
        return -1 if count is None else int(count)

    def fetch(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See the protocol."""
        with self._cursor(query, parameters) as cursor:
            return [tuple(row) for row in cursor.fetchall()]

    def stream(self, query: str, parameters: Sequence[Any] = (), *, rows: int = 50_000) -> Iterator[pa.Table]:
        """See the protocol."""
        with self._cursor(query, parameters) as cursor:
            empty = True
            for table in cursor.fetch_arrow_batches():
                for start in range(0, table.num_rows, rows):
                    empty = False
                    yield _plain(table.slice(start, rows))
            if empty:
                found = cursor.fetch_arrow_all(force_return_table=True)
                yield _plain(found)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See the protocol."""
        self.execute("BEGIN")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            try:
                self.execute("ROLLBACK")
            except (errors.Error, TransientError):
                pass  # the connection is gone, and the transaction with it
            raise

    def columns(self, table: TableName) -> list[Column] | None:
        """See the protocol."""
        try:
            rows = self.fetch(f"DESCRIBE TABLE {SNOWFLAKE.table(table)}")
        except errors.ProgrammingError as error:
            if error.errno in _DOES_NOT_EXIST:
                return None
            raise
        return [Column(row[0], SNOWFLAKE.column_type(row[1])) for row in rows] or None

    def copy_in(self, table: TableName, rows: pa.Table) -> None:
        """See the protocol."""
        if not self._has_stage:
            self.execute(f"CREATE TEMPORARY STAGE IF NOT EXISTS {_STAGE}")
            self._has_stage = True
        place = f"@{_STAGE}/{next(self._files)}"
        columns = [column_of(field) for field in rows.schema]
        names = ", ".join(SNOWFLAKE.quote(column.name) for column in columns)
        values = ", ".join(
            f"$1:{SNOWFLAKE.quote(column.name)}::{SNOWFLAKE.type_name(column.type)}" for column in columns
        )
        with tempfile.TemporaryDirectory(prefix="toque-") as folder:
            path = Path(folder, "rows.parquet")
            pa.parquet.write_table(rows, path)
            self.execute(f"PUT 'file://{path}' {place} AUTO_COMPRESS=FALSE SOURCE_COMPRESSION=NONE")
        self.execute(
            f"COPY INTO {SNOWFLAKE.table(table)} ({names}) FROM (SELECT {values} FROM {place}/)"
            " FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE BINARY_AS_TEXT=FALSE) PURGE=TRUE"
        )

    @contextmanager
    def _cursor(self, statement: str, parameters: Sequence[Any]) -> Iterator[Any]:
        with self.connection.cursor() as cursor, _named_errors():
            if parameters:
                cursor.execute(statement, list(parameters))
            else:
                cursor.execute(statement)
            yield cursor


def _plain(table: pa.Table) -> pa.Table:
    """Without the connector's notes about each field, and with nanoseconds cut: no column of ours has them."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("us", "UTC" if kind.tz else None)
        elif pa.types.is_time(kind):
            kind = pa.time64("us")
        fields.append(pa.field(field.name, kind))
    return table.cast(pa.schema(fields), safe=False)


@contextmanager
def _named_errors() -> Iterator[None]:
    """What may heal."""
    try:
        yield
    except errors.Error as error:
        if isinstance(error, errors.OperationalError | errors.InterfaceError) or error.errno in _MAY_HEAL:
            raise TransientError(f"Snowflake: {error}") from error
        raise

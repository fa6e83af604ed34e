"""PostgreSQL as a warehouse: rows go in and out by COPY."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql

from toque.data.loads.columns import Column
from toque.data.loads.dialects import POSTGRESQL, Dialect
from toque.errors import DataError, TransientError
from toque.graph.loads import TableName
from toque.integrations.warehouses.postgresql_types import arrow_field, table_from_text, to_csv_columns

_QUOTED_OR_MARK = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|(\?)|(%)""")
_SETTINGS = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c bytea_output=hex"


class PostgreSQLWarehouse:
    """A database, by a URL or connection string of libpq and the options that it lacks."""

    def __init__(self, url: str = "", *, name: str = "", options: Mapping[str, Any] | None = None) -> None:
        self._url = url
        self._options = dict(options or {})
        parsed = psycopg.conninfo.conninfo_to_dict(url, **self._options)
        self._name = name or str(parsed.get("dbname", "postgresql"))

    @property
    def name(self) -> str:
        """As given, else of the database."""
        return self._name

    @property
    def dialect(self) -> Dialect:
        """PostgreSQL's."""
        return POSTGRESQL

    @contextmanager
    def session(self) -> Iterator[PostgreSQLSession]:
        """A connection."""
        with _named_errors():
            connection = psycopg.connect(self._url, autocommit=True, **self._options)
        try:
            with _named_errors():
                for setting in _SETTINGS.split("-c ")[1:]:
                    connection.execute(f"SET {setting}".encode())
                # A SHA of a statement is no plan: each load has statements of its own.
                connection.prepare_threshold = None
            yield PostgreSQLSession(connection)
        finally:
            connection.close()


class PostgreSQLSession:
    """A connection that is open."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """See the protocol."""
        with _named_errors():
            return self._run(statement, parameters).rowcount

    def fetch(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See the protocol."""
        with _named_errors():
            return self._run(query, parameters).fetchall()

    def stream(self, query: str, parameters: Sequence[Any] = (), *, rows: int = 50_000) -> Iterator[pa.Table]:
        """See the protocol. No other statement of this session may run before the end."""
        with _named_errors():
            described = self._run(f"SELECT * FROM ({query}) AS q LIMIT 0", parameters)
            pgresult = described.pgresult
            assert pgresult is not None
            fields = [
                arrow_field(column.name, column.type_code, pgresult.fmod(index))
                for index, column in enumerate(described.description or [])
            ]
            if not fields:
                return
            text = self._with_literals(query, parameters)
            copied = f"COPY ({text}) TO STDOUT (FORMAT csv, FORCE_QUOTE *)"
            with self.connection.cursor() as cursor, cursor.copy(copied.encode()) as copy:
                yield from _tables(fields, copy, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See the protocol."""
        with _named_errors(), self.connection.transaction():
            yield

    def columns(self, table: TableName) -> list[Column] | None:
        """See the protocol."""
        rows = self.fetch(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [POSTGRESQL.table(table)],
        )
        return [Column(name, POSTGRESQL.column_type(kind)) for name, kind in rows] or None

    def copy_in(self, table: TableName, rows: pa.Table) -> None:
        """See the protocol."""
        columns = ", ".join(map(POSTGRESQL.quote, rows.column_names))
        options = pa.csv.WriteOptions(include_header=False, quoting_style="all_valid")
        statement = f"COPY {POSTGRESQL.table(table)} ({columns}) FROM STDIN (FORMAT csv)"
        with _named_errors(), self.connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for batch in to_csv_columns(rows).to_batches(max_chunksize=10_000):
                text = io.BytesIO()
                pa.csv.write_csv(batch, text, options)
                copy.write(text.getbuffer())

    def _run(self, statement: str, parameters: Sequence[Any]) -> psycopg.Cursor[Any]:
        if not parameters:
            return self.connection.execute(statement.encode())
        return self.connection.execute(_with_marks(statement).encode(), parameters)

    def _with_literals(self, query: str, parameters: Sequence[Any]) -> str:
        if not parameters:
            return query
        return psycopg.ClientCursor(self.connection).mogrify(sql.SQL(_with_marks(query)), parameters)


def _with_marks(statement: str) -> str:
    """With psycopg's marks for parameters instead of question marks."""

    def replaced(match: re.Match[str]) -> str:
        if match[2]:
            return "%s"
        return match[0].replace("%", "%%")

    return _QUOTED_OR_MARK.sub(replaced, statement)


def _tables(fields: Sequence[pa.Field], copy: psycopg.Copy, rows: int) -> Iterator[pa.Table]:
    """Each piece of a COPY ends with a row, so that any number of pieces is a file of CSV."""
    pending: list[bytes] = []
    empty = True
    for piece in copy:
        pending.append(bytes(piece))
        if len(pending) >= rows:
            yield _parsed(fields, pending)
            empty = False
            pending = []
    if pending or empty:
        yield _parsed(fields, pending)


def _parsed(fields: Sequence[pa.Field], pieces: list[bytes]) -> pa.Table:
    names = [str(index) for index in range(len(fields))]
    if not pieces:
        return pa.schema(fields).empty_table()
    texts = pa.csv.read_csv(
        pa.BufferReader(b"".join(pieces)),
        read_options=pa.csv.ReadOptions(column_names=names, use_threads=False),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).combine_chunks()
    columns = [column.chunk(0) if column.num_chunks else pa.array([], pa.string()) for column in texts.columns]
    return table_from_text(fields, columns)


@contextmanager
def _named_errors() -> Iterator[None]:
    """What may heal, and what the rows are to blame for."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.errors.UniqueViolation) as error:
        # Two loads that make the same tables, or write the same number into the ledger: one of them is late.
        raise TransientError(f"PostgreSQL: {error}".strip()) from error
    except psycopg.DataError as error:
        raise DataError(f"PostgreSQL: {error}".strip()) from error

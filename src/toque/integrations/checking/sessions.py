"""What the checks need of a warehouse: a few statements, a transaction, and the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from toque.data.checks.dialects import DialectName, Sql
from toque.graph.loads import TableName


class Session(Protocol):
    """One connection to a warehouse."""

    @property
    def dialect(self) -> DialectName:
        """Whose SQL it speaks."""
        ...

    def execute(self, sql: Sql) -> None:
        """Run a statement."""
        ...

    def rows(self, sql: Sql) -> list[dict[str, Any]]:
        """All rows of a query."""
        ...

    def columns(self, table: TableName) -> list[tuple[str, str]]:
        """Names and types of the columns of a table, in order; [] when there is none."""
        ...

    def transaction(self) -> Any:
        """A context manager: commits at its end, rolls back at an error."""
        ...

    def arrow(self, sql: Sql) -> Any:
        """The result of a query as an Arrow table."""
        ...


class DuckDBSession:
    """Over a connection of duckdb."""

    dialect: DialectName = "duckdb"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: Sql) -> None:
        """See `Session`."""
        self._run(sql)

    def rows(self, sql: Sql) -> list[dict[str, Any]]:
        """See `Session`."""
        found = self._run(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def arrow(self, sql: Sql) -> Any:
        """See `Session`."""
        return self._run(sql).to_arrow_table()

    def columns(self, table: TableName) -> list[tuple[str, str]]:
        """See `Session`."""
        return _columns(self.rows, table, "data_type", "current_schema()")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Session`."""
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _run(self, sql: Sql) -> Any:
        text, values = sql.rendered("?")
        return self._connection.execute(text, list(values))


class PostgresSession:
    """Over a connection of psycopg that commits by itself."""

    dialect: DialectName = "postgresql"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: Sql) -> None:
        """See `Session`."""
        self._run(sql)

    def rows(self, sql: Sql) -> list[dict[str, Any]]:
        """See `Session`."""
        cursor = self._run(sql)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrow(self, sql: Sql) -> Any:
        """See `Session`."""
        import pyarrow as pa

        return pa.Table.from_pylist(self.rows(sql))

    def columns(self, table: TableName) -> list[tuple[str, str]]:
        """See `Session`."""
        return _columns(self.rows, table, "data_type", "current_schema()")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See `Session`."""
        with self._connection.transaction():
            yield

    def _run(self, sql: Sql) -> Any:
        text, values = sql.rendered("%s")
        return self._connection.execute(text.encode(), values or None)


def _columns(rows: Any, table: TableName, kind: str, schema: str) -> list[tuple[str, str]]:
    from toque.data.checks.dialects import value

    where = "WHERE table_name = " + value(table.name) + " AND table_schema = "
    where += value(table.schema) if table.schema else Sql(schema)
    if table.catalog:
        where += " AND table_catalog = " + value(table.catalog)
    query = (
        f"SELECT column_name, {kind} AS kind FROM information_schema.columns " + where + " ORDER BY ordinal_position"
    )
    return [(row["column_name"], row["kind"]) for row in rows(query)]


def run_all(session: Session, statements: Sequence[Sql]) -> None:
    """One after the other."""
    for statement in statements:
        session.execute(statement)

"""`Warehouse("warehouse")`: a database of tables; which one it is stands in `toque.toml`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from toque.authoring import sites
from toque.authoring.endpoints import Rows, Table
from toque.authoring.supplies import Connection
from toque.errors import UserError
from toque.graph.loads import TableName
from toque.ports.destinations import Destination
from toque.ports.sources import Source
from toque.ports.warehouse import Session
from toque.ports.warehouse import Warehouse as OpenWarehouse

if TYPE_CHECKING:
    import pyarrow as pa

    from toque.data.loads.dialects import Dialect
    from toque.integrations.keeping.warehouse import WarehouseTables


class Warehouse(Connection):
    """A database of tables: DuckDB, PostgreSQL or Snowflake, by the `type` of the connection.

    A task that is given one (`use(warehouse)`) has `session()`, and `read` and `execute` for one statement.
    """

    _opened: OpenWarehouse | None = None

    def table(self, name: str, *, cursor: str = "", lag: timedelta | int = 0, deleted: str = "") -> Table:
        """A table, written `schema.table`.

        A load reads it by the column `cursor`, which grows with each change; without one it reads everything each time.
        `lag` is how late a row may appear, `deleted` a condition of SQL that marks deleted rows.
        """
        TableName.parse(name)
        given = {"cursor": cursor, "lag": lag, "deleted": deleted}
        return Table(self, name, "table", {key: value for key, value in given.items() if value})

    def query(self, sql: str, *, name: str) -> Rows:
        """All rows of a query, each time, as a source of a load; `name` is its part of the key of the asset."""
        if not isinstance(sql, str) or not sql.strip():
            raise sites.refuse("query() has no query.", fix='warehouse.query("SELECT …", name="…")')
        return Rows(self, name, "query", {"sql": sql.strip().rstrip("; \n")})

    def tables(self, schema: str) -> WarehouseTables:
        """How assets are kept as tables of a schema: `@asset(io=warehouse.tables("marts"))`."""
        from toque.integrations.keeping.warehouse import WarehouseTables

        return WarehouseTables(self, schema)

    @property
    def dialect(self) -> Dialect:
        """How its SQL is written. Of an opened one."""
        return self._open.dialect

    def session(self) -> AbstractContextManager[Session]:
        """A connection, closed at the end. Of an opened one."""
        return self._open.session()

    def read(self, query: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The rows of a query; `?` stands for the next parameter."""
        import pyarrow as pa

        with self.session() as session:
            return pa.concat_tables(session.stream(query, parameters), promote_options="permissive")

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """One statement, committed; how many rows it touched, -1 if the database does not say."""
        with self.session() as session:
            return session.execute(statement, parameters)

    def read_table(self, key: str, path: str, **given: Any) -> Source:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.sources.queries import SqlQuery
        from toque.integrations.sources.sql import SqlTable

        if "cursor" in given:
            return SqlTable(self._open, path, **given, name=key)
        return SqlQuery(self._open, f"SELECT * FROM {self.dialect.table(TableName.parse(path))}", name=key)

    def read_query(self, key: str, path: str, *, sql: str) -> Source:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.sources.queries import SqlQuery

        return SqlQuery(self._open, sql, name=key)

    def write_table(self, key: str, path: str, **given: Any) -> AbstractContextManager[Destination]:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.syncing.opening import open_destination

        return open_destination(self.type, self.options, key, path)

    def __toque_open__(self, **supplied: Any) -> Self:
        """A copy that can be asked for sessions."""
        from toque.integrations.warehouses.opening import open_warehouse

        opened = super().__toque_open__(**supplied)
        opened._opened = open_warehouse(opened.type, opened.options, name=self.name)
        return opened

    @property
    def _open(self) -> OpenWarehouse:
        if self._opened is None:
            raise UserError(
                f"{self.name} is not open: only a task that is given it can use it",
                fix=f"def some_task({self.name}: {type(self).__name__} = use({self.name})): …",
            )
        return self._opened


class Postgres(Warehouse):
    """A PostgreSQL database: a warehouse whose log of changes can be read."""

    def changes(self, table: str, *, slot: str = "", publication: str = "") -> Rows:
        """Every change of a table, deletes too, from the server's log; the first load is a snapshot."""
        given = {"slot": slot, "publication": publication}
        return Rows(self, table, "changes", {key: value for key, value in given.items() if value})

    def read_changes(self, key: str, path: str, **given: Any) -> Source:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.sources.postgresql import PostgreSQLChanges

        return PostgreSQLChanges(str(self.options.get("url", "")), path, name=key, **given)


class Snowflake(Warehouse):
    """A Snowflake account: a warehouse, whatever the profile."""

    account: str

    def __toque_open__(self, **supplied: Any) -> Self:
        """A copy that can be asked for sessions."""
        kind = supplied["settings"].type
        if kind != "snowflake":
            raise UserError(
                f"{self.name} is a connection of type {kind}, and a Snowflake account is asked for",
                fix=f'type = "snowflake" in [connections.{self.name}], or Warehouse("{self.name}")',
            )
        return super().__toque_open__(**supplied)

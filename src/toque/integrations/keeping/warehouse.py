"""Values of assets as tables of a warehouse: `@asset(io=warehouse.tables("marts"))`.

A value takes the place of the one before in one step: a reader sees the old rows or the new ones. Slices of one
asset stand in one table, told apart by `_toque_partition`, and a slice is replaced alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from toque.authoring.supplies import Connection
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.ports.warehouse import Session, Warehouse
from toque.worker import frames, tables, values
from toque.worker.slices import NothingThere, Saved, Site, Slice

if TYPE_CHECKING:
    import pyarrow as pa

    from toque.data.checks.reports import Report
    from toque.data.loads.dialects import Dialect
    from toque.integrations.keeping.staged import Fitted

PARTITION = "_toque_partition"


class WarehouseTables:
    """Tables of pyarrow, pandas or polars, and lists of dicts, in a schema of DuckDB, PostgreSQL or Snowflake.

    A reader is given the type that its annotation names, else a `pyarrow.Table`.
    """

    def __init__(self, connection: Connection, schema: str) -> None:
        TableName.parse(f"{schema}.t")
        self.connection = connection
        self.schema = schema
        self.__toque_connections__ = (connection.name,)

    def __repr__(self) -> str:
        return f"{self.connection.name}.{self.schema}"

    def key_of(self, name: str) -> str:
        """Of an asset whose author states none: that of its table, so that loads, syncs and dbt meet it."""
        return f"{self.connection.name}.{self.schema}.{name}"

    def save(self, target: Slice, value: Any, site: Site) -> Saved:
        """See `IOManager.save`."""
        from toque.integrations.keeping.staged import Fitted

        rows = frames.to_arrow(value)
        with self._opened(site) as (session, warehouse):
            if warehouse.dialect.name == "snowflake":  # it commits at each CREATE and ALTER
                run_id = site.attempt.rpartition("-")[0]
                return self._published(session, warehouse.dialect, target, rows, (), run_id)[0]
            fitted = Fitted.of(rows, warehouse.dialect)
            _write(session, warehouse.dialect, self._table(target), fitted, target.partition)
        return self._saved(target, fitted, rows.num_rows, _version_of(rows))

    def publish(
        self, target: Slice, value: Any, site: Site, checks: Sequence[AnyCheck], batch_id: str
    ) -> tuple[Saved, Report]:
        """Keep `value` as `save` does, once it has passed where it is: written aside in the same schema.

        Raises `ChecksFailed`; the table stays as it was, and what was written aside can be looked at. Rows that are
        set aside go into `<table>__rejects`.
        """
        with self._opened(site) as (session, warehouse):
            rows = frames.to_arrow(value)
            return self._published(session, warehouse.dialect, target, rows, checks, batch_id)

    def load(self, slices: Sequence[Slice], kind: Any, site: Site) -> Any:
        """See `IOManager.load`."""
        import pyarrow as pa

        with self._opened(site) as (session, warehouse):
            table, dialect = self._table(slices[0]), warehouse.dialect
            there = session.columns(table)
            if there is None:
                raise NothingThere(slices[0])
            mark = dialect.physical(PARTITION)
            kept = [each.name for each in there if each.name != mark]
            query = f"SELECT {', '.join(map(dialect.quote, kept))} FROM {dialect.table(table)}"
            given = [each.partition for each in slices]
            if slices[0].partition:
                marks = ", ".join("?" * len(given))
                known = session.fetch(
                    f"SELECT DISTINCT {dialect.own(PARTITION)} FROM {dialect.table(table)}"
                    f" WHERE {dialect.own(PARTITION)} IN ({marks})",
                    given,
                )
                missing = next((each for each in slices if (each.partition,) not in known), None)
                if missing is not None:
                    raise NothingThere(missing)
                query += f" WHERE {dialect.own(PARTITION)} IN ({marks})"
            found = session.stream(query, given if slices[0].partition else ())
            whole = pa.concat_tables(found, promote_options="permissive")
            return frames.from_arrow(whole.rename_columns(list(map(dialect.written, kept))), kind)

    def _table(self, of: Slice) -> TableName:
        return TableName.parse(f"{self.schema}.{of.asset.rpartition('.')[2]}")

    @contextmanager
    def _opened(self, site: Site) -> Iterator[tuple[Session, Warehouse]]:
        warehouse: Warehouse = site.supply(self.connection.__toque_supply__())
        with warehouse.session() as session:
            yield session, warehouse

    def _published(
        self,
        session: Session,
        dialect: Dialect,
        target: Slice,
        rows: pa.Table,
        checks: Sequence[AnyCheck],
        batch_id: str,
    ) -> tuple[Saved, Report]:
        from toque.integrations.checking.sessions import Desk
        from toque.integrations.keeping.staged import Fitted, published, rejected

        fitted, table, desk = Fitted.of(rows, dialect), self._table(target), Desk(session, dialect)
        report = published(desk, table, fitted, target.partition, checks, batch_id=batch_id)
        version = _version_of(rows)
        if report.set_aside:  # which rows these are may depend on other tables
            version = values.digest(version.encode(), *rejected(desk, table, batch_id))
        return self._saved(target, fitted, rows.num_rows - report.set_aside, version), report

    def _saved(self, target: Slice, fitted: Fitted, rows: int, version: str) -> Saved:
        metadata = {"table": str(self._table(target))}
        return Saved(data_version=version, rows=rows, columns=fitted.told, metadata=metadata)


def _version_of(rows: pa.Table) -> str:
    return values.digest(*tables.pieces(rows.combine_chunks().replace_schema_metadata(None)))


def _write(session: Session, dialect: Dialect, table: TableName, fitted: Fitted, partition: str) -> None:
    """Replace the table, or one slice of it, in one transaction: what hangs on the table itself stays if it can."""
    from toque.integrations.keeping.staged import defined, definition

    if partition:
        fitted = fitted.in_slice(partition, dialect)
    if table.schema:
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {dialect.own(table.schema)}")
    with session.transaction():
        there = session.columns(table)
        if partition and there is not None:
            session.execute(f"DELETE FROM {dialect.table(table)} WHERE {dialect.own(PARTITION)} = ?", [partition])
            known = {column.name for column in there}
            for column in fitted.columns:
                if column.name not in known:
                    session.execute(f"ALTER TABLE {dialect.table(table)} ADD COLUMN {definition(column, dialect)}")
        elif there is not None and {(c.name, c.type) for c in there} == {(c.name, c.type) for c in fitted.columns}:
            session.execute(f"DELETE FROM {dialect.table(table)}")
        else:
            session.execute(f"DROP TABLE IF EXISTS {dialect.table(table)}")
            there = None
        if there is None:
            session.execute(f"CREATE TABLE {dialect.table(table)} ({defined(fitted.columns, dialect)})")
        if fitted.rows.num_rows:
            session.copy_in(table, fitted.rows)

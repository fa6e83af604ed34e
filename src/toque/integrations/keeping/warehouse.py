"""Values of assets as tables of a warehouse: `@asset(io=warehouse.tables("marts"))`.

A value takes the place of the one before in one transaction: a reader sees the old rows or the new ones. Slices of one
asset stand in one table, told apart by `_toque_partition`, and a slice is replaced alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from toque.authoring.supplies import Connection
from toque.errors import UserError
from toque.graph.loads import TableName
from toque.ports.warehouse import Session, Warehouse
from toque.worker import frames, tables, values
from toque.worker.slices import NothingThere, Saved, Site, Slice

if TYPE_CHECKING:
    import pyarrow as pa

PARTITION = "_toque_partition"


class WarehouseTables:
    """Tables of pyarrow, pandas or polars, and lists of dicts, in a schema of a DuckDB file or a PostgreSQL database.

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
        rows = frames.to_arrow(value)
        with self._opened(site) as (session, warehouse):
            columns = _written(session, warehouse, self._table(target), rows, target.partition)
        return Saved(
            data_version=values.digest(*tables.pieces(rows.combine_chunks().replace_schema_metadata(None))),
            rows=rows.num_rows,
            columns=columns,
            metadata={"table": str(self._table(target))},
        )

    def load(self, slices: Sequence[Slice], kind: Any, site: Site) -> Any:
        """See `IOManager.load`."""
        import pyarrow as pa

        with self._opened(site) as (session, warehouse):
            table, dialect = self._table(slices[0]), warehouse.dialect
            there = session.columns(table)
            if there is None:
                raise NothingThere(slices[0])
            mark = dialect.physical(PARTITION)
            names = ", ".join(dialect.quote(each.name) for each in there if each.name != mark)
            query, given = f"SELECT {names} FROM {dialect.table(table)}", [each.partition for each in slices]
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
            return frames.from_arrow(pa.concat_tables(found, promote_options="permissive"), kind)

    def _table(self, of: Slice) -> TableName:
        return TableName.parse(f"{self.schema}.{of.asset.rpartition('.')[2]}")

    @contextmanager
    def _opened(self, site: Site) -> Iterator[tuple[Session, Warehouse]]:
        warehouse: Warehouse = site.supply(self.connection.__toque_supply__())
        if warehouse.dialect.name == "snowflake":
            raise UserError(
                "Snowflake commits at each change of a table: an asset cannot be replaced there in one step",
                fix="load() into Snowflake, or keep the asset in DuckDB or PostgreSQL",
            )
        with warehouse.session() as session:
            yield session, warehouse


def _written(
    session: Session, warehouse: Warehouse, table: TableName, rows: pa.Table, partition: str
) -> tuple[tuple[str, str], ...]:
    """Replace the table, or one partition of it; its columns afterwards, as the warehouse calls them."""
    import pyarrow as pa

    from toque.data.loads.columns import Column
    from toque.integrations.warehouses.arrow import column_of, converted

    dialect = warehouse.dialect
    columns = [Column(dialect.physical(each.name), each.type) for each in map(column_of, rows.schema)]
    kept = {
        column.name: converted(name, rows.column(name), column.type)
        for column, name in zip(columns, rows.column_names, strict=True)
    }
    told = tuple((column.name, dialect.type_name(column.type)) for column in columns)
    if partition:
        columns.append(Column(dialect.physical(PARTITION), column_of(pa.field("p", pa.string())).type))
        kept[columns[-1].name] = pa.array([partition] * rows.num_rows, pa.string())
    if table.schema:
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {dialect.own(table.schema)}")
    with session.transaction():
        there = session.columns(table)
        if partition and there is not None:
            session.execute(f"DELETE FROM {dialect.table(table)} WHERE {dialect.own(PARTITION)} = ?", [partition])
            known = {column.name for column in there}
            for column in columns:
                if column.name not in known:
                    session.execute(f"ALTER TABLE {dialect.table(table)} ADD COLUMN {_definition(warehouse, column)}")
        elif there is not None and {(c.name, c.type) for c in there} == {(c.name, c.type) for c in columns}:
            session.execute(f"DELETE FROM {dialect.table(table)}")  # views and grants hang on the table itself
        else:
            session.execute(f"DROP TABLE IF EXISTS {dialect.table(table)}")
            there = None
        if there is None:
            defined = ", ".join(_definition(warehouse, column) for column in columns)
            session.execute(f"CREATE TABLE {dialect.table(table)} ({defined})")
        if rows.num_rows:
            session.copy_in(table, pa.table(kept))
    return told


def _definition(warehouse: Warehouse, column: Any) -> str:
    return f"{warehouse.dialect.quote(column.name)} {warehouse.dialect.type_name(column.type)}"

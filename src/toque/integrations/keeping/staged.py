"""The value of an asset, written aside in its warehouse, checked where it is, and published in one step."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toque.data.checks.dialects import Sql, value
from toque.data.checks.quarantine import rejects_of
from toque.data.checks.reports import Report
from toque.data.loads.columns import Column, ColumnType
from toque.data.loads.dialects import Dialect
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.publishing import Staged, publish, staging_of
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import Desk
from toque.integrations.keeping.warehouse import PARTITION

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = re.compile(r"[A-Za-z0-9-]{1,20}")


@dataclass(frozen=True)
class Fitted:
    """Rows as a warehouse takes them."""

    columns: tuple[Column, ...]
    rows: pa.Table
    told: tuple[tuple[str, str], ...]
    """Names and types, as the warehouse calls them."""

    @classmethod
    def of(cls, rows: pa.Table, dialect: Dialect) -> Fitted:
        """The rows of a value."""
        import pyarrow as pa

        from toque.integrations.warehouses.arrow import column_of, converted

        columns = tuple(Column(dialect.physical(each.name), each.type) for each in map(column_of, rows.schema))
        fitted = {
            column.name: converted(name, rows.column(name), column.type)
            for column, name in zip(columns, rows.column_names, strict=True)
        }
        told = tuple((column.name, dialect.type_name(column.type)) for column in columns)
        return cls(columns, pa.table(fitted), told)

    def in_slice(self, partition: str, dialect: Dialect) -> Fitted:
        """With the column that tells slices apart."""
        import pyarrow as pa

        mark = Column(dialect.physical(PARTITION), ColumnType("text"))
        values = pa.array([partition] * self.rows.num_rows, pa.string())
        return Fitted((*self.columns, mark), self.rows.append_column(mark.name, values), self.told)


def defined(columns: Sequence[Column], dialect: Dialect) -> str:
    """The columns of a CREATE TABLE."""
    return ", ".join(definition(column, dialect) for column in columns)


def definition(column: Column, dialect: Dialect) -> str:
    """One of them."""
    return f"{dialect.quote(column.name)} {dialect.type_name(column.type)}"


def published(
    desk: Desk, table: TableName, fitted: Fitted, partition: str, checks: Sequence[AnyCheck], *, batch_id: str
) -> Report:
    """The rows take the place of the table, or of one slice of it, once they have passed where they are."""
    if table.schema and not desk.columns(table):  # who may write a table need not be one who may make schemas
        desk.execute(Sql(f"CREATE SCHEMA IF NOT EXISTS {desk.dialect.own(table.schema)}"))
    look = Look(table, datetime.now(UTC))

    if partition:
        fitted = fitted.in_slice(partition, desk.dialect)

    def build(aside: TableName) -> None:
        _create(desk, aside, fitted, live=None if partition else table)
        if fitted.rows.num_rows:
            desk.session.copy_in(aside, fitted.rows)

    if not partition:
        return publish(desk, look, build, checks, batch_id=batch_id)
    _prepare_slices(desk, table, fitted)
    kept = staging_of(table)
    staged = Staged(desk, look, kept.sibling(f"{kept.name}_{_slug(partition)}"), batch_id)

    def then(desk: Desk, aside: TableName, live: TableName) -> None:
        _replace_slice(desk, aside, live, fitted, partition)

    report = staged.passed(build, checks, then=then)
    staged.done()
    return report


def rejected(desk: Desk, table: TableName, batch_id: str) -> list[bytes]:
    """What was set aside from a batch, in an order of its own."""
    own, rejects = desk.dialect.own, desk.dialect.table(rejects_of(table))
    row, batch = own("row_json"), own("batch_id")
    found = desk.fetch(f"SELECT DISTINCT {row} FROM {rejects} WHERE {batch} = " + value(batch_id) + " ORDER BY 1")
    return [str(each).encode() + b"\0" for (each,) in found]


def _create(desk: Desk, aside: TableName, fitted: Fitted, *, live: TableName | None) -> None:
    dialect = desk.dialect
    if dialect.name == "snowflake" and live is not None:
        there = {(each.name, each.type) for each in desk.columns(live)}
        if there == {(each.name, dialect.stored(each.type)) for each in fitted.columns}:
            # Who may read the table goes with it when it is swapped.
            desk.execute(Sql(f"CREATE TABLE {dialect.table(aside)} LIKE {dialect.table(live)} COPY GRANTS"))
            return
    desk.execute(Sql(f"CREATE TABLE {dialect.table(aside)} ({defined(fitted.columns, dialect)})"))


def _prepare_slices(desk: Desk, table: TableName, fitted: Fitted) -> None:
    """Have the live table there with all columns: before the transaction, since Snowflake commits at each change."""
    dialect = desk.dialect
    desk.execute(Sql(f"CREATE TABLE IF NOT EXISTS {dialect.table(table)} ({defined(fitted.columns, dialect)})"))
    known = {each.name for each in desk.columns(table)}
    for column in fitted.columns:
        if column.name not in known:
            desk.execute(Sql(f"ALTER TABLE {dialect.table(table)} ADD COLUMN {definition(column, dialect)}"))


def _replace_slice(desk: Desk, aside: TableName, live: TableName, fitted: Fitted, partition: str) -> None:
    dialect, into = desk.dialect, desk.dialect.table(live)
    names = ", ".join(dialect.quote(column.name) for column in fitted.columns)
    desk.execute(f"DELETE FROM {into} WHERE {dialect.own(PARTITION)} = " + value(partition))
    desk.execute(Sql(f"INSERT INTO {into} ({names}) SELECT {names} FROM {dialect.table(aside)}"))


def _slug(partition: str) -> str:
    """Part of the name of a table, another one for each partition."""
    if _PLAIN.fullmatch(partition):
        return partition.replace("-", "_")
    return hashlib.blake2b(partition.encode(), digest_size=6).hexdigest()

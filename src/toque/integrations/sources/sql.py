"""Any table or query of SQL, by a column that grows with each change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toque.errors import UserError
from toque.graph.loads import TableName
from toque.ports.sources import Batch
from toque.ports.warehouse import Session, Warehouse

ROWS = 50_000

_KINDS: dict[str, type] = {"int": int, "decimal": Decimal, "date": date, "datetime": datetime}


class SqlTable:
    """The rows of a table whose cursor column is at or beyond what was read last, less a lag.

    `>=` and not `>`: rows that share a stamp would be lost. `lag` is how long a transaction of the source may take
    from choosing a stamp to its commit (a timedelta for times, a number for numbers); 0 trusts that none is late.
    A cursor column of text, or one that may go back, is none. Deletes leave no trace in such a table: mark them there,
    and name the mark in `deleted`, a condition of SQL.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        table: str,
        cursor: str,
        *,
        lag: timedelta | int = 0,
        deleted: str = "",
        name: str = "",
    ) -> None:
        self._warehouse = warehouse
        self._table = warehouse.dialect.table(TableName.parse(table))
        self._column = cursor
        self._lag = lag
        self._deleted = deleted
        self._name = name or f"{warehouse.name}.{table}"

    @property
    def name(self) -> str:
        """As given, else `<warehouse>.<table>`."""
        return self._name

    def read(self, cursor: str) -> Iterator[Batch]:
        """Rows in the order of the cursor column; the cursor moves with each batch."""
        parameters: list[Any] = []
        mark = f", ({self._deleted}) AS _toque_is_deleted" if self._deleted else ""
        column = self._warehouse.dialect.own(self._column)
        query = f"SELECT t.*{mark} FROM {self._table} AS t WHERE {column} IS NOT NULL"
        if cursor:
            parameters.append(self._behind(_from_text(cursor)))
            query += f" AND {column} >= ?"
        query += f" ORDER BY {column}"
        with self._warehouse.session() as session:
            self._refuse_nulls(session, column)
            since, is_first = cursor, True
            for rows in session.stream(query, parameters, rows=ROWS):
                batch = self._batch(rows, since)
                if rows.num_rows or (is_first and not cursor):
                    yield batch
                since, is_first = batch.upto, False

    def confirm(self, cursor: str) -> None:
        """Nothing to do: the table stays as it is."""

    def _behind(self, last: Any) -> Any:
        if isinstance(self._lag, timedelta) == isinstance(last, date):
            return last - self._lag
        if not self._lag:
            return last
        wanted = "a timedelta" if isinstance(last, date) else "a number"
        raise UserError(f"{self._name}: {self._column} needs {wanted} as its lag, not {self._lag!r}")

    def _refuse_nulls(self, session: Session, column: str) -> None:
        ((nulls,),) = session.fetch(f"SELECT count(*) FROM {self._table} WHERE {column} IS NULL")
        if nulls:
            raise UserError(
                f"{self._name}: {nulls:,} rows have no {self._column}, so that nobody would know when they change",
                fix="fill the column, or load from a view that leaves such rows out",
            )

    def _batch(self, rows: pa.Table, since: str) -> Batch:
        deleted = None
        names = {name.casefold(): name for name in rows.column_names}
        if self._deleted:
            mark = names["_toque_is_deleted"]
            deleted = pc.fill_null(rows.column(mark).combine_chunks(), False)
            rows = rows.drop_columns([mark])
        if self._column.casefold() not in names:
            raise UserError(f"{self._name} has no column {self._column!r}")
        column = rows.column(names[self._column.casefold()])
        order = _order(self._name, self._column, column)
        upto = since
        if rows.num_rows:
            last = _to_text(column[rows.num_rows - 1].as_py())
            # A reading with lag begins before the cursor, which must not go back.
            upto = last if not since or _from_text(last) > _from_text(since) else since
        is_time = pa.types.is_timestamp(column.type)
        return Batch(
            rows=rows,
            since=since,
            upto=upto,
            deleted=deleted,
            order=order,
            changed_at=_plain(pc.cast(order, pa.timestamp("us", "UTC"))) if is_time else None,
            may_repeat=True,
        )


def _order(source: str, name: str, column: pa.ChunkedArray) -> pa.Array:
    kind = column.type
    if pa.types.is_integer(kind):
        return _plain(pc.cast(column, pa.int64()))
    if pa.types.is_decimal(kind) and kind.scale == 0:
        return _plain(pc.cast(column, pa.int64()))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _plain(pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64()))
    raise UserError(
        f"{source}: {name} is {kind}, and only whole numbers, dates and times tell what is newer",
        fix="a column such as updated_at, or an id that grows if rows never change",
    )


def _plain(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _to_text(value: Any) -> str:
    kind = next(kind for kind, each in reversed(_KINDS.items()) if isinstance(value, each))
    return f"{kind}:{value.isoformat() if isinstance(value, date) else value}"


def _from_text(text: str) -> Any:
    kind, _, value = text.partition(":")
    made: Any = _KINDS[kind]
    return made.fromisoformat(value) if issubclass(made, date) else made(value)

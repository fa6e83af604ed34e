"""Staging: rows of one range are brought into the shape of the target, in a table that only this session sees."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toque.data.loads.columns import Column, find
from toque.data.loads.drift import Loaded, Shape, decide
from toque.data.loads.tables import CHANGED_AT, DELETED, ORDER, ROW, SEQUENCE, Tables, places
from toque.errors import DataError, ToqueBug, UserError
from toque.graph.loads import Append, LoadSpec, Replace
from toque.integrations.warehouses.arrow import column_of, converted
from toque.ports.sources import Batch
from toque.ports.warehouse import Session

STAMP = pa.timestamp("us", "UTC")


class Staging:
    """The rows of one range. Everything here happens before the transaction, and may alter the target."""

    def __init__(self, session: Session, tables: Tables, spec: LoadSpec, *, number: int, now: datetime) -> None:
        self._session = session
        self._tables = tables
        self._spec = spec
        self._number = number
        self._now = now
        self._schema: pa.Schema | None = None
        self._shape: Shape | None = None
        self._of_batch: Shape | None = None
        self._digest = hashlib.blake2b(digest_size=16)
        self.shapes: list[Shape] = []
        """What was decided about schemas, in order."""
        self.rows = 0
        self.batches = 0
        self.since = ""
        self.upto = ""
        self.is_everything = False
        self.is_ordered = True

    @property
    def shape(self) -> Shape:
        """Of all rows so far."""
        if self._shape is None:
            raise ToqueBug("nothing was staged")
        return self._shape

    def batch_id(self, source: str) -> str:
        """Known by where the rows come from and go to, their range, and what they are."""
        digest = self._digest.copy()
        for text in (source, str(self._spec.table), self.since, self.upto):
            digest.update(len(text).to_bytes(8, "big") + text.encode())
        return digest.hexdigest()

    def add(self, batch: Batch) -> None:
        """Stage the rows of one more batch of the range."""
        self._check(batch)
        if self.batches == 0:
            self.since = batch.since
        self._reshape(batch.rows.schema)
        rows = self._staged(batch)
        self._remember(batch)
        if rows.num_rows:
            self._session.copy_in(self._tables.staging, rows)
        self.upto = batch.upto
        self.rows += rows.num_rows
        self.batches += 1
        self.is_everything = self.is_everything or batch.is_everything
        self.is_ordered = batch.order is not None

    def _check(self, batch: Batch) -> None:
        mode, table = self._spec.mode, self._spec.table
        if batch.may_repeat and isinstance(mode, Append) and not mode.keys:
            raise UserError(
                f"{table}: the source reads with a lag, so rows come more than once, and Append() would add them again",
                fix='Append("id"), or lag=0 in the source if its rows never arrive late',
            )
        names = {name.casefold(): name for name in batch.rows.column_names}
        for key in mode.keys:
            column = batch.rows.column(names[key.casefold()]) if key.casefold() in names else None
            if column is not None and column.null_count:
                nameless = batch.rows.filter(pc.is_null(column))
                raise DataError(
                    f"{table}: {column.null_count:,} rows have no {key}, which is the key", sample=nameless.slice(0, 20)
                )

    def _remember(self, batch: Batch) -> None:
        """Put into the digest what the rows are, whatever pieces they came in.

        Where the same rows may rightly come again, after others were loaded in between, so is the number of the load.
        """
        rows = batch.rows
        for name, values in (("order", batch.order), ("sequence", batch.sequence), ("deleted", batch.deleted)):
            if values is not None:
                rows = rows.append_column(f"_toque_{name}", values)
        with pa.ipc.new_stream(_Sink(self._digest), rows.schema) as writer:
            writer.write_table(rows.combine_chunks())
        mode = self._spec.mode
        if batch.may_repeat or isinstance(mode, Replace) or (batch.order is None and places(mode)):
            self._digest.update(self._number.to_bytes(8, "big"))

    def _reshape(self, schema: pa.Schema) -> None:
        """Make target and staging table hold rows of this schema."""
        if self._schema is not None and schema.equals(self._schema, check_metadata=True):
            return
        session, tables, spec = self._session, self._tables, self._spec
        existing = session.columns(tables.target)
        new = decide(
            spec.table,
            existing,
            [_column(field, existing) for field in schema],
            mode=spec.mode,
            on_drift=spec.contract.on_drift,
            dialect=tables.dialect,
        )
        statements = tables.shaped(new, spec.mode, existing)
        if self._shape is None:
            statements += tables.temporary(new)
            union = new
        else:
            statements += tables.reshaped(self._shape, new)
            names = {column.name for column in new.columns}
            rest = tuple(column for column in self._shape.columns if column.name not in names)
            union = Shape((*new.columns, *rest))
        for statement in statements:
            session.execute(statement)
        self._schema, self._of_batch, self._shape = schema, new, union
        self.shapes.append(new)

    def _staged(self, batch: Batch) -> pa.Table:
        assert self._of_batch is not None
        dialect, rows = self._tables.dialect, batch.rows
        columns = {each.name: _values(rows, each) for each in self._of_batch.columns}
        count = rows.num_rows
        ordinals = pa.array(range(self.rows, self.rows + count), pa.int64())
        if batch.order is None:
            order, sequence = _constant(self._number, count), batch.sequence if batch.sequence is not None else ordinals
        else:
            order, sequence = batch.order, batch.sequence if batch.sequence is not None else _constant(0, count)
        deleted = batch.deleted if batch.deleted is not None else _constant(False, count, pa.bool_())
        changed_at = batch.changed_at
        if changed_at is None:
            changed_at = _constant(self._now, count, STAMP)
        own = {ROW: ordinals, ORDER: order, SEQUENCE: sequence, DELETED: deleted, CHANGED_AT: changed_at}
        columns |= {dialect.physical(name): values for name, values in own.items()}
        return pa.table(columns)


def _column(field: pa.Field, existing: Sequence[Column] | None) -> Column:
    """A column of nothing but nulls has no type of its own: it takes that of the table."""
    there = find(existing or (), field.name) if pa.types.is_null(field.type) else None
    return column_of(field) if there is None else Column(field.name, there.type)


def _values(rows: pa.Table, column: Loaded) -> pa.ChunkedArray:
    return converted(column.source, rows.column(column.source), column.type)


def _constant(value: Any, count: int, kind: pa.DataType | None = None) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind or pa.int64()), count)


class _Sink:
    """A file that keeps nothing."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...

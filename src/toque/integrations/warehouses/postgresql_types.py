"""The text that PostgreSQL writes for a value, and Arrow: whole columns at once."""

from __future__ import annotations

import binascii
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from toque.errors import DataError
from toque.integrations.warehouses.arrow import JSON

UNSIZED_DECIMAL = pa.decimal128(38, 9)
"""A numeric without a size may hold anything; more than nine places after the point is an error, not a rounding."""

_BYTEA = 17
_BOOL = 16
_NUMERIC = 1700
_JSON = (114, 3802)
_TYPES: dict[int, pa.DataType] = {
    _BOOL: pa.bool_(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    26: pa.int64(),  # oid
    700: pa.float32(),
    701: pa.float64(),
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", "UTC"),
    _BYTEA: pa.binary(),
}


def arrow_field(name: str, oid: int, modifier: int) -> pa.Field:
    """The field for a column of type `oid`; what PostgreSQL alone knows (uuid, enums, arrays, …) is text."""
    if oid == _NUMERIC:
        return pa.field(name, _decimal(modifier))
    return pa.field(name, _TYPES.get(oid, pa.string()), metadata=JSON if oid in _JSON else None)


def from_text(field: pa.Field, texts: pa.Array) -> pa.Array:
    """Values of a field from their texts in the ISO date style and UTC. Raises `DataError` when one does not fit."""
    kind = field.type
    try:
        if pa.types.is_string(kind):
            return texts
        if pa.types.is_boolean(kind):
            return pc.equal(texts, "t")
        if pa.types.is_binary(kind):
            return pa.array([None if text is None else binascii.unhexlify(text[2:]) for text in texts.to_pylist()])
        if pa.types.is_time(kind):
            # Arrow reads times of day only as part of a date.
            return pc.cast(pc.cast(pc.binary_join_element_wise("1970-01-01", texts, " "), pa.timestamp("us")), kind)
        return pc.cast(texts, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        sample = [{field.name: text} for text in texts.slice(0, 20).to_pylist()]
        raise DataError(
            f"{field.name} holds what {kind} cannot: {error}. Fix: leave the column out, or cast it in a view",
            sample=sample,
        ) from error


def to_csv_columns(rows: pa.Table) -> pa.Table:
    """Rows as `COPY … (FORMAT csv)` reads them: what Arrow's writer of CSV does not know becomes text."""
    columns: list[pa.ChunkedArray] = []
    for values in rows.columns:
        if pa.types.is_binary(values.type):
            hexed = [None if each is None else "\\x" + each.hex() for each in values.to_pylist()]
            values = pa.chunked_array([pa.array(hexed, pa.string())])
        columns.append(values)
    return pa.table(columns, names=rows.column_names)


def table_from_text(fields: Sequence[pa.Field], columns: Sequence[pa.Array]) -> pa.Table:
    """A table from columns of texts."""
    values = [from_text(field, texts) for field, texts in zip(fields, columns, strict=True)]
    return pa.Table.from_arrays(values, schema=pa.schema(fields))


def _decimal(modifier: int) -> pa.DataType:
    if modifier < 4:
        return UNSIZED_DECIMAL
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    return pa.decimal128(precision, scale) if precision <= 38 and scale <= precision else UNSIZED_DECIMAL

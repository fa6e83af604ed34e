"""Arrow and the types of columns: which is which, and rows made to fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from toque.data.loads.columns import Column, ColumnType, Kind
from toque.errors import DataError

_EXACT: tuple[tuple[Callable[[pa.DataType], bool], Kind], ...] = (
    (pa.types.is_boolean, "bool"),
    (pa.types.is_int8, "int16"),
    (pa.types.is_int16, "int16"),
    (pa.types.is_uint8, "int16"),
    (pa.types.is_int32, "int32"),
    (pa.types.is_uint16, "int32"),
    (pa.types.is_int64, "int64"),
    (pa.types.is_uint32, "int64"),
    (pa.types.is_float16, "float32"),
    (pa.types.is_float32, "float32"),
    (pa.types.is_float64, "float64"),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_string_view, "text"),
    (pa.types.is_null, "text"),
    (pa.types.is_binary, "bytes"),
    (pa.types.is_large_binary, "bytes"),
    (pa.types.is_fixed_size_binary, "bytes"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (pa.types.is_duration, "int64"),
    (pa.types.is_nested, "json"),
)

_ARROW: dict[Kind, pa.DataType] = {
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "text": pa.string(),
    "json": pa.string(),
    "bytes": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}

JSON = {b"toque.type": b"json"}
"""Metadata of a field whose text is a JSON document."""


def column_of(field: pa.Field) -> Column:
    """The column that holds a field."""
    if field.metadata and field.metadata.get(b"toque.type") == b"json":
        return Column(field.name, ColumnType("json"))
    return Column(field.name, column_type(field.type))


def column_type(given: pa.DataType) -> ColumnType:
    """The least type that holds all values of an Arrow type."""
    if pa.types.is_dictionary(given):
        return column_type(given.value_type)
    if pa.types.is_decimal(given):
        if given.precision > 38 or given.scale < 0:
            return ColumnType("other", name=str(given))
        return ColumnType("decimal", given.precision, given.scale)
    if pa.types.is_uint64(given):
        return ColumnType("decimal", 20, 0)
    if pa.types.is_timestamp(given):
        return ColumnType("timestamptz" if given.tz else "timestamp")
    for is_it, kind in _EXACT:
        if is_it(given):
            return ColumnType(kind)
    return ColumnType("other", name=str(given))


def arrow_type(column: ColumnType) -> pa.DataType:
    """The Arrow type in which values go into a column."""
    if column.kind == "decimal":
        return pa.decimal128(column.precision, column.scale)
    return _ARROW[column.kind]


def converted(name: str, values: pa.ChunkedArray, column: ColumnType) -> pa.ChunkedArray:
    """Values as the column takes them. Raises `DataError` with examples when one does not fit."""
    target = arrow_type(column)
    if values.type == target:
        return values
    try:
        if pa.types.is_nested(values.type):
            return _documents(values)
        if pa.types.is_timestamp(values.type) or pa.types.is_time(values.type):
            # Nanoseconds are cut: no column of ours has them.
            return pc.cast(values, target, safe=not _is_finer(values.type))
        if pa.types.is_duration(values.type):
            values = pc.cast(pc.cast(values, pa.duration("us"), safe=False), pa.int64())
        return pc.cast(values, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        sample = [{name: value} for value in values.slice(0, 20).to_pylist()]
        raise DataError(f"{name} does not fit into {column}: {error}", sample=sample) from error


def _is_finer(given: pa.DataType) -> bool:
    return bool(given.unit == "ns")


def _documents(values: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = [
        None if value is None else json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, default=str)
        for value in values.to_pylist()
    ]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _plain(value: Any) -> Any:
    """Maps come as pairs, and a key that is no text is written as one."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(each, tuple) and len(each) == 2 for each in value):
            return {str(key): _plain(each) for key, each in value}
        return [_plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value

"""Rows of a CSV file: the types of its columns are told by its first megabytes, and an empty cell is null in each."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

CSV_BYTES = 1 << 20


def csv_rows(
    opened: Any, head: bytes, block_bytes: int, types: Mapping[str, pa.DataType]
) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    """Batches of small blocks, of which Arrow holds several, and their schema, which a larger block tells.

    `head` has a byte more than that block, if the file has: the line that it ends in is not taken for a whole one.
    """
    quoted = pa.csv.ParseOptions(newlines_in_values=True)
    told = pa.csv.ConvertOptions(column_types=types)
    with pa.csv.open_csv(io.BytesIO(head), pa.csv.ReadOptions(block_size=block_bytes), quoted, told) as first:
        told = pa.csv.ConvertOptions(column_types=first.schema)
    opened.seek(0)
    reader = pa.csv.open_csv(opened, pa.csv.ReadOptions(block_size=CSV_BYTES), quoted, told)
    return map(_without_empty_texts, reader), reader.schema


def _without_empty_texts(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Arrow's own nulls of texts would be `NA` and `null` as well, which are a country and a name."""
    for index, field in enumerate(batch.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            empty = pa.compute.equal(batch.column(index), "")
            if pa.compute.any(empty).as_py():
                texts = pa.compute.if_else(empty, pa.scalar(None, field.type), batch.column(index))
                batch = batch.set_column(index, field, texts)
    return batch

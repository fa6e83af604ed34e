"""Pages of tables: Arrow streams are mapped and cut, Parquet is read by row group. Needs pyarrow."""

from __future__ import annotations

from typing import Any

from toque.api.plain import shown
from toque.api.services import Part
from toque.api.wire.values import Preview
from toque.engine.values import ValueRef
from toque.ports.blobs import Blobs

MAX_DOWNLOAD_BYTES = 64 * 1024 * 1024
"""Of a table that does not lie on this machine."""
MAX_COLUMNS = 200


class TooLarge(ValueError):
    """The table is not read for a look at it."""


def arrow_preview(ref: ValueRef, blobs: Blobs, part: Part) -> Preview:
    """A page of an IPC stream. Raises `ImportError` without pyarrow, `KeyError` when the blob is gone."""
    import pyarrow as pa

    total = 0
    rows: list[list[Any]] = []
    with pa.ipc.open_stream(_source(ref, blobs)) as reader:
        schema = reader.schema
        for batch in reader:
            start = max(0, part.offset - total)
            room = part.limit - len(rows)
            if room > 0 and start < batch.num_rows:
                rows += _rows(batch.slice(start, room))
            total += batch.num_rows
    kind = (schema.metadata or {}).get(b"toque.type", b"pyarrow.Table").decode()
    return _page(ref, kind, schema.names, rows, total, part.offset)


def parquet_preview(ref: ValueRef, blobs: Blobs, part: Part) -> Preview:
    """A page of a Parquet file; row groups before it are skipped unread."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(_source(ref, blobs)) as file:
        names = file.schema_arrow.names
        before = 0
        rows: list[list[Any]] = []
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            start, room = max(0, part.offset - before), part.limit - len(rows)
            if room > 0 and start < size:
                rows += _rows(file.read_row_group(group).slice(start, room))
            before += size
        return _page(ref, "Parquet", names, rows, file.metadata.num_rows, part.offset)


def _source(ref: ValueRef, blobs: Blobs) -> Any:
    import pyarrow as pa

    if ref.inline is not None:
        return pa.BufferReader(ref.inline)
    key = ref.blob or ""
    path = blobs.local_path(key)
    if path is not None:
        return pa.memory_map(path)
    if ref.size_bytes > MAX_DOWNLOAD_BYTES:
        raise TooLarge(f"{ref.size_bytes:,} bytes lie in an object store; that is too much for a look at it")
    return pa.BufferReader(blobs.get(key))


def _rows(table: Any) -> list[list[Any]]:
    columns = [table.column(number).to_pylist() for number in range(min(table.num_columns, MAX_COLUMNS))]
    return [[_cell(value) for value in row] for row in zip(*columns, strict=True)]


def _cell(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _cell(item) for key, item in value.items()}
        case list() | tuple():
            return [_cell(item) for item in value[:100]]
        case bytes():
            return f"{len(value)} bytes"
        case _:
            return shown(value)


def _page(ref: ValueRef, kind: str, names: list[str], rows: list[list[Any]], total: int, offset: int) -> Preview:
    hidden = len(names) - MAX_COLUMNS
    return Preview(
        kind="table",
        size_bytes=ref.size_bytes,
        type=kind,
        columns=[str(name) for name in names[:MAX_COLUMNS]],
        rows=rows,
        total_rows=total,
        offset=offset,
        note=f"{hidden} more columns are not shown" if hidden > 0 else None,
    )

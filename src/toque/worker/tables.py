"""Tables as Arrow IPC: what goes in comes out (`pyarrow`, `pandas` or `polars`), streamed batch by batch.

None of the three libraries is imported here unless a value of it is at hand: `sys.modules` tells.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

_TYPE = b"toque.type"
_FREQ = b"toque.freq"
"""Of an index of times: pandas itself does not write it down."""
_ROWS_A_BATCH = 64 * 1024


def as_arrow(value: Any) -> Any | None:
    """`value` as a `pyarrow.Table` that remembers what it was, or None if it is no table or would not come back the
    same."""
    if "pyarrow" not in sys.modules and not _is_frame(value):
        return None
    kind = type(value).__module__.partition(".")[0]
    match kind:
        case "pyarrow":
            return _of_pyarrow(value)
        case "pandas":
            return _of_pandas(value)
        case "polars":
            return _of_polars(value)
        case _:
            return None


def _is_frame(value: Any) -> bool:
    for name in ("pandas", "polars"):
        module = sys.modules.get(name)
        if module is not None and isinstance(value, module.DataFrame):
            return True
    return False


def _of_pyarrow(value: Any) -> Any | None:
    import pyarrow as pa

    if type(value) is pa.Table:
        return value
    if type(value) is pa.RecordBatch:
        return _named(pa.Table.from_batches([value]), b"pyarrow.RecordBatch")
    return None


def _of_pandas(value: Any) -> Any | None:
    import pandas as pd

    try:
        import pyarrow as pa
    except ImportError:
        return None
    if type(value) is not pd.DataFrame or value.attrs or not value.columns.is_unique or not _has_plain_index(value):
        return None
    for position, dtype in enumerate(value.dtypes):
        # An object column may hold anything; only text comes back from Arrow as it was.
        if dtype.kind == "O" and pd.api.types.infer_dtype(value.iloc[:, position], skipna=True) not in (
            "string",
            "empty",
        ):
            return None
    try:
        table = pa.Table.from_pandas(value)
        same = table.slice(0, 0).to_pandas()
    except (pa.ArrowException, TypeError, ValueError):
        return None
    if not (same.dtypes.equals(value.dtypes) and type(same.index) is type(value.index)):
        return None
    freq = getattr(value.index, "freqstr", None)
    if freq and type(value.index) is not pd.PeriodIndex:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _FREQ: freq.encode()})
    return _named(table, b"pandas.DataFrame")


def _has_plain_index(frame: Any) -> bool:
    """As for columns: an index of objects comes back as it was if they are all text."""
    import pandas as pd

    index = frame.index
    for level in index.levels if isinstance(index, pd.MultiIndex) else [index]:
        if level.dtype.kind == "O" and pd.api.types.infer_dtype(level, skipna=True) not in ("string", "empty"):
            return False
    return True


def _of_polars(value: Any) -> Any | None:
    import polars as pl

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return None
    if type(value) is not pl.DataFrame:
        return None
    try:
        table = value.to_arrow()
        back = pl.from_arrow(table.slice(0, 0))
    except Exception:  # polars raises its own errors for types that Arrow lacks; pickle takes those
        return None
    if not isinstance(back, pl.DataFrame) or back.schema != value.schema:
        return None
    return _named(table, b"polars.DataFrame")


def _named(table: Any, name: bytes) -> Any:
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _TYPE: name})


def pieces(table: Any) -> Iterator[bytes]:
    """The IPC stream of `table`, batch by batch."""
    import pyarrow as pa

    sink = _Sink()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=_ROWS_A_BATCH):
            writer.write_batch(batch)
            yield from sink.taken()
    yield from sink.taken()


class _Sink:
    """A file for Arrow to write to, emptied by the generator that drives it."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def taken(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        return pieces


def load(data: bytes | None, path: str | None) -> Any:
    """The table in an IPC stream in memory or in a file (which is mapped, not read), as the type that it was."""
    import pyarrow as pa

    source = pa.memory_map(path) if path is not None else pa.py_buffer(data)
    table = pa.ipc.open_stream(source).read_all()
    metadata = dict(table.schema.metadata or {})
    name, freq = metadata.pop(_TYPE, b""), metadata.pop(_FREQ, b"")
    if name:
        table = table.replace_schema_metadata(metadata or None)
    match name:
        case b"":
            return table
        case b"pyarrow.RecordBatch":
            batches = table.combine_chunks().to_batches()
            return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
        case b"pandas.DataFrame":
            frame = table.to_pandas()
            # Columns that Arrow lends without a copy are read-only, and nobody expects that of a frame.
            frame = frame if _writable(frame) else frame.copy()
            if freq:
                frame.index.freq = freq.decode()
            return frame
        case b"polars.DataFrame":
            import polars as pl

            return pl.from_arrow(table)
        case _:
            raise ValueError(f"a table of type {name.decode()}: written by a newer Toque?")


def _writable(frame: Any) -> bool:
    for position in range(frame.shape[1]):
        column = frame.iloc[:, position]
        if type(column.dtype).__module__.startswith("numpy") and not column.to_numpy(copy=False).flags.writeable:
            return False
    return True

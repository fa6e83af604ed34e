"""Tables as Parquet files, in a folder of the project or in an object store.

One file for each slice: `lake/raw/orders.parquet`, `lake/marts/revenue/2026-01.parquet`. A file is written under
another name and moved into its place, so that a reader finds the old or the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from toque.worker import frames, tables, values
from toque.worker.slices import NothingThere, Saved, Site, Slice

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem


class Parquet:
    """`@asset(io=Parquet("lake"))`: tables of pyarrow, pandas or polars, and lists of dicts.

    The folder is relative to the project, absolute, or a URL that Arrow opens (`s3://bucket/lake`, `gs://…`). A reader
    is given the type that its annotation names, else a `pyarrow.Table`; several slices come below each other.
    """

    def __init__(self, folder: str, *, compression: str = "zstd") -> None:
        self.folder = folder.rstrip("/")
        self.compression = compression

    def __repr__(self) -> str:
        return f"Parquet {self.folder}"

    def save(self, target: Slice, value: Any, site: Site) -> Saved:
        """See `IOManager.save`."""
        import pyarrow.parquet as pq

        table = frames.to_arrow(value)
        files, path = self._place(target, site)
        files.create_dir(path.rpartition("/")[0], recursive=True)
        draft = f"{path}.{site.attempt}.part"
        with files.open_output_stream(draft) as sink:
            counting = _Counting(sink)
            pq.write_table(table, counting, compression=self.compression)
        files.move(draft, path)
        return Saved(
            data_version=_version_of(table),
            rows=table.num_rows,
            size_bytes=counting.size_bytes,
            columns=frames.columns(table),
            metadata={"path": self._shown(target)},
        )

    def load(self, slices: Sequence[Slice], kind: Any, site: Site) -> Any:
        """See `IOManager.load`."""
        import pyarrow as pa

        parts = [self._read(each, site) for each in slices]
        whole = parts[0] if len(parts) == 1 else pa.concat_tables(parts, promote_options="default")
        return frames.from_arrow(whole, kind)

    def _read(self, of: Slice, site: Site) -> pa.Table:
        import pyarrow.parquet as pq

        files, path = self._place(of, site)
        try:
            with files.open_input_file(path) as source:
                return pq.read_table(source)
        except FileNotFoundError:
            raise NothingThere(of) from None

    def _place(self, of: Slice, site: Site) -> tuple[FileSystem, str]:
        from pyarrow.fs import FileSystem, LocalFileSystem

        if "://" in self.folder:
            files, root = FileSystem.from_uri(self.folder)
        else:
            files = LocalFileSystem()
            root = self.folder if self.folder.startswith("/") else f"{site.project}/{self.folder}"
        return files, f"{root}/{_name(of)}"

    def _shown(self, of: Slice) -> str:
        return f"{self.folder}/{_name(of)}"


def _name(of: Slice) -> str:
    folder = "/".join(quote(part, safe="") for part in of.asset.split("."))
    return f"{folder}/{quote(of.partition, safe='')}.parquet" if of.partition else f"{folder}.parquet"


def _version_of(table: pa.Table) -> str:
    """Of the rows, not of the file: another version of Arrow writes other bytes for the same content."""
    return values.digest(*tables.pieces(table.combine_chunks().replace_schema_metadata(None)))


class _Counting:
    """A file that counts what is written to it."""

    closed = False

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self.size_bytes = 0

    def write(self, data: Any) -> int:
        self.size_bytes += len(data)
        self._sink.write(data)
        return len(data)

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None: ...

    def tell(self) -> int:
        return self.size_bytes

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

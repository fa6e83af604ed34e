"""Files that appear: Parquet, CSV and lines of JSON, in a directory or in an object store."""

from __future__ import annotations

import fnmatch
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

from toque.errors import DataError, UserError
from toque.integrations.sources.csv_rows import csv_rows
from toque.ports.sources import Batch

Format: TypeAlias = Literal["parquet", "csv", "jsonl"]

ROWS = 50_000
BLOCK_BYTES = 4 << 20
_WILD = "*?["
_WITHOUT_FOLDERS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"})
"""Protocols of object stores: a folder is there once something is in it; only a bucket is there by itself."""
_ENDINGS: dict[str, Format] = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True)
class Found:
    """A file; `version` differs when its content does."""

    path: str
    version: str
    modified_us: int


class FileStore(Protocol):
    """Where files lie."""

    def find(self, pattern: str) -> list[Found]:
        """All files whose path matches, in any order. Raises `UserError` when there is no such place to look in."""
        ...

    def open(self, path: str) -> BinaryIO:
        """One of them."""
        ...


class Files:
    """The files of a pattern that were not loaded yet, the oldest first; a file is one range, and loaded whole.

    The cursor holds what was seen: of each file that still exists its path and version. A file that is written again
    is loaded again. Rows of later files are newer.
    """

    def __init__(
        self,
        pattern: str,
        *,
        store: FileStore | None = None,
        kind: Format | None = None,
        types: Mapping[str, pa.DataType] | None = None,
        name: str = "",
    ) -> None:
        """`kind` is told by the ending of each file, `types` of CSV by its first megabytes, unless they are given."""
        self._pattern = pattern
        self._store = store or FsspecStore()
        self._kind = kind
        self._types = dict(types or {})
        self._name = name or pattern

    @property
    def name(self) -> str:
        """As given, else the pattern."""
        return self._name

    def read(self, cursor: str) -> Iterator[Batch]:
        """Files that are new or other than they were."""
        seen: dict[str, str] = json.loads(cursor) if cursor else {}
        found = sorted(self._store.find(self._pattern), key=lambda each: (each.modified_us, each.path))
        if not found and not any(each in self._pattern for each in _WILD):
            raise UserError(
                f"{self._pattern} does not exist",
                fix="create it, or correct `path` of the connection or the name; only a pattern may match nothing",
            )
        present = {each.path for each in found}
        seen = {path: version for path, version in seen.items() if path in present}
        for file in found:
            if seen.get(file.path) == file.version:
                continue
            since, seen = cursor, {**seen, file.path: file.version}
            cursor = json.dumps(seen, sort_keys=True, separators=(",", ":"))
            yield from self._batches(file, since, cursor)

    def confirm(self, cursor: str) -> None:
        """Nothing to do: files stay where they are."""

    def _batches(self, file: Found, since: str, upto: str) -> Iterator[Batch]:
        count = 0
        last: pa.Table | None = None
        try:
            for rows in self._tables(file.path):
                if last is not None:
                    yield _batch(file, last, count, since, upto, is_complete=False)
                    count += last.num_rows
                last = rows
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise DataError(f"{file.path}: {error}") from error
        if last is not None:
            yield _batch(file, last, count, since, upto, is_complete=True)

    def _tables(self, path: str) -> Iterator[pa.Table]:
        with self._store.open(path) as stored:
            opened: Any = gzip.GzipFile(fileobj=stored) if path.endswith(".gz") else stored
            match self._kind or _kind(path):
                case "parquet":
                    file = pa.parquet.ParquetFile(opened)
                    yield from _tables(file.iter_batches(batch_size=ROWS), file.schema_arrow)
                case "csv" if head := opened.read(BLOCK_BYTES + 1):
                    yield from _tables(*csv_rows(opened, head, BLOCK_BYTES, self._types))
                case "csv":
                    return  # of no bytes yet: it is looked at again
                case "jsonl":
                    for lines in _blocks(opened):
                        yield from _sliced(pa.json.read_json(pa.BufferReader(lines)))


class FsspecStore:
    """Whatever fsspec reaches: a directory, `s3://…`, `gs://…`, `sftp://…`; options are those of its file system."""

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._options = dict(options or {})

    def find(self, pattern: str) -> list[Found]:
        """See the protocol."""
        system, path = self._system(pattern)
        found = system.glob(path, detail=True)
        if not found:
            self._check_folder(system, path)
        return [_found(name, info) for name, info in found.items() if info.get("type") != "directory"]

    def open(self, path: str) -> BinaryIO:
        """See the protocol."""
        opened: BinaryIO = self._opened.open(path, "rb")
        return opened

    def _check_folder(self, system: Any, path: str) -> None:
        """Nothing in a folder is nothing to do; no folder is a mistake, or a disk that is not mounted."""
        protocols = {system.protocol} if isinstance(system.protocol, str) else set(system.protocol)
        folder = _fixed(path).rpartition("/")[0]
        if protocols & _WITHOUT_FOLDERS:
            folder = folder.lstrip("/").partition("/")[0]
        if folder and not _is_there(system, folder):
            raise UserError(
                f"{folder} does not exist: there is nowhere to look for {path.rpartition('/')[2]}",
                fix="create the folder (it may be empty), or correct `path` of the connection or the pattern",
            )

    def _system(self, pattern: str) -> tuple[Any, str]:
        import fsspec

        self._opened, path = fsspec.core.url_to_fs(pattern, **self._options)
        return self._opened, path


class ObstoreStore:
    """An object store of `obstore` (`obstore.store.S3Store(…)`); patterns are relative to it."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def find(self, pattern: str) -> list[Found]:
        """See the protocol."""
        prefix = _fixed(pattern)
        folder = prefix.rpartition("/")[0]
        return [
            Found(each["path"], str(each["e_tag"] or each["last_modified"]), _microseconds(each["last_modified"]))
            for page in self._store.list(prefix=folder or None)
            for each in page
            if fnmatch.fnmatchcase(each["path"], pattern)
        ]

    def open(self, path: str) -> BinaryIO:
        """See the protocol."""
        import obstore

        return io.BufferedReader(_Readable(obstore.open_reader(self._store, path)), BLOCK_BYTES)


class _Readable(io.RawIOBase):
    """A reader of obstore as a file of Python."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = bytes(self._reader.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        position: int = self._reader.seek(offset, whence)
        return position


def _is_there(system: Any, folder: str) -> bool:
    """Whoever may list a prefix of a bucket need not be allowed to ask for the bucket."""
    if system.exists(folder):
        return True
    try:
        system.ls(folder, detail=False)
    except FileNotFoundError:
        return False
    except OSError:
        pass
    return True


def _fixed(pattern: str) -> str:
    """What comes before the first wildcard."""
    return pattern[: min((pattern.find(each) for each in _WILD if each in pattern), default=len(pattern))]


def _found(path: str, info: Mapping[str, Any]) -> Found:
    modified = info.get("mtime") or info.get("LastModified") or info.get("updated") or info.get("created") or 0
    version = info.get("ETag") or info.get("etag") or f"{info.get('size')}-{modified}"
    return Found(path, str(version), _microseconds(modified))


def _microseconds(moment: Any) -> int:
    if isinstance(moment, int | float):
        return int(moment * 1_000_000)
    return int(moment.timestamp() * 1_000_000) if hasattr(moment, "timestamp") else 0


def _kind(path: str) -> Format:
    for ending, kind in _ENDINGS.items():
        if path.endswith((ending, f"{ending}.gz")):
            return kind
    raise UserError(f"{path}: by its ending it is no Parquet, CSV or lines of JSON", fix='kind="csv"')


def _tables(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of `ROWS` rows, the last one of fewer, whatever the size of the batches; one that is empty for none."""
    waiting = schema.empty_table()
    for batch in batches:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
        while waiting.num_rows > ROWS:
            yield waiting.slice(0, ROWS)
            waiting = waiting.slice(ROWS)
    yield waiting


def _blocks(opened: Any) -> Iterator[bytes]:
    """Whole lines, some megabytes at once."""
    rest = b""
    while piece := opened.read(BLOCK_BYTES):
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        if lines.strip():
            yield lines + newline
    if rest.strip():
        yield rest


def _sliced(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, max(table.num_rows, 1), ROWS):
        yield table.slice(start, ROWS)


def _batch(file: Found, rows: pa.Table, first: int, since: str, upto: str, *, is_complete: bool) -> Batch:
    return Batch(
        rows=rows,
        since=since,
        upto=upto,
        order=pa.repeat(pa.scalar(file.modified_us, pa.int64()), rows.num_rows),
        sequence=pa.array(range(first, first + rows.num_rows), pa.int64()),
        is_complete=is_complete,
        origin=file.path,
    )

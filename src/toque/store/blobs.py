"""Blobs: large values in a local folder, in an object store, or (for tests) in this process."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from toque.errors import UserError
from toque.ports.blobs import Blobs

PARTIAL = ".partial"
"""Folder of blobs that are being written. Each is locked by its writer, so that those of the dead can be told."""


def open_blobs(url: str) -> Blobs:
    """The blobs at `url`: a folder (`/path` or `file:///path`), `memory:`, or `s3://`, `gs://`, `az://…`.

    Object stores need `toque[object-stores]`; their credentials and endpoint come from the environment, as their own
    tools read them (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`, …).
    """
    scheme, separator, rest = url.partition(":")
    if not separator or len(scheme) < 2:
        return LocalBlobs(url)
    if scheme == "file":
        return LocalBlobs(rest.removeprefix("//"))
    if scheme == "memory":
        return MemoryBlobs()
    if scheme in {"s3", "s3a", "gs", "az", "abfs", "abfss"}:
        from toque.store.objects import ObjectBlobs

        return ObjectBlobs(url)
    raise UserError(f"unknown blob store {url!r}", fix="use a folder, or s3://bucket/path, gs://…, az://…")


def check_key(key: str) -> str:
    """`key` itself. Raises `ValueError` unless it is a relative path without tricks."""
    parts = key.split("/")
    if not all(parts) or any(part in (".", "..") for part in parts) or "\0" in key or parts[0] == PARTIAL:
        raise ValueError(f"not a key for a blob: {key!r}")
    return key


class LocalBlobs:
    """A folder; the key is the path in it. See `Blobs`."""

    def __init__(self, root: str) -> None:
        self._root = Path(os.path.abspath(root))
        self.url = f"file://{self._root}"

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """See `Blobs.put`. On disk when it returns: a row that names the blob never outlives it."""
        path = self._root / check_key(key)
        try:
            with self._partial() as (file, partial):
                size = 0
                for chunk in chunks:
                    file.write(chunk)
                    size += len(chunk)
                file.flush()
                os.fsync(file.fileno())
                changed = _move(partial, path)
            for folder in changed:
                _sync_folder(folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                text = f"no space left to store the value {key} below {self._root}; free some space"
                raise OSError(errno.ENOSPC, text) from error
            raise
        return size

    def get(self, key: str) -> bytes:
        """See `Blobs.get`."""
        with _found(key):
            return (self._root / check_key(key)).read_bytes()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Blobs.get_range`. Shorter if the blob ends before."""
        with _found(key), (self._root / check_key(key)).open("rb") as file:
            file.seek(start)
            return file.read(length)

    def local_path(self, key: str) -> str | None:
        """See `Blobs.local_path`; None if there is no such blob."""
        path = self._root / check_key(key)
        return str(path) if path.is_file() else None

    def delete_prefix(self, prefix: str) -> int:
        """See `Blobs.delete_prefix`. Also removes what killed writers left half-written."""
        self._sweep()
        folder, _, start = prefix.rpartition("/")
        if folder:
            check_key(folder)
        count = 0
        with suppress(FileNotFoundError):
            for entry in list(os.scandir(self._root / folder)):
                if entry.name.startswith(start) and not (not folder and entry.name == PARTIAL):
                    count += _delete(entry)
        if folder and not start:
            with suppress(OSError):
                os.rmdir(self._root / folder)
        return count

    @contextmanager
    def _partial(self) -> Iterator[tuple[BinaryIO, str]]:
        folder = self._root / PARTIAL
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(dir=folder)
        try:
            with open(descriptor, "wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file, partial
        finally:
            with suppress(FileNotFoundError):
                os.unlink(partial)

    def _sweep(self) -> None:
        folder = self._root / PARTIAL
        for path in folder.iterdir() if folder.is_dir() else ():
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


class MemoryBlobs:
    """A dict, for tests that run everything in one process. See `Blobs`."""

    url = "memory:"

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """See `Blobs.put`."""
        data = b"".join(chunks)
        self._data[check_key(key)] = data
        return len(data)

    def get(self, key: str) -> bytes:
        """See `Blobs.get`."""
        return self._data[check_key(key)]

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Blobs.get_range`."""
        return self._data[check_key(key)][start : start + length]

    def local_path(self, key: str) -> str | None:
        """Never."""
        return None

    def delete_prefix(self, prefix: str) -> int:
        """See `Blobs.delete_prefix`."""
        gone = [key for key in self._data if key.startswith(prefix)]
        for key in gone:
            del self._data[key]
        return len(gone)


@contextmanager
def _found(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise KeyError(key) from None


def _delete(entry: os.DirEntry[str]) -> int:
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry.path)
        return 1
    count = sum(_delete(child) for child in list(os.scandir(entry.path)))
    # A blob that was put in the meantime keeps its folder.
    with suppress(OSError):
        os.rmdir(entry.path)
    return count


def _move(partial: str, path: Path) -> list[Path]:
    """Move the finished file into place; answers the folders that got a new entry by it."""
    while True:
        changed = [path.parent]
        while not changed[-1].exists():
            changed.append(changed[-1].parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(partial, path)
        except FileNotFoundError:
            # Somebody deleted the empty folder in between.
            if not os.path.exists(partial):
                raise
        else:
            return changed


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Blobs: values too large for a row, immutable and named by their content or their attempt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class Blobs(Protocol):
    """A flat store of bytes. Workers and servers reach the same one. All methods block."""

    url: str
    """How a worker opens the same store (`toque.store.blobs.open_blobs(url)`)."""

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Store all chunks under `key`, atomically (a reader sees all or nothing); returns the size.

        Overwriting with the same content is harmless. Raises `OSError` (disk full: `errno.ENOSPC`).
        """
        ...

    def get(self, key: str) -> bytes:
        """The whole blob. Raises `KeyError`."""
        ...

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """`length` bytes from `start`. Raises `KeyError`."""
        ...

    def local_path(self, key: str) -> str | None:
        """A path to read the blob from (memory mapping), if it lies on this machine."""
        ...

    def delete_prefix(self, prefix: str) -> int:
        """Remove every blob whose key starts with `prefix`; returns how many."""
        ...

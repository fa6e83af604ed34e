"""Blobs in an object store (S3, Google Cloud Storage, Azure), through obstore."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from toque.errors import UserError
from toque.store.blobs import check_key

if TYPE_CHECKING:
    from obstore.store import ObjectStore

DELETE_AT_ONCE = 1000


class ObjectBlobs:
    """A prefix of a bucket. See `Blobs`. Uploads are atomic: a multipart upload shows when it is complete."""

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ImportError:
            raise UserError(f"the blob store {url} needs obstore", fix="pip install 'toque[object-stores]'") from None
        self.url = url
        self._obstore: Any = obstore
        self._store: ObjectStore = from_url(url)

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """See `Blobs.put`."""
        size = 0

        def counted() -> Iterable[bytes]:
            nonlocal size
            for chunk in chunks:
                size += len(chunk)
                yield chunk

        self._obstore.put(self._store, check_key(key), counted())
        return size

    def get(self, key: str) -> bytes:
        """See `Blobs.get`."""
        try:
            return bytes(self._obstore.get(self._store, check_key(key)).bytes())
        except FileNotFoundError:
            raise KeyError(key) from None

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Blobs.get_range`."""
        try:
            size = self._obstore.head(self._store, check_key(key))["size"]
            end = min(start + length, size)
            # A range that is empty or begins at the end is an error of HTTP, not an empty answer.
            return bytes(self._obstore.get_range(self._store, key, start=start, end=end)) if start < end else b""
        except FileNotFoundError:
            raise KeyError(key) from None

    def local_path(self, key: str) -> str | None:
        """Never."""
        return None

    def delete_prefix(self, prefix: str) -> int:
        """See `Blobs.delete_prefix`. Lists by whole segments, as object stores of obstore do, then filters."""
        folder = prefix.rpartition("/")[0]
        count = 0
        for page in self._obstore.list(self._store, folder or None, chunk_size=DELETE_AT_ONCE):
            keys = [entry["path"] for entry in page if entry["path"].startswith(prefix)]
            if keys:
                self._obstore.delete(self._store, keys)
            count += len(keys)
        return count

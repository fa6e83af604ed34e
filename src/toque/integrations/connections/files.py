"""`Files("inbox")`: files below a folder or in an object store, read by pattern and dropped by syncs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

from toque.authoring.endpoints import Records, Rows, slug
from toque.authoring.supplies import Connection
from toque.ports.destinations import Destination
from toque.ports.sources import Source


class Files(Connection):
    """A folder or a place in an object store: `type = "file"`, `path`, and `options` of the store."""

    def files(self, pattern: str, *, kind: Literal["parquet", "csv", "jsonl"] | None = None, name: str = "") -> Rows:
        """Files that were not loaded yet, by a pattern below the connection's path: `inbox.files("orders/*.csv")`.

        `kind` if the ending does not tell; `name` is the part of the asset's key, made of the pattern unless stated.
        """
        return Rows(self, name or slug(pattern), "files", {"pattern": pattern, "kind": kind})

    def folder(self, name: str) -> Records:
        """A folder below the connection's path, into which a sync drops files."""
        return Records(self, slug(name), "folder", {"folder": name})

    def read_files(self, key: str, path: str, *, pattern: str, kind: Any) -> Source:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.sources import files

        root = str(self.options.get("path", "")).rstrip("/")
        store = files.FsspecStore(self.options.get("options", {}))
        return files.Files(f"{root}/{pattern}" if root else pattern, store=store, kind=kind, name=key)

    def write_folder(self, key: str, path: str, *, folder: str) -> AbstractContextManager[Destination]:
        """See `toque.integrations.connections.opening`."""
        from toque.integrations.syncing.opening import open_destination

        return open_destination("file", self.options, key, folder)

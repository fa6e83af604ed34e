"""A SQLite file: one thread that writes, two that read (for the engine, for pages), one that checkpoints when much was
written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from toque.store.sql.session import Session
from toque.store.sql.threads import ConnectionThread
from toque.store.sqlite.checkpoints import Checkpoints
from toque.store.sqlite.connections import Reader, Writer
from toque.store.sqlite.options import SqliteOptions

T = TypeVar("T")


class SqliteDatabase:
    """See `Database`."""

    def __init__(self, options: SqliteOptions) -> None:
        self._path = options.path
        self._checkpoints = Checkpoints(options)
        self._writer = Writer(options, self._checkpoints)
        self._reader = Reader(options)
        self._pages = Reader(options)
        self._write_thread = ConnectionThread("toque-store-write", self._writer.close)
        self._read_thread = ConnectionThread("toque-store-read", self._reader.close)
        self._page_thread = ConnectionThread("toque-store-pages", self._pages.close)

    async def open(self) -> None:
        """Create the file or check its schema."""
        await self._write_thread.run(self._writer.open)

    async def close(self) -> None:
        """Close all connections. The last one on a file removes its log."""
        await self._page_thread.close()
        await self._read_thread.close()
        await self._checkpoints.close()
        await self._write_thread.close()

    async def write(self, operation: Callable[[Session], T], *, tell: bool = False) -> T:
        """See `Database.write`. Others see every change in the file itself (`version`)."""
        return await self._write_thread.run(lambda: self._writer.transaction(operation))

    async def write_synced(self, operation: Callable[[Session], T]) -> T:
        """Like `write`, and the disk has it before this returns."""
        return await self._write_thread.run(lambda: self._writer.synced(operation))

    async def read(self, operation: Callable[[Session], T]) -> T:
        """See `Database.read`."""
        return await self._read_thread.run(lambda: self._reader.snapshot(operation))

    async def browse(self, operation: Callable[[Session], T]) -> T:
        """See `Database.browse`."""
        return await self._page_thread.run(lambda: self._pages.snapshot(operation))

    async def on_writer(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection that writes, outside of a transaction."""
        return await self._write_thread.run(lambda: self._writer.on(action))

    async def version(self) -> int:
        """Changes whenever another connection than our writer has committed."""
        [(version,)] = await self.on_writer(lambda connection: connection.execute("PRAGMA data_version").fetchall())
        return int(version)

    def size_bytes(self) -> int:
        """Of the file and its write-ahead log."""
        size = 0
        for path in (self._path, f"{self._path}-wal"):
            try:
                size += os.stat(path).st_size
            except OSError:
                continue
        return size

    def log_stamp(self) -> tuple[int, int]:
        """Time and size of the write-ahead log: whoever commits writes it. Costs a stat, where `version` costs a trip
        to the writer's thread."""
        try:
            found = os.stat(f"{self._path}-wal")
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    async def reclaim(self, pages: int) -> bool:
        """Give up to `pages` free pages back to the file system; says whether there are more."""
        return await self.on_writer(lambda connection: _vacuum(connection, pages))


def _vacuum(connection: sqlite3.Connection, pages: int) -> bool:
    [(before,)] = connection.execute("PRAGMA freelist_count").fetchall()
    # As a script: `execute` would take one step, which is one page.
    connection.executescript(f"PRAGMA incremental_vacuum({pages})")
    [(after,)] = connection.execute("PRAGMA freelist_count").fetchall()
    return bool(0 < after < before)

"""A SQLite file: one connection that writes, one that reads, each in a thread of its own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import parse_qsl

from toque.errors import UserError
from toque.ports.store import StoreUnavailable
from toque.store.sql.revision import check_revision
from toque.store.sql.session import Session
from toque.store.sql.text import create_schema
from toque.store.sql.threads import ConnectionThread
from toque.store.sqlite.errors import translate
from toque.store.sqlite.session import SqliteSession

T = TypeVar("T")


@dataclass(frozen=True)
class SqliteOptions:
    """What the URL of a store says."""

    path: str
    """Absolute."""
    synchronous: Literal["normal", "full"] = "normal"
    """`normal` survives any kill of a process; a power cut may repeat the last instants. `full` syncs each commit."""
    timeout_s: float = 5.0
    """How long a write waits for another process's transaction."""

    @staticmethod
    def parse(url: str) -> SqliteOptions:
        """The options of `sqlite:///path?synchronous=full&timeout_s=5`."""
        rest = url.removeprefix("sqlite://")
        if not rest.startswith("/") or rest in ("/", "/:memory:"):
            raise UserError(f"{url!r} names no file", fix="use sqlite:///path/toque.db, or memory: for no file at all")
        path, _, query = rest[1:].partition("?")
        given = dict(parse_qsl(query, keep_blank_values=True))
        synchronous = given.pop("synchronous", "normal")
        timeout = given.pop("timeout_s", "5")
        if synchronous not in ("normal", "full") or given:
            raise UserError(f"unknown option in {url!r}", fix="the options are synchronous=normal|full and timeout_s=5")
        try:
            timeout_s = float(timeout)
        except ValueError:
            raise UserError(f"timeout_s in {url!r} is not a number", fix="write seconds: timeout_s=5") from None
        return SqliteOptions(os.path.abspath(path), "full" if synchronous == "full" else "normal", timeout_s)


class SqliteDatabase:
    """See `Database`. A connection whose state is in doubt is closed, and the next transaction opens a new one."""

    def __init__(self, options: SqliteOptions) -> None:
        self.options = options
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._write_thread = ConnectionThread("toque-store-write", self._close_writer)
        self._read_thread = ConnectionThread("toque-store-read", self._close_reader)

    async def open(self) -> None:
        """Create the file or check its schema."""
        await self._write_thread.run(self._open)

    async def close(self) -> None:
        """Close both connections. The last one on a file removes its WAL."""
        await self._read_thread.close()
        await self._write_thread.close()

    async def write(self, operation: Callable[[Session], T], *, tell: bool = False) -> T:
        """See `Database.write`. Others see every change in the file itself (`version`)."""
        return await self._write_thread.run(lambda: self._transaction(operation))

    async def write_synced(self, operation: Callable[[Session], T]) -> T:
        """Like `write`, and the disk has it before this returns."""
        return await self._write_thread.run(lambda: self._synced(operation))

    async def read(self, operation: Callable[[Session], T]) -> T:
        """See `Database.read`."""
        return await self._read_thread.run(lambda: self._snapshot(operation))

    async def version(self) -> int:
        """Changes whenever another connection than our writer has committed."""
        return await self._write_thread.run(self._data_version)

    async def reclaim(self, pages: int) -> bool:
        """Give up to `pages` free pages back to the file system; says whether there are more."""
        return await self._write_thread.run(lambda: self._guarded(lambda connection: _vacuum(connection, pages)))

    # In the threads.

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.options.path, timeout=self.options.timeout_s, isolation_level=None)
        connection.execute(f"PRAGMA synchronous = {self.options.synchronous}")
        connection.execute("PRAGMA temp_store = memory")
        return connection

    def _open(self) -> None:
        path = Path(self.options.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"the folder {path.parent} cannot be made: {error.strerror}") from error
        try:
            connection = self._writing()
            revision = _revision(connection)
            if revision is None:
                _create(connection)
                revision = _revision(connection)
        except sqlite3.Error as error:
            self._close_writer()
            raise translate(error, self.options.path) from error
        check_revision(revision, f"the store {path}")

    def _writing(self) -> sqlite3.Connection:
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    def _guarded(self, action: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return action(self._writing())
        except sqlite3.Error as error:
            raise translate(error, self.options.path) from error

    def _transaction(self, operation: Callable[[Session], T]) -> T:
        try:
            connection = self._writing()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = operation(SqliteSession(connection))
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
        except sqlite3.Error as error:
            raise translate(error, self.options.path) from error
        return result

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """Some errors (disk full) have rolled back already; a connection that cannot is given up."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._close_writer()

    def _synced(self, operation: Callable[[Session], T]) -> T:
        self._guarded(lambda connection: connection.execute("PRAGMA synchronous = extra"))
        try:
            return self._transaction(operation)
        finally:
            normal = f"PRAGMA synchronous = {self.options.synchronous}"
            self._guarded(lambda connection: connection.execute(normal))

    def _snapshot(self, operation: Callable[[Session], T]) -> T:
        try:
            if self._reader is None:
                self._reader = self._connect()
                self._reader.execute("PRAGMA query_only = 1")
            self._reader.execute("BEGIN")
            try:
                return operation(SqliteSession(self._reader))
            finally:
                self._reader.execute("COMMIT")
        except sqlite3.Error as error:
            self._close_reader()
            raise translate(error, self.options.path) from error

    def _data_version(self) -> int:
        [(version,)] = self._guarded(lambda connection: connection.execute("PRAGMA data_version").fetchall())
        return int(version)

    def _close_writer(self) -> None:
        connection, self._writer = self._writer, None
        if connection is not None:
            connection.close()

    def _close_reader(self) -> None:
        connection, self._reader = self._reader, None
        if connection is not None:
            connection.close()


def _vacuum(connection: sqlite3.Connection, pages: int) -> bool:
    [(before,)] = connection.execute("PRAGMA freelist_count").fetchall()
    # As a script: `execute` would take one step, which is one page.
    connection.executescript(f"PRAGMA incremental_vacuum({pages})")
    [(after,)] = connection.execute("PRAGMA freelist_count").fetchall()
    return 0 < after < before


def _revision(connection: sqlite3.Connection) -> str | None:
    """The schema revision of the file; None if it is empty, "" if something else lives there."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if "alembic_version" not in tables:
        return ""
    found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(found[0][0]) if found else ""


def _create(connection: sqlite3.Connection) -> None:
    """Make an empty file a store; of several processes that try at once, one does it."""
    # Both must precede the first table.
    connection.execute("PRAGMA auto_vacuum = incremental")
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _revision(connection) is None:
            for statement in create_schema("sqlite"):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

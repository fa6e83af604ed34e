"""The two connections to a SQLite file, each used by one thread only.

A connection whose state is in doubt is closed, and the next transaction opens a new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from toque.ports.store import StoreUnavailable
from toque.store.sql.revision import check_revision
from toque.store.sql.session import Session
from toque.store.sqlite.checkpoints import LAST_RESORT_PAGES, Checkpoints
from toque.store.sqlite.creation import create, revision_of
from toque.store.sqlite.errors import translate
from toque.store.sqlite.options import SqliteOptions
from toque.store.sqlite.session import SqliteSession

T = TypeVar("T")


class _Connection:
    """Opened when it is needed."""

    def __init__(self, options: SqliteOptions) -> None:
        self._options = options
        self._path = options.path
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        """The next use opens it again."""
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            connection = sqlite3.connect(self._path, timeout=self._options.timeout_s, isolation_level=None)
            connection.execute(f"PRAGMA synchronous = {self._options.synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {LAST_RESORT_PAGES}")
            connection.execute("PRAGMA temp_store = memory")
            self._open = connection
        return self._open


class Writer(_Connection):
    """The connection that writes."""

    def __init__(self, options: SqliteOptions, checkpoints: Checkpoints) -> None:
        super().__init__(options)
        self._checkpoints = checkpoints

    def open(self) -> None:
        """Create the file or check its schema."""
        folder = Path(self._path).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"the folder {folder} cannot be made: {error.strerror}") from error
        try:
            connection = self._connection()
            revision = revision_of(connection)
            if revision is None:
                create(connection)
                revision = revision_of(connection)
        except sqlite3.Error as error:
            self.close()
            raise translate(error, self._path) from error
        check_revision(revision, f"the store {self._path}")

    def on(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Do something outside of a transaction."""
        try:
            return action(self._connection())
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def transaction(self, operation: Callable[[Session], T]) -> T:
        """All of `operation`, or nothing of it."""
        try:
            connection = self._connection()
            changes = connection.total_changes
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = operation(SqliteSession(connection))
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
        except sqlite3.Error as error:
            raise translate(error, self._path) from error
        self._checkpoints.written(connection.total_changes - changes)
        return result

    def synced(self, operation: Callable[[Session], T]) -> T:
        """Like `transaction`, and the disk has it before this returns."""
        self.on(lambda connection: connection.execute("PRAGMA synchronous = extra"))
        try:
            return self.transaction(operation)
        finally:
            usual = f"PRAGMA synchronous = {self._options.synchronous}"
            self.on(lambda connection: connection.execute(usual))

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        """Some errors (disk full) have rolled back already; a connection that cannot is given up."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()


class Reader(_Connection):
    """The connection that only reads."""

    def snapshot(self, operation: Callable[[Session], T]) -> T:
        """Queries that see the same state."""
        try:
            fresh = self._open is None
            connection = self._connection()
            if fresh:
                connection.execute("PRAGMA query_only = 1")
            connection.execute("BEGIN")
            try:
                return operation(SqliteSession(connection))
            finally:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            raise translate(error, self._path) from error

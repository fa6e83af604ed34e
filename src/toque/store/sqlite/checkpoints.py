"""Checkpoints beside the writer, so that no commit waits for them.

SQLite's own automatic checkpoint runs inside of the commit that fills the log: 5 to 25 ms for one commit in two
hundred, where the others take 0.1 ms. Here a thread of its own copies pages while commits go on: 2 ms at worst.
It cannot empty a log that never rests, so SQLite's own still comes at a higher mark, with little left to do.
"""

from __future__ import annotations

import sqlite3

from toque.store.sql.threads import ConnectionThread
from toque.store.sqlite.options import SqliteOptions

DUE_PAGES = 1000
"""As in SQLite: 4 MB."""
LAST_RESORT_PAGES = 4000
_PAGES_A_COMMIT = 4
_ROWS_A_PAGE = 12


class Checkpoints:
    """Counts what was written, roughly, and checkpoints when it is worth it."""

    def __init__(self, options: SqliteOptions) -> None:
        self._path = options.path
        self._connection: sqlite3.Connection | None = None
        self._thread = ConnectionThread("toque-store-checkpoint", self._close)
        self._pages = 0
        self._running = False

    def written(self, rows: int) -> None:
        """A commit of `rows` rows was made. Called in the thread of the writer."""
        self._pages += _PAGES_A_COMMIT + rows // _ROWS_A_PAGE
        if self._pages >= DUE_PAGES and not self._running:
            self._pages = 0
            self._running = True
            self._thread.post(self._checkpoint)

    async def close(self) -> None:
        """Finish the one that runs."""
        await self._thread.close()

    def _checkpoint(self) -> None:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(self._path, isolation_level=None)
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            # Nothing is lost: the log grows, and if the disk is ill the writer will say so.
            self._close()
        finally:
            self._running = False

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

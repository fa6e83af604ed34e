"""What SQLite's errors mean to a person: what happened, to which file, and what to do next."""

from __future__ import annotations

import sqlite3

from toque.errors import ToqueBug, ToqueError
from toque.ports.store import StoreUnavailable

_CAUSES = {
    "SQLITE_FULL": "the disk is full. Free some space; nothing was lost and writing goes on by itself",
    "SQLITE_READONLY": "it is read-only. Check the permissions of the file and its folder, and how the disk is mounted",
    "SQLITE_PERM": "access was denied. Check the permissions of the file and its folder",
    "SQLITE_CANTOPEN": "it cannot be opened. Check that its folder exists and that this user may write there",
    "SQLITE_BUSY": "another process keeps it locked. Find it with `fuser {path}`, or wait until it is done",
    "SQLITE_LOCKED": "another process keeps it locked. Find it with `fuser {path}`, or wait until it is done",
    "SQLITE_IOERR": "the disk reports an error. Check the disk; a network file system is not safe for SQLite",
    "SQLITE_CORRUPT": "it is damaged. Restore a backup, or save what is left with `sqlite3 {path} .recover`",
    "SQLITE_NOTADB": "it is not a SQLite database. Choose another file in the store's URL",
    "SQLITE_NOMEM": "memory ran out. Free some memory; nothing was lost",
}


def translate(error: sqlite3.Error, path: str) -> ToqueError:
    """The error of Toque that stands for `error`."""
    name = getattr(error, "sqlite_errorname", "") or ""
    for prefix, cause in _CAUSES.items():
        if name.startswith(prefix):
            return StoreUnavailable(f"the store {path} cannot be used: {cause.format(path=path)} ({name}: {error})")
    return ToqueBug(f"the store {path} refused a statement ({name or type(error).__name__}: {error})")

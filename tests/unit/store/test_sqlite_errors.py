"""Each error of SQLite says what happened, to which file, and what to do."""

from __future__ import annotations

import sqlite3

import pytest

from toque.errors import ToqueBug
from toque.ports.store import StoreUnavailable
from toque.store.sqlite.errors import translate


def failing(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SQLITE_FULL", "Free some space"),
        ("SQLITE_READONLY_DBMOVED", "permissions"),
        ("SQLITE_CANTOPEN_ISDIR", "folder exists"),
        ("SQLITE_BUSY_SNAPSHOT", "fuser /x/toque.db"),
        ("SQLITE_IOERR_WRITE", "Check the disk"),
        ("SQLITE_CORRUPT", "/x/toque.db .recover"),
        ("SQLITE_NOTADB", "another file"),
    ],
)
def test_what_a_person_can_mend_is_unavailable_and_says_how(name: str, hint: str) -> None:
    error = translate(failing(name), "/x/toque.db")
    assert isinstance(error, StoreUnavailable)
    assert "/x/toque.db" in str(error)
    assert hint in str(error)
    assert name in str(error)


@pytest.mark.parametrize("name", ["SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_ERROR", "SQLITE_MISUSE", ""])
def test_what_only_we_can_mend_is_a_bug(name: str) -> None:
    assert isinstance(translate(failing(name), "/x/toque.db"), ToqueBug)

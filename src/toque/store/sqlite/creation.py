"""Whether a SQLite file is a store, and making an empty one a store."""

from __future__ import annotations

import sqlite3

from toque.store.sql.text import create_schema


def revision_of(connection: sqlite3.Connection) -> str | None:
    """The schema revision of the file; None if it is empty, "" if something else lives there."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    if "alembic_version" not in tables:
        return ""
    found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(found[0][0]) if found else ""


def create(connection: sqlite3.Connection) -> None:
    """Make an empty file a store; of several processes that try at once, one does it."""
    # Both must precede the first table.
    connection.execute("PRAGMA auto_vacuum = incremental")
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if revision_of(connection) is None:
            for statement in create_schema("sqlite"):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

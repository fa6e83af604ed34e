"""Taking a database of an earlier release to the current schema, with Alembic.

Imported by `toque db upgrade` only: a store whose schema is current never pays for Alembic or SQLAlchemy (ADR 0001).
A revision is a file in `versions/` that never changes once it was released, so it repeats what it needs of the
schema instead of importing it; the test `migrated == created` keeps both ways to the current schema equal.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.pool import NullPool

from toque.errors import ToqueError
from toque.ports.store import StoreUnavailable
from toque.store.sql.revision import check_revision
from toque.store.sql.schema import REVISIONS
from toque.store.sqlite.errors import translate as translate_sqlite
from toque.store.sqlite.instances import InstanceLocks
from toque.store.sqlite.options import SqliteOptions

SCRIPTS = Path(__file__).parent


def upgrade(url: str) -> tuple[str, str]:
    """Bring the store at `url` to the current schema, in one transaction; answers the revisions before and after.

    "" before: there was nothing, and the schema was made. Raises `StoreUnavailable` (also while a process lives on the
    store) and `SchemaOutdated` (a newer Toque was here); then nothing was changed.
    """
    if url.partition(":")[0] == "memory":
        return "", ""
    engine = _sqlite_engine(url) if url.startswith("sqlite:") else _postgresql_engine(url)
    try:
        with engine.begin() as connection:
            before = MigrationContext.configure(connection).get_current_revision()
            if before != REVISIONS[-1]:
                _check(connection, before, url)
                config = Config()
                config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            after = MigrationContext.configure(connection).get_current_revision()
    except sa.exc.DBAPIError as error:
        raise _translated(error, url) from error
    return before or "", after or ""


def _check(connection: sa.Connection, before: str | None, url: str) -> None:
    """Raise unless the database is a store, or empty, that nobody uses."""
    if before is None:
        found = sa.inspect(connection).get_table_names()
        # A database of PostgreSQL may be shared with others, a file is not.
        if "runs" in found or (found and url.startswith("sqlite:")):
            check_revision("", "the store")
        return
    if before not in REVISIONS:
        check_revision(before, "the store")
    if url.startswith("sqlite:"):
        living = InstanceLocks(SqliteOptions.parse(url).path).living()
    else:
        from toque.store.postgresql.store import LIVING

        living = [name for (name,) in connection.exec_driver_sql(LIVING)]
    if living:
        raise StoreUnavailable(f"the store is in use by {', '.join(living)}; stop the server and all runs first")


def _sqlite_engine(url: str) -> sa.Engine:
    path = SqliteOptions.parse(url).path

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        # Without effect on a file that has tables.
        connection.execute("PRAGMA auto_vacuum = incremental")
        connection.execute("PRAGMA journal_mode = wal")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)
    # Left to itself, the driver begins no transaction before DDL.
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _postgresql_engine(url: str) -> sa.Engine:
    import psycopg

    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    lock = sa.text("SELECT pg_advisory_xact_lock(hashtext('toque schema'))")
    sa.event.listen(engine, "begin", lambda connection: connection.execute(lock))
    return engine


def _translated(error: sa.exc.DBAPIError, url: str) -> ToqueError:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return translate_sqlite(cause, SqliteOptions.parse(url).path)
    import psycopg

    from toque.store.postgresql.errors import translate

    assert isinstance(cause, psycopg.Error), cause
    return translate(cause, "the database")

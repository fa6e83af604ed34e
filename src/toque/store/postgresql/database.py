"""A PostgreSQL database: one thread that writes, two that read (for the engine, for pages), one that listens,
each with its connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeVar

import psycopg

from toque.store.postgresql.connections import CHANNEL, Connections, Gone, Role
from toque.store.postgresql.session import PostgresqlSession
from toque.store.sql.revision import check_revision
from toque.store.sql.session import Session
from toque.store.sql.text import create_schema
from toque.store.sql.threads import ConnectionThread

T = TypeVar("T")

_SCHEMA_LOCK = "SELECT pg_advisory_xact_lock(hashtext('toque schema'))"


class PostgresqlDatabase:
    """See `Database`."""

    def __init__(self, url: str) -> None:
        self._connections = Connections(url)
        self._threads: dict[Role, ConnectionThread] = {
            "write": ConnectionThread("toque-store-write", lambda: self._connections.drop("write")),
            "read": ConnectionThread("toque-store-read", lambda: self._connections.drop("read")),
            "browse": ConnectionThread("toque-store-pages", lambda: self._connections.drop("browse")),
            "listen": ConnectionThread("toque-store-listen", lambda: self._connections.drop("listen")),
        }
        self._heard_s = 0.0

    async def open(self) -> None:
        """Create the schema or check it."""
        await self._threads["write"].run(self._open)

    async def close(self) -> None:
        """Close all connections."""
        for role, thread in self._threads.items():
            await thread.close()
            # Made by `open`, in the thread of the writer, and never used by its own.
            self._connections.drop(role)

    async def write(self, operation: Callable[[Session], T], *, tell: bool = False) -> T:
        """See `Database.write`."""
        return await self._threads["write"].run(
            lambda: self._connections.retrying(lambda: self._transaction(operation, tell))
        )

    async def read(self, operation: Callable[[Session], T]) -> T:
        """See `Database.read`."""
        return await self._threads["read"].run(lambda: self._connections.retrying(lambda: self._snapshot(operation)))

    async def browse(self, operation: Callable[[Session], T]) -> T:
        """See `Database.browse`."""
        return await self._threads["browse"].run(
            lambda: self._connections.retrying(lambda: self._snapshot(operation, "browse"))
        )

    async def heard(self, poll_s: float) -> bool:
        """Whether another session said that something changed, or nobody asked for `poll_s` seconds."""
        return await self._threads["listen"].run(lambda: self._connections.retrying(lambda: self._listen(poll_s)))

    # In the threads.

    def _open(self) -> None:
        def ensure(session: Session) -> str | None:
            session.run(_SCHEMA_LOCK)
            revision = _revision(session)
            if revision is None:
                for statement in create_schema("postgresql"):
                    session.run(statement)
                revision = _revision(session)
            return revision

        revision = self._connections.retrying(lambda: self._snapshot(_revision))
        if revision is None:
            revision = self._connections.retrying(lambda: self._transaction(ensure, tell=False))
        check_revision(revision, f"the store {self._connections.place}")

    def _transaction(self, operation: Callable[[Session], T], tell: bool) -> T:
        connection = self._connections.get("write")
        committing = ""
        try:
            with connection.pipeline():
                session = PostgresqlSession(connection)
                transaction = connection.execute(b"SELECT pg_current_xact_id()::text")
                result = operation(session)
                if tell:
                    session.run(f"NOTIFY {CHANNEL}")
                [committing] = transaction.fetchone() or [""]
                connection.commit()
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                if self._connections.lose_writer(committing):
                    return result
                raise Gone(error) from error
            else:
                connection.rollback()
            raise
        except BaseException:
            connection.rollback()
            raise
        return result

    def _snapshot(self, operation: Callable[[Session], T], role: Literal["read", "browse"] = "read") -> T:
        connection = self._connections.get(role)
        try:
            with connection.pipeline():
                result = operation(PostgresqlSession(connection))
            connection.rollback()
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                self._connections.drop(role)
                raise Gone(error) from error
            else:
                connection.rollback()
            raise
        except BaseException:
            connection.rollback()
            raise
        return result

    def _listen(self, poll_s: float) -> bool:
        own = self._connections.pid("write")
        try:
            connection = self._connections.get("listen")
            # A round trip: what others have committed before it is told by the time of its answer.
            connection.execute(b"SELECT 1")
            notices = [*connection.notifies(timeout=0)]
            told = any(notice.pid != own for notice in notices)
        except psycopg.OperationalError:
            # What was said in the meantime is unknown.
            self._connections.drop("listen")
            self._connections.get("listen")
            told = True
        now_s = time.monotonic()
        if told or now_s - self._heard_s >= poll_s:
            self._heard_s = now_s
            return True
        return False


def _revision(session: Session) -> str | None:
    """The schema revision; None if the database has no table of Toque."""
    [(stamped, foreign)] = session.rows(
        "SELECT to_regclass('alembic_version') IS NOT NULL, to_regclass('runs') IS NOT NULL"
    )
    if not stamped:
        return "" if foreign else None
    found = session.rows("SELECT version_num FROM alembic_version")
    return str(found[0][0]) if found else ""

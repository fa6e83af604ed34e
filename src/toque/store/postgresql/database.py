"""A PostgreSQL database: one connection that writes, one that reads, each in a thread of its own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from toque.errors import UserError
from toque.store.postgresql.errors import CONFLICTS, translate
from toque.store.postgresql.session import PostgresqlSession
from toque.store.sql.revision import check_revision
from toque.store.sql.session import Session
from toque.store.sql.text import create_schema
from toque.store.sql.threads import ConnectionThread

T = TypeVar("T")

CHANNEL = "toque"
"""NOTIFY on it means: look again."""
TRIES = 4
"""How often a transaction begins anew after a conflict, or on a connection that turned out to be dead."""
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""A peer that vanished without a word is noticed within half a minute, not after the two hours of TCP."""
REST_TIMEOUT_S = 10
_TERMINATE = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = %s"
_SCHEMA_LOCK = "SELECT pg_advisory_xact_lock(hashtext('toque schema'))"


class PostgresqlDatabase:
    """See `Database`. Connections are made when they are needed, and anew after they were lost."""

    def __init__(self, url: str) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # The text of the error repeats parts of the URL, perhaps of the password.
            raise UserError("not a PostgreSQL URL", fix="use postgresql://user:password@host:5432/database") from None
        self._url = url
        self.place = f"{given.get('dbname', '')} on {given.get('host', 'localhost')}"
        self._connections: dict[str, psycopg.Connection] = {}
        self._threads = {role: self._thread(role) for role in ("write", "read", "listen")}
        self._lost: LostSession | None = None
        """Nothing is read or written before it is laid to rest."""
        self._heard_s = 0.0

    def _thread(self, role: str) -> ConnectionThread:
        return ConnectionThread(f"toque-store-{role}", lambda: self._drop(role))

    async def open(self) -> None:
        """Create the schema or check it."""
        await self._threads["write"].run(self._open)

    async def close(self) -> None:
        """Close all connections."""
        for role, thread in self._threads.items():
            await thread.close()
            # Made by `open`, in the thread of the writer, and never used by its own.
            self._drop(role)

    async def write(self, operation: Callable[[Session], T], *, tell: bool = False) -> T:
        """See `Database.write`."""
        return await self._threads["write"].run(lambda: self._retrying(lambda: self._transaction(operation, tell)))

    async def read(self, operation: Callable[[Session], T]) -> T:
        """See `Database.read`."""
        return await self._threads["read"].run(lambda: self._retrying(lambda: self._snapshot(operation)))

    async def heard(self, poll_s: float) -> bool:
        """Whether another session said that something changed, or nobody asked for `poll_s` seconds."""
        return await self._threads["listen"].run(lambda: self._retrying(lambda: self._listen(poll_s)))

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

        revision = self._retrying(lambda: self._snapshot(_revision))
        if revision is None:
            revision = self._retrying(lambda: self._transaction(ensure, tell=False))
        check_revision(revision, f"the store {self.place}")

    def _connection(self, role: str) -> psycopg.Connection:
        connection = self._connections.get(role)
        if connection is None:
            # A name of its own, by which a session can be found that went on without its client.
            connection = self._connect(application_name=f"toque {role} {uuid.uuid4().hex[:12]}")
            if role == "read":
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
            elif role == "listen":
                connection.autocommit = True
                connection.execute(f"LISTEN {CHANNEL}".encode())
            self._connections[role] = connection
        return connection

    def _connect(self, **options: Any) -> psycopg.Connection:
        return psycopg.connect(self._url, **{**_PATIENCE, **conninfo_to_dict(self._url), **options})

    def _drop(self, role: str) -> None:
        connection = self._connections.pop(role, None)
        if connection is not None:
            connection.close()

    def _retrying(self, action: Callable[[], T]) -> T:
        """Repeat after conflicts and on dead connections: nothing of the failed try happened."""
        for left in reversed(range(TRIES)):
            try:
                self._lay_to_rest()
                return action()
            except (_Gone, *CONFLICTS) as error:
                cause = error.error if isinstance(error, _Gone) else error
                if not left:
                    raise translate(cause, self.place) from cause
            except psycopg.Error as error:
                raise translate(error, self.place) from error
        raise AssertionError("unreachable")

    def _transaction(self, operation: Callable[[Session], T], tell: bool) -> T:
        connection = self._connection("write")
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
                self._lost = LostSession(connection.info.get_parameters()["application_name"], committing)
                self._drop("write")
                if self._lay_to_rest():
                    return result
                raise _Gone(error) from error
            else:
                connection.rollback()
            raise
        except BaseException:
            connection.rollback()
            raise
        return result

    def _lay_to_rest(self) -> bool:
        """End what a lost writer left on the server: its locks would block its successor for hours if the network
        broke rather than the server. Says whether its last transaction was committed after all. Raises
        `psycopg.OperationalError` while the server cannot be reached."""
        lost = self._lost
        if lost is None:
            return False
        give_up_s = time.monotonic() + REST_TIMEOUT_S
        with self._connect(autocommit=True) as connection:
            while time.monotonic() < give_up_s:
                living = connection.execute(_TERMINATE, (lost.application_name,)).fetchall()
                if not living:
                    self._lost = None
                    return bool(lost.transaction) and _was_committed(connection, lost.transaction)
        raise psycopg.OperationalError(f"the lost session {lost.application_name} goes on")

    def _snapshot(self, operation: Callable[[Session], T]) -> T:
        connection = self._connection("read")
        try:
            with connection.pipeline():
                result = operation(PostgresqlSession(connection))
            connection.rollback()
        except psycopg.Error as error:
            if connection.closed or connection.broken:
                self._drop("read")
                raise _Gone(error) from error
            else:
                connection.rollback()
            raise
        except BaseException:
            connection.rollback()
            raise
        return result

    def _listen(self, poll_s: float) -> bool:
        writer = self._connections.get("write")
        own = writer.info.backend_pid if writer is not None and not writer.closed else 0
        try:
            connection = self._connection("listen")
            # A round trip: what others have committed before it is told by the time of its answer.
            connection.execute(b"SELECT 1")
            notices = [*connection.notifies(timeout=0)]
            told = any(notice.pid != own for notice in notices)
        except psycopg.OperationalError:
            # What was said in the meantime is unknown.
            self._drop("listen")
            self._connection("listen")
            told = True
        now_s = time.monotonic()
        if told or now_s - self._heard_s >= poll_s:
            self._heard_s = now_s
            return True
        return False


@dataclass(frozen=True)
class LostSession:
    """A session whose connection broke in the middle of a transaction."""

    application_name: str
    transaction: str
    """Not empty: its COMMIT was sent, and got no answer."""


def _was_committed(connection: psycopg.Connection, transaction: str) -> bool:
    found = connection.execute("SELECT pg_xact_status(%s::xid8)", (transaction,)).fetchone()
    return found is not None and found[0] == "committed"


class _Gone(Exception):
    """The connection was dead before the transaction could be committed."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.error = error


def _revision(session: Session) -> str | None:
    """The schema revision; None if the database has no table of Toque."""
    [(stamped, foreign)] = session.rows(
        "SELECT to_regclass('alembic_version') IS NOT NULL, to_regclass('runs') IS NOT NULL"
    )
    if not stamped:
        return "" if foreign else None
    found = session.rows("SELECT version_num FROM alembic_version")
    return str(found[0][0]) if found else ""

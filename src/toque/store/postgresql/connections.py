"""Connections to PostgreSQL: made when they are needed, and anew after they were lost.

The difficult moment is a COMMIT without an answer. Its transaction is looked up before anything else is read or
written, so that what the caller is told is what happened.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from toque.errors import UserError
from toque.store.postgresql.errors import CONFLICTS, translate

T = TypeVar("T")
Role = Literal["write", "read", "browse", "listen"]

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


@dataclass(frozen=True)
class LostSession:
    """A session whose connection broke in the middle of a transaction."""

    application_name: str
    transaction: str
    """Not empty: its COMMIT was sent, and got no answer."""


class Gone(Exception):
    """The connection was dead before the transaction could be committed."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.error = error


class Connections:
    """One connection for each role, and what became of a writer that was lost."""

    def __init__(self, url: str) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # The text of the error repeats parts of the URL, perhaps of the password.
            raise UserError("not a PostgreSQL URL", fix="use postgresql://user:password@host:5432/database") from None
        self.place = f"{given.get('dbname', '')} on {given.get('host', 'localhost')}"
        """For messages."""
        self._url = url
        self._open: dict[Role, psycopg.Connection] = {}
        self._lost: LostSession | None = None
        """Nothing is read or written before it is laid to rest."""

    def get(self, role: Role) -> psycopg.Connection:
        """The connection of a role."""
        connection = self._open.get(role)
        if connection is None:
            # A name of its own, by which a session can be found that went on without its client.
            connection = self._connect(application_name=f"toque {role} {uuid.uuid4().hex[:12]}")
            if role in ("read", "browse"):
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
            elif role == "listen":
                connection.autocommit = True
                connection.execute(f"LISTEN {CHANNEL}".encode())
            self._open[role] = connection
        return connection

    def _connect(self, **options: Any) -> psycopg.Connection:
        return psycopg.connect(self._url, **{**_PATIENCE, **conninfo_to_dict(self._url), **options})

    def drop(self, role: Role) -> None:
        """Close it; the next `get` makes another one."""
        connection = self._open.pop(role, None)
        if connection is not None:
            connection.close()

    def pid(self, role: Role) -> int:
        """Of the session on the server; 0 without one."""
        connection = self._open.get(role)
        return connection.info.backend_pid if connection is not None and not connection.closed else 0

    def lose_writer(self, transaction: str) -> bool:
        """The writer broke; `transaction` is not empty if its COMMIT was sent. Says whether that was carried out."""
        connection = self._open["write"]
        self._lost = LostSession(connection.info.get_parameters()["application_name"], transaction)
        self.drop("write")
        return self._lay_to_rest()

    def retrying(self, action: Callable[[], T]) -> T:
        """Repeat after conflicts and on dead connections: nothing of the failed try happened."""
        for left in reversed(range(TRIES)):
            try:
                self._lay_to_rest()
                return action()
            except (Gone, *CONFLICTS) as error:
                cause = error.error if isinstance(error, Gone) else error
                if not left:
                    raise translate(cause, self.place) from cause
            except psycopg.Error as error:
                raise translate(error, self.place) from error
        raise AssertionError("unreachable")

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


def _was_committed(connection: psycopg.Connection, transaction: str) -> bool:
    """Not prevented: after a crash of the server the number of a transaction that was lost with it is given anew, and
    may have been committed by somebody else before this question reaches the server."""
    try:
        found = connection.execute("SELECT pg_xact_status(%s::xid8)", (transaction,)).fetchone()
    except psycopg.errors.InvalidParameterValue:
        return False  # "is in the future": the server crashed before anything of it was on disk
    return found is not None and found[0] == "committed"

"""What PostgreSQL's errors mean to a person: what happened, to which database, and what to do next."""

from __future__ import annotations

import psycopg
from psycopg import errors

from toque.errors import ToqueBug, ToqueError
from toque.ports.store import StoreUnavailable

_CAUSES: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.DiskFull, "its disk is full. Free some space; nothing was lost and writing goes on by itself"),
    (errors.ReadOnlySqlTransaction, "it is read-only. Is the URL that of a replica?"),
    (errors.InsufficientPrivilege, "this user may not do that. Grant CREATE on the schema and ownership of the tables"),
    (errors.LockNotAvailable, "another session keeps it locked. Look for it in pg_stat_activity"),
    (errors.QueryCanceled, "the server gave up on a statement. Look at its statement_timeout and its load"),
    (errors.DeadlockDetected, "transactions kept getting in each other's way. Try again"),
    (errors.SerializationFailure, "transactions kept getting in each other's way. Try again"),
)

CONFLICTS = (errors.DeadlockDetected, errors.SerializationFailure)
"""The transaction was the victim of another one, and may just be tried again."""


def translate(error: psycopg.Error, place: str) -> ToqueError:
    """The error of Toque that stands for `error`."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    for kind, cause in _CAUSES:
        if isinstance(error, kind):
            return StoreUnavailable(f"the store {place} cannot be used: {cause} ({text})")
    if isinstance(error, psycopg.OperationalError):
        return StoreUnavailable(
            f"the store {place} cannot be reached: {text}. Check that the server runs, and the URL, user and password"
        )
    if isinstance(error, psycopg.InterfaceError):
        return StoreUnavailable(f"the connection to the store {place} was lost: {text}")
    return ToqueBug(f"the store {place} refused a statement ({type(error).__name__}: {text})")

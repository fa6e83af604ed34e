"""Stores: memory, SQLite and PostgreSQL behind the `Store` port, and blobs behind `Blobs`."""

from __future__ import annotations

from toque.errors import UserError
from toque.ports.store import Store


def open_store(url: str) -> Store:
    """The store that `url` names; `await store.open()` connects it.

    `memory:` keeps everything in this process. `sqlite:///toque.db` is relative to the working directory and
    `sqlite:////srv/toque.db` absolute (so `f"sqlite:///{path}"` is right for both); `?synchronous=full` survives
    power cuts without repeating the last instants, `?timeout_s=5` bounds the wait for another process's lock.
    `postgresql://user@host/database` is passed to libpq.

    Adapters are imported here and not above: each costs start-up time that only its users should pay.
    """
    scheme = url.partition(":")[0]
    match scheme:
        case "memory":
            from toque.store.memory import MemoryStore

            return MemoryStore()
        case "sqlite":
            from toque.store.sqlite.store import SqliteStore

            return SqliteStore(url)
        case "postgresql" | "postgres":
            from toque.store.postgresql.store import PostgresqlStore

            return PostgresqlStore(url)
        case _:
            raise UserError(
                f"unknown store {url!r}", fix="use memory:, sqlite:///path/toque.db or postgresql://user@host/database"
            )

"""Replication slots of PostgreSQL: made with a snapshot, watched, moved, and what it means when one is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from toque.errors import UserError


class SlotLost(UserError):
    """The changes since the cursor are gone: only a new snapshot can heal it."""


class SlotLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a slot is behind, and how long it may stay there."""

    slot: str
    behind_bytes: int
    """Log that the server keeps for it. Alert on this: a full disk stops the server."""
    wal_status: str
    """`reserved` and `extended` are well, `unreserved` is about to be lost, `lost` is."""
    safe_bytes: int | None
    """Log that may still be written before the slot is lost; None: no limit is set (`max_slot_wal_keep_size`)."""


def number(lsn: str) -> int:
    """A log position as a number: `16/B374D848` is 0x16B374D848."""
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def text(lsn: int) -> str:
    """A log position as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def lag(connection: psycopg.Connection[Any], slot: str) -> SlotLag | None:
    """None if there is no such slot."""
    row = connection.execute(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), wal_status, safe_wal_size"
        " FROM pg_replication_slots WHERE slot_name = %s AND database = current_database()",
        [slot],
    ).fetchone()
    if row is None:
        return None
    return SlotLag(slot=slot, behind_bytes=int(row[0] or 0), wal_status=row[1] or "lost", safe_bytes=row[2])


def check(connection: psycopg.Connection[Any], slot: str, cursor: int, *, fix: str) -> None:
    """Raise `SlotLost` unless the slot still holds everything since `cursor`."""
    row = connection.execute(
        "SELECT wal_status, confirmed_flush_lsn::text FROM pg_replication_slots"
        " WHERE slot_name = %s AND database = current_database()",
        [slot],
    ).fetchone()
    if row is None:
        why = f"the replication slot {slot!r} is gone: it was dropped, or the server failed over to one without it"
    elif row[0] == "lost" or row[1] is None:
        why = f"the replication slot {slot!r} is lost: it was idle for longer than max_slot_wal_keep_size allows"
    elif number(row[1]) > cursor:
        why = f"the replication slot {slot!r} stands at {row[1]}, beyond {text(cursor)}: it was made anew, or moved"
    else:
        return
    raise SlotLost(f"{why}. The changes since then are gone, and the table must be read as a whole", fix=fix)


def advance(connection: psycopg.Connection[Any], slot: str, lsn: int) -> None:
    """Let the server forget what lies before; a slot that stands beyond stays there."""
    connection.execute(
        "SELECT pg_replication_slot_advance(slot_name, %s::pg_lsn) FROM pg_replication_slots"
        " WHERE slot_name = %s AND database = current_database() AND confirmed_flush_lsn < %s::pg_lsn",
        [text(lsn), slot, text(lsn)],
    )


def drop(connection: psycopg.Connection[Any], slot: str) -> None:
    """Remove the slot if it is there. A slot that nobody reads keeps the server's log for ever."""
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        " WHERE slot_name = %s AND database = current_database()",
        [slot],
    )


def publish(connection: psycopg.Connection[Any], publication: str, table: sql.Composable) -> None:
    """Make the publication of a table, unless there is one of this name."""
    found = connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", [publication]).fetchone()
    if found is None:
        made = sql.SQL("CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true)")
        connection.execute(made.format(sql.Identifier(publication), table))


@contextmanager
def made_with_snapshot(url: str, slot: str) -> Iterator[tuple[int, str]]:
    """A new slot: where it begins, and the name of a snapshot of exactly that moment, valid until the end."""
    with psycopg.connect(url, replication="database", autocommit=True) as connection:
        created = sql.SQL("CREATE_REPLICATION_SLOT {} LOGICAL pgoutput EXPORT_SNAPSHOT")
        row = connection.execute(created.format(sql.Identifier(slot))).fetchone()
        assert row is not None
        yield number(row[1]), row[2]

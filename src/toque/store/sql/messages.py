"""Versions, commands, the outbox, pools and counters: the small tables beside runs."""

from __future__ import annotations

from typing import NamedTuple

from toque.errors import UserError
from toque.ports.store import CommandRow, OutboxRow, VersionRow
from toque.store.sql import schema
from toque.store.sql.codec import RowCodec
from toque.store.sql.commit import OUTBOX
from toque.store.sql.session import Session

VERSION = RowCodec(schema.VERSIONS, VersionRow)
COMMAND = RowCodec(schema.COMMANDS, CommandRow)

_VERSION = ", ".join(VERSION.names)
_COMMAND = ", ".join(COMMAND.names)
_OUTBOX = ", ".join(OUTBOX.names)


def put_version(session: Session, row: VersionRow, make_current: bool) -> None:
    """Store a version; stored again, it keeps its age and takes the rest (a commit may follow the first run)."""
    session.upsert(schema.VERSIONS, VERSION.names, [VERSION.encode(row)])
    if make_current:
        _make_current(session, row.pipeline, row.version, row.actor, row.created_us)


def set_current(session: Session, pipeline: str, version: str, actor: str, now_us: int) -> None:
    """Make an earlier version current."""
    if not session.rows("SELECT 1 FROM versions WHERE version = ? AND pipeline = ?", (version, pipeline)):
        raise UserError(f"pipeline {pipeline!r} has no version {version!r}", fix=f"see `toque versions {pipeline}`")
    _make_current(session, pipeline, version, actor, now_us)


def _make_current(session: Session, pipeline: str, version: str, actor: str, at_us: int) -> None:
    """Not synced: whoever serves the store reads its schedules."""
    table = schema.CURRENT_VERSIONS
    session.upsert(table, table.column_names, [(pipeline, version, actor, at_us, "")])


def get_version(session: Session, version: str) -> VersionRow | None:
    """By id."""
    found = session.rows(f"SELECT {_VERSION} FROM versions WHERE version = ?", (version,))
    return VERSION.decode(found[0]) if found else None


def current_version(session: Session, pipeline: str) -> VersionRow | None:
    """The version that new runs of the pipeline take."""
    found = session.rows(
        f"SELECT {_VERSION} FROM versions WHERE version = (SELECT version FROM current_versions WHERE pipeline = ?)",
        (pipeline,),
    )
    return VERSION.decode(found[0]) if found else None


def list_versions(session: Session, pipeline: str, limit: int) -> list[VersionRow]:
    """Newest first."""
    order = "ORDER BY created_us DESC, version DESC LIMIT ?"
    if pipeline:
        found = session.rows(f"SELECT {_VERSION} FROM versions WHERE pipeline = ? {order}", (pipeline, limit))
    else:
        found = session.rows(f"SELECT {_VERSION} FROM versions {order}", (limit,))
        at = VERSION.names.index("ir")
        found = [(*row[:at], b"", *row[at + 1 :]) for row in found]
    return [*map(VERSION.decode, found)]


def put_command(session: Session, row: CommandRow) -> int:
    """Store a command; answers its id."""
    names = [name for name in COMMAND.names if name != "id"]
    values = [value for name, value in zip(COMMAND.names, COMMAND.encode(row), strict=True) if name != "id"]
    [(command,)] = session.rows(
        f"INSERT INTO commands ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) RETURNING id", values
    )
    return int(command)


def list_commands(session: Session, instance: str) -> list[CommandRow]:
    """Open commands for runs of `instance`, oldest first."""
    found = session.rows(
        f"SELECT {', '.join('commands.' + name for name in COMMAND.names)} FROM commands"
        " JOIN runs ON runs.run_id = commands.run_id WHERE runs.owner = ? ORDER BY commands.id",
        (instance,),
    )
    return [*map(COMMAND.decode, found)]


def list_outbox(session: Session, due_us: int, limit: int) -> list[OutboxRow]:
    """Messages due by `due_us`, in the order of their due times."""
    found = session.rows(
        f"SELECT {_OUTBOX} FROM outbox WHERE due_us <= ? ORDER BY due_us, dedup LIMIT ?", (due_us, limit)
    )
    return [*map(OUTBOX.decode, found)]


def pool_usage(session: Session) -> dict[str, int]:
    """Slots held by all instances."""
    return dict(session.rows("SELECT pool, CAST(sum(slots) AS BIGINT) FROM holds GROUP BY pool ORDER BY pool"))


def counters(session: Session) -> dict[str, int]:
    """Named totals."""
    found = session.rows("SELECT name, value FROM counters ORDER BY name")
    return {name: value for name, value in found if name not in schema.OWN}


class Instance(NamedTuple):
    """A process on the store: the columns of `instances` but for its lease."""

    instance: str
    boot: int
    pid: int
    host: str
    role: str
    since_us: int


def draw_boot(session: Session) -> int:
    """The next boot number."""
    [(boot,)] = session.rows(
        "INSERT INTO counters (name, value) VALUES (?, 1)"
        " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
        (schema.BOOT,),
    )
    return int(boot)


def register(session: Session, instance: Instance) -> None:
    """Record a process, with no lease."""
    table = schema.INSTANCES
    session.upsert(table, table.column_names, [(*instance, 0)])


def unregister(session: Session, instance: str) -> None:
    """Forget an instance: from now on it counts as dead."""
    session.run("DELETE FROM instances WHERE instance = ?", (instance,))

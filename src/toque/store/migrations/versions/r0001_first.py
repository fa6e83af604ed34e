"""The first schema."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_RUN_STATES = ("queued", "running", "suspended", "succeeded", "failed", "cancelled")
_TASK_STATES = (
    "waiting",
    "ready",
    "dispatched",
    "running",
    "deferred",
    "retrying",
    "succeeded",
    "failed",
    "skipped",
    "upstream_failed",
    "cancelled",
)
_OUTCOMES = ("succeeded", "failed", "timed_out", "skipped", "cancelled", "lost")


def _text(name: str, **options: Any) -> sa.Column[str]:
    kind = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False, **options)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _bool(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _allowed(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{table}_{column}")


def _index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Make every table."""
    _runs()
    _parts_of_runs()
    _versions()
    _messages()


def _runs() -> None:
    op.create_table(
        "runs",
        _text("run_id"),
        _text("pipeline"),
        _text("version"),
        _text("state"),
        *map(_int, ("created_us", "started_us", "finished_us", "logical_us")),
        *map(_text, ("partition_key", "backfill_id", "origin_run")),
        _int("priority"),
        _text("owner"),
        _int("fact_seq"),
        _text("dedup", server_default=sa.text("''")),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("run_id"),
        _allowed("runs", "state", _RUN_STATES),
    )
    _index("runs_by_pipeline", "runs", ["pipeline", "run_id"])
    _index("runs_by_pipeline_state", "runs", ["pipeline", "state", "run_id"])
    _index("runs_by_state", "runs", ["state", "run_id"])
    _index("runs_unfinished", "runs", ["owner", "run_id"], "state IN ('queued', 'running', 'suspended')")
    _index("runs_ended", "runs", ["finished_us", "run_id"], "finished_us > 0")
    _index("runs_by_dedup", "runs", ["dedup"], "dedup <> ''", unique=True)
    _index("runs_by_origin", "runs", ["origin_run"], "origin_run <> ''")


def _parts_of_runs() -> None:
    op.create_table(
        "tasks",
        _text("run_id"),
        _text("task"),
        _bytes("map_index"),
        _text("state"),
        *map(_int, ("attempt", "ready_us", "dispatched_us", "started_us", "finished_us", "due_us")),
        *map(_text, ("worker", "partition_key")),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("run_id", "task", "map_index"),
        _allowed("tasks", "state", _TASK_STATES),
        sqlite_with_rowid=False,
    )
    troubled = "state IN ('cancelled', 'failed', 'upstream_failed')"
    _index("tasks_troubled", "tasks", ["run_id", "task", "map_index"], troubled)
    op.create_table(
        "attempts",
        _text("run_id"),
        _text("task"),
        _bytes("map_index"),
        _int("attempt"),
        _text("outcome"),
        *map(_int, ("started_us", "finished_us")),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("run_id", "task", "map_index", "attempt"),
        _allowed("attempts", "outcome", _OUTCOMES),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "steps",
        *map(_text, ("run_id", "task", "body")),
        _bytes("node"),
        sa.PrimaryKeyConstraint("run_id", "task"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "facts",
        _text("run_id"),
        *map(_int, ("first_seq", "size", "at_us")),
        _bool("compressed"),
        _bytes("data"),
        sa.PrimaryKeyConstraint("run_id", "first_seq"),
        sqlite_with_rowid=False,
    )


def _versions() -> None:
    op.create_table(
        "versions",
        *map(_text, ("version", "pipeline", "ir_hash", "bundle")),
        _int("created_us"),
        _bytes("ir"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("version"),
    )
    _index("versions_by_pipeline", "versions", ["pipeline", "created_us", "version"])
    _index("versions_by_age", "versions", ["created_us", "version"])
    op.create_table(
        "current_versions",
        *map(_text, ("pipeline", "version", "actor")),
        _int("at_us"),
        sa.PrimaryKeyConstraint("pipeline"),
        sqlite_with_rowid=False,
    )


def _messages() -> None:
    op.create_table(
        "holds",
        *map(_text, ("pool", "holder")),
        _int("slots"),
        _text("instance"),
        sa.PrimaryKeyConstraint("pool", "holder"),
        sqlite_with_rowid=False,
    )
    _index("holds_by_instance", "holds", ["instance"])
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "commands",
        sa.Column("id", serial, sa.Identity(always=True), primary_key=True),
        *map(_text, ("run_id", "kind")),
        _int("at_us"),
        _bytes("rest"),
        sqlite_autoincrement=True,
    )
    _index("commands_by_run", "commands", ["run_id"])
    op.create_table(
        "outbox",
        *map(_text, ("dedup", "kind")),
        *map(_int, ("due_us", "tries")),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("dedup"),
    )
    _index("outbox_due", "outbox", ["due_us", "dedup"])
    op.create_table(
        "instances",
        _text("instance"),
        *map(_int, ("boot", "pid")),
        *map(_text, ("host", "role")),
        *map(_int, ("since_us", "lease_until_us")),
        sa.PrimaryKeyConstraint("instance"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counters",
        _text("name"),
        _int("value"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )

"""Schedules, ticks and backfills, and what pages read of a long history."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from toque.store.migrations.r0002_history import fill

revision = "0002"
down_revision = "0001"


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
    """Add tables, columns and indexes; nothing that is there changes."""
    _triggers()
    _current_versions()
    _history()


def _triggers() -> None:
    op.create_table(
        "schedules",
        *map(_text, ("id", "pipeline", "version")),
        *map(_int, ("cursor_us", "next_at_us", "next_due_us")),
        *map(_bool, ("paused", "retired")),
        _int("revision"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("schedules_by_pipeline", "schedules", ["pipeline", "id"])
    _index("schedules_by_revision", "schedules", ["revision"])
    _index("schedules_due", "schedules", ["next_due_us", "id"], "next_due_us > 0")
    op.create_table(
        "ticks",
        _text("schedule"),
        _int("at_us"),
        _text("outcome"),
        _int("recorded_us"),
        _text("run_id"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("schedule", "at_us"),
        _allowed("ticks", "outcome", ("started", "skipped", "coalesced")),
        sqlite_with_rowid=False,
    )
    _index("ticks_not_started", "ticks", ["recorded_us", "schedule", "at_us"], "outcome <> 'started'")
    op.create_table(
        "backfills",
        *map(_text, ("id", "pipeline", "state")),
        _int("revision"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("id"),
        _allowed("backfills", "state", ("running", "succeeded", "failed", "cancelled")),
    )
    _index("backfills_by_pipeline", "backfills", ["pipeline", "id"])
    _index("backfills_running", "backfills", ["id"], "state = 'running'")
    _index("runs_by_backfill", "runs", ["backfill_id", "state", "run_id"], "backfill_id <> ''")


def _current_versions() -> None:
    """Every version counts as not synced yet: the next server reads the schedules of all."""
    op.add_column("current_versions", _text("synced", server_default=sa.text("''")))
    _index("current_versions_unsynced", "current_versions", ["pipeline"], "synced <> version")


def _history() -> None:
    """Columns, indexes and sums for pages of history."""
    op.add_column("runs", _text("trigger", server_default=sa.text("'manual'")))
    op.create_table(
        "run_summaries",
        _text("run_id"),
        _int("tasks"),
        _bytes("data"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "run_counts",
        _text("pipeline"),
        _int("at_us"),
        _text("state"),
        *map(_int, ("runs", "tasks")),
        sa.PrimaryKeyConstraint("pipeline", "at_us", "state"),
        _allowed("run_counts", "state", ("queued", "running", "suspended", "succeeded", "failed", "cancelled")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run_words", *map(_text, ("word", "run_id")), sa.PrimaryKeyConstraint("word", "run_id"), sqlite_with_rowid=False
    )
    fill(op.get_bind())
    _index("run_words_by_run", "run_words", ["run_id"])
    _index("runs_by_trigger", "runs", ["trigger", "state", "run_id"])
    _index("runs_by_pipeline_trigger", "runs", ["pipeline", "trigger", "state", "run_id"])
    _index("runs_active", "runs", ["pipeline", "state"], "state IN ('queued', 'running', 'suspended')")
    _index("runs_long", "runs", ["finished_us", "run_id"], "started_us > 0 AND finished_us - started_us > 86400000000")

"""Slices of backfills of assets, partitions that come to be by being added, rare events found by their kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    """Add two tables and an index; nothing that is there changes."""
    op.create_table(
        "backfill_slices",
        _text("backfill"),
        _int("n"),
        _text("state"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("backfill", "n"),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'succeeded', 'failed', 'skipped', 'fresh', 'cancelled')",
            name="backfill_slices_state",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("backfill_slices_by_state", "backfill_slices", ["backfill", "state", "n"])
    op.create_index("asset_events_by_kind", "asset_events", ["asset", "kind", "at_us", "run_id"])
    op.create_table(
        "dynamic_keys",
        *map(_text, ("name", "key")),
        _int("added_us"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("name", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("dynamic_keys_in_order", "dynamic_keys", ["name", "added_us", "key"])

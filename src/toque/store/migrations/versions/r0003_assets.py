"""What is known of data: the log of what attempts told, and how each slice of an asset stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    """Add two tables; nothing that is there changes."""
    op.create_table(
        "asset_events",
        *map(_text, ("run_id", "task")),
        _bytes("map_index"),
        *map(_int, ("attempt", "n")),
        *map(_text, ("asset", "partition", "kind")),
        _int("at_us"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("run_id", "task", "map_index", "attempt", "n"),
        sqlite_with_rowid=False,
    )
    op.create_index("asset_events_by_asset", "asset_events", ["asset", "at_us", "run_id"])
    op.create_index("asset_events_by_slice", "asset_events", ["asset", "partition", "at_us", "run_id"])
    op.create_table(
        "asset_slices",
        *map(_text, ("asset", "partition")),
        _int("materialized_us"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("asset", "partition"),
        sqlite_with_rowid=False,
    )
    op.create_index("asset_slices_by_time", "asset_slices", ["asset", "materialized_us", "partition"])

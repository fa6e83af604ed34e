"""Slices with a check that does not hold, in a table that stays small."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False)


def upgrade() -> None:
    """Add a table; a slice that fails already enters it when something is told of it next."""
    op.create_table(
        "failing_slices",
        *map(_text, ("asset", "partition")),
        sa.PrimaryKeyConstraint("asset", "partition"),
        sqlite_with_rowid=False,
    )

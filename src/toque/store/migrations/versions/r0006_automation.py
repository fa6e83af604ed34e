"""How far the automation of each asset has been decided, and what was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False)


def _int(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    """Add two tables; an automation begins when a server first sees it."""
    op.create_table("automations", _text("asset"), _int("revision"), _bytes("rest"), sa.PrimaryKeyConstraint("asset"))
    op.create_table(
        "decisions",
        _text("asset"),
        _int("n"),
        _bytes("rest"),
        sa.PrimaryKeyConstraint("asset", "n"),
        sqlite_with_rowid=False,
    )

"""Automation in a database: rows by compare and set, the decisions with them, and the plan that follows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toque.ports.automations import KEPT, AutomationChange, AutomationRow, DecisionRow
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.store.sql import backfills
from toque.store.sql.asset_tables import AUTOMATIONS, DECISIONS
from toque.store.sql.codec import RowCodec
from toque.store.sql.session import Database, Session

AUTOMATION = RowCodec(AUTOMATIONS, AutomationRow)
DECISION = RowCodec(DECISIONS, DecisionRow)
_AUTOMATION = ", ".join(AUTOMATION.names)
_DECISION = ", ".join(DECISION.names)

Plan = tuple[BackfillRow, Sequence[BackfillSlice]]


class SqlAutomations:
    """See `toque.ports.automations.Automations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, assets: Sequence[str]) -> dict[str, AutomationRow]:
        """See `Automations.rows`."""
        return await self._database.read(lambda session: rows(session, assets))

    async def record(self, changes: Sequence[AutomationChange], plan: Plan | None = None) -> bool:
        """See `Automations.record`."""
        return await self._database.write(lambda session: record(session, changes, plan), tell=plan is not None)

    async def decisions(self, asset: str, *, before: int = 0, limit: int = 50) -> list[DecisionRow]:
        """See `Automations.decisions`."""
        return await self._database.browse(lambda session: decisions(session, asset, before, limit))


def rows(session: Session, assets: Sequence[str]) -> dict[str, AutomationRow]:
    """By asset."""
    found = session.rows(
        f"SELECT {_AUTOMATION} FROM automations WHERE {session.among('asset')}", (session.listed(assets),)
    )
    return {row.asset: row for row in map(AUTOMATION.decode, found)}


def record(session: Session, changes: Sequence[AutomationChange], plan: Plan | None) -> bool:
    """See `Automations.record`. In one order everywhere, so that two transactions never wait for each other."""
    ordered = sorted(changes, key=lambda change: change.row.asset)
    if any(not change.row.revision for change in ordered):
        session.lock_pools(("$automations",))  # a row that does not exist yet cannot be locked
    for change in ordered:
        found = session.rows(
            f"SELECT revision FROM automations WHERE asset = ?{session.lock_rows}", (change.row.asset,)
        )
        if (found[0][0] if found else 0) != change.row.revision:
            return False
    after = [msgspec.structs.replace(change.row, revision=change.row.revision + 1) for change in ordered]
    session.upsert(AUTOMATIONS, AUTOMATION.names, map(AUTOMATION.encode, after))
    told = [change.decision for change in ordered if change.decision is not None]
    session.upsert(DECISIONS, DECISION.names, map(DECISION.encode, told))
    for decision in told:
        session.run("DELETE FROM decisions WHERE asset = ? AND n <= ?", (decision.asset, decision.n - KEPT))
    if plan is not None:
        backfills.create(session, *plan)
    return True


def decisions(session: Session, asset: str, before: int, limit: int) -> list[DecisionRow]:
    """Newest first."""
    if before:
        found = session.rows(
            f"SELECT {_DECISION} FROM decisions WHERE asset = ? AND n < ? ORDER BY n DESC LIMIT ?",
            (asset, before, limit),
        )
    else:
        found = session.rows(
            f"SELECT {_DECISION} FROM decisions WHERE asset = ? ORDER BY n DESC LIMIT ?", (asset, limit)
        )
    return [*map(DECISION.decode, found)]

"""Automation in memory: the model that the databases are held against."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toque.ports.automations import KEPT, AutomationChange, AutomationRow, DecisionRow
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.store.memory.backfills import MemoryBackfills
from toque.store.memory.tables import Rows


class MemoryAutomations:
    """See `toque.ports.automations.Automations`."""

    def __init__(self, backfills: MemoryBackfills) -> None:
        self._backfills = backfills
        self._rows = Rows(AutomationRow)
        self._decisions = Rows(DecisionRow)

    async def rows(self, assets: Sequence[str]) -> dict[str, AutomationRow]:
        """See `Automations.rows`."""
        return {row.asset: row for row in self._rows.all() if row.asset in assets}

    async def record(
        self,
        changes: Sequence[AutomationChange],
        plan: tuple[BackfillRow, Sequence[BackfillSlice]] | None = None,
    ) -> bool:
        """See `Automations.record`."""
        for change in changes:
            known = self._rows.get(change.row.asset)
            if (known.revision if known is not None else 0) != change.row.revision:
                return False
        for change in changes:
            asset = change.row.asset
            self._rows.put(asset, msgspec.structs.replace(change.row, revision=change.row.revision + 1))
            if change.decision is not None:
                self._decisions.put((asset, change.decision.n), change.decision)
                for key in [key for key in self._decisions.data if key[0] == asset]:
                    if key[1] <= change.decision.n - KEPT:
                        del self._decisions.data[key]
        if plan is not None:
            await self._backfills.create(*plan)
        return True

    async def decisions(self, asset: str, *, before: int = 0, limit: int = 50) -> list[DecisionRow]:
        """See `Automations.decisions`."""
        found = [row for row in self._decisions.all()[::-1] if row.asset == asset and (not before or row.n < before)]
        return found[:limit]

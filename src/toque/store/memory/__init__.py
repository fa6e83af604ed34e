"""The store for tests and for runs that nobody needs to keep: everything in this process, gone with it.

It is also the reference that the differential test holds the others against: where it is slow, it is plain.
"""

from __future__ import annotations

from functools import cached_property

from toque.ports.history import History
from toque.store.memory.assets import MemoryAssets
from toque.store.memory.automations import MemoryAutomations
from toque.store.memory.backfills import MemoryBackfills
from toque.store.memory.commits import Commits
from toque.store.memory.messages import Messages
from toque.store.memory.reads import Reads
from toque.store.memory.triggers import MemoryTriggers


class MemoryStore(Commits, Reads, Messages):
    """See `Store`. One process; its instances are alive while it is."""

    kind = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.assets = MemoryAssets(self)
        self.backfills = MemoryBackfills(self)
        self.automations = MemoryAutomations(self.backfills)
        self.triggers = MemoryTriggers(self, self.backfills)

    @cached_property
    def history(self) -> History:
        """See `Store.history`. Imported here and not above: who only runs a pipeline has no pages."""
        from toque.store.memory.history import MemoryHistory

        return MemoryHistory(self)

    async def open(self) -> None:
        """See `Store.open`."""

    async def close(self) -> None:
        """See `Store.close`. What was stored stays readable, so that a test may open it again."""
        self._instances.clear()

    async def new_boot(self, instance: str, *, pid: int, host: str, role: str, now_us: int) -> int:
        """See `Store.new_boot`."""
        self._instances.add(instance)
        self._boot += 1
        return self._boot

    async def renew(self, instance: str, now_us: int, lease_s: float) -> None:
        """See `Store.renew`."""
        self._instances.add(instance)

    async def dead_instances(self) -> list[str]:
        """See `Store.dead_instances`."""
        owners = {run.owner for run in self._runs.all() if not run.state.is_terminal}
        owners |= {instance for _, instance in self._holds.values()}
        return sorted(owners - self._instances - {""})

    def lose(self, instance: str) -> None:
        """Play the death of the process of `instance` (simulator)."""
        self._instances.discard(instance)

    async def changed(self) -> bool:
        """See `Store.changed`."""
        wrote, self._wrote = self._wrote, False
        return wrote

"""The store itself."""

from __future__ import annotations

from collections import Counter

from toque.engine.states import RUN_TERMINAL
from toque.ports.pages import Holder, Server, StoreInfo, Totals
from toque.store.history.holding import Held, parse
from toque.store.memory.history.runs import OnTables


class SystemPages(OnTables):
    """See `SystemHistory`."""

    async def holders(self, limit: int = 500) -> list[Holder]:
        """See `SystemHistory.holders`."""
        found = sorted(self._tables._holds.items())[:limit]
        return [
            Holder(
                pool=pool,
                run_id=held.run_id,
                task=held.task,
                map_index=held.map_index,
                slots=slots,
                since_us=self._since(held),
                instance=instance,
            )
            for (pool, holder), (slots, instance) in found
            for held in (parse(holder),)
        ]

    def _since(self, held: Held) -> int:
        if not held.task:
            run = self._tables._runs.get(held.run_id)
            return run.started_us if run else 0
        parts = self._tables._parts.get(held.run_id)
        row = parts.tasks.get((held.task, held.map_index)) if parts else None
        return row.dispatched_us if row else 0

    async def servers(self) -> list[Server]:
        """See `SystemHistory.servers`."""
        return []

    async def info(self) -> StoreInfo:
        """See `SystemHistory.info`."""
        return StoreInfo(kind="memory", revision="", size_bytes=0, latency_us=0)

    async def totals(self) -> Totals:
        """See `SystemHistory.totals`."""
        runs = self._tables._runs.all()
        names = {run.pipeline for run in runs} | set(self._tables._current)
        ended = [(run, len(self._tables._parts[run.run_id].tasks.data)) for run in runs if run.state in RUN_TERMINAL]
        ended += [(run, tasks) for run, tasks in self._tables._pruned if run.pipeline in names]
        return Totals(
            active_runs=dict(Counter(run.state for run in runs if run.state not in RUN_TERMINAL)),
            ended_runs=dict(Counter(run.state for run, _ in ended)),
            ended_tasks=sum(tasks for _, tasks in ended),
            versions=len(self._tables._versions.data),
            pipelines=len(names),
        )

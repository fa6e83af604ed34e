"""The nodes of runs that go on here, counted once and kept up with each commit: the store would count all of a run's
task runs for each question, again and again while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from toque.api.stream.counting import Counting
from toque.graph.ir import MapNode
from toque.ports.history import History
from toque.ports.pages import NodeCounts
from toque.ports.store import Commit
from toque.runtime.owned import OwnedRun

MOST_RUNS = 64
"""Runs that are kept counted; those asked for longest ago are counted anew."""


@dataclass(frozen=True)
class _Live:
    owned: OwnedRun
    """Whom it was taken from: a run that was reloaded, or lost and taken back, is another one."""
    counting: Counting
    times: asyncio.Task[None]
    """What a run in memory forgets of what has ended, read from the store once."""


class LiveCounts:
    """Of one server. Everything happens on the event loop's thread."""

    def __init__(self, history: History, owned: Callable[[str], OwnedRun | None]) -> None:
        self._history = history
        self._owned = owned
        self._runs: dict[str, _Live] = {}

    async def nodes(self, run_id: str) -> list[tuple[NodeCounts, int]] | None:
        """Counts by task, as `History.nodes` has them, and sizes of maps (else -1); None when the run does not go on
        here.

        Raises `StoreUnavailable`.
        """
        counting = await self._counting(run_id)
        return None if counting is None else counting.all()

    async def rows(self, run_id: str) -> list[msgspec.Raw] | None:
        """The same, as JSON of `NodeStatus`. Raises as it does."""
        counting = await self._counting(run_id)
        return None if counting is None else counting.rows()

    async def _counting(self, run_id: str) -> Counting | None:
        live = self._live(run_id)
        if live is None:
            return None
        try:
            await asyncio.shield(live.times)
        except BaseException:
            if live.times.done() and self._runs.get(run_id) is live:
                del self._runs[run_id]
            raise
        # It may have ended meanwhile, or be somebody else's: then the store says.
        return live.counting if self._owned(run_id) is live.owned else None

    def committed(self, commit: Commit) -> None:
        """A transaction of this process was written."""
        if not self._runs:
            return
        for row in commit.tasks:
            live = self._runs.get(row.run_id)
            if live is not None:
                live.counting.put(row)
        for run in commit.runs:
            if run.state.is_terminal:
                self._runs.pop(run.run_id, None)

    def _live(self, run_id: str) -> _Live | None:
        owned = self._owned(run_id)
        live = self._runs.pop(run_id, None)
        if owned is None:
            return None
        if live is None or live.owned is not owned:
            counting = Counting()
            counting.take(owned.machine)
            live = _Live(owned, counting, asyncio.create_task(self._add_forgotten(owned, counting)))
        self._runs[run_id] = live
        if len(self._runs) > MOST_RUNS:
            del self._runs[next(iter(self._runs))]
        return live

    async def _add_forgotten(self, owned: OwnedRun, counting: Counting) -> None:
        run_id, maps = owned.run_id, {node.id for node in owned.pipeline.nodes if isinstance(node, MapNode)}
        counting.add_times(await self._history.nodes(run_id))
        for name in [node.task for node, size in counting.all() if size < 0 and node.task in maps]:
            row = await self._history.task_run(run_id, name, ())
            if row is not None:
                counting.add_size(name, row.size)

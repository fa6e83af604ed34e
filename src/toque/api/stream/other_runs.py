"""Runs that other processes carry out: which of them went on since the last look."""

from __future__ import annotations

from toque.api.stream.feed import Sources
from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.ports.pages import RunQuery

NEWEST = 20
"""Runs that may have begun and ended between two looks."""
MOST = 200
LIVE = tuple(state for state in RunState if not state.is_terminal)


class OtherRuns:
    """Remembers the last fact of each."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._seen: dict[str, int] = {}

    async def gone_on(self) -> list[str]:
        """Those that have facts which the last look had not; the first look finds none new."""
        now = await self._now()
        left = [run_id for run_id in self._seen if run_id not in now]
        if left:
            now |= {row.run_id: row for row in (await self._sources.history.get_runs(left)).values()}
        changed = [run_id for run_id, row in now.items() if self._seen.get(run_id, 0) < row.fact_seq]
        # One that has ended, and is among the newest no more, has nothing to tell.
        self._seen = {run_id: row.fact_seq for run_id, row in now.items() if run_id not in left}
        return changed

    async def _now(self) -> dict[str, RunRow]:
        history = self._sources.history
        newest = await history.runs(RunQuery(limit=NEWEST))
        live = await history.runs(RunQuery(states=LIVE, limit=MOST))
        rows = {row.run_id: row for row in (*newest.runs, *live.runs)}
        return {run_id: row for run_id, row in rows.items() if self._sources.owned(run_id) is None}

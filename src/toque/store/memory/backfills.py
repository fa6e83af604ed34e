"""Backfills in memory: the model that the databases are held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import BackfillState, RunState, SliceState
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.store.memory.tables import Rows, RunParts, Tables
from toque.store.plans import dedup_of, with_runs, with_slices


class MemoryBackfills:
    """See `Backfills`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows = Rows(BackfillRow)
        self._slices = Rows(BackfillSlice)

    async def create(self, row: BackfillRow, slices: Sequence[BackfillSlice] = ()) -> None:
        """See `Backfills.create`."""
        self._rows.put(row.id, row)
        self._put(slices)

    async def get(self, id: str) -> BackfillRow | None:  # noqa: A002
        """See `Backfills.get`."""
        row = self._rows.get(id)
        return None if row is None else self._counted(row)

    async def list_backfills(self, *, pipeline: str = "", limit: int = 50, before: str = "") -> list[BackfillRow]:
        """See `Backfills.list_backfills`."""
        found = [
            row
            for row in self._rows.all()[::-1]
            if (not pipeline or row.pipeline == pipeline) and (not before or row.id < before)
        ]
        return [self._counted(row) for row in found[:limit]]

    async def running(self) -> list[BackfillRow]:
        """See `Backfills.running`."""
        return [row for row in self._rows.all() if row.state is BackfillState.RUNNING]

    async def advance(
        self, row: BackfillRow, runs: Sequence[RunRow] = (), slices: Sequence[BackfillSlice] = ()
    ) -> bool:
        """See `Backfills.advance`."""
        now = self._rows.get(row.id)
        if now is None or now.revision != row.revision:
            return False
        self._rows.put(row.id, msgspec.structs.replace(row, revision=row.revision + 1))
        for run in runs:
            insert_run(self._tables, run, dedup_of(row, run))
        self._put(slices)
        return True

    async def progress(self, id: str) -> dict[RunState, int]:  # noqa: A002
        """See `Backfills.progress`."""
        return self._progress(id)

    async def unfinished(self, id: str, limit: int = 1000) -> list[str]:  # noqa: A002
        """See `Backfills.unfinished`."""
        runs = self._tables._runs.all()
        return [run.run_id for run in runs if run.backfill_id == id and not run.state.is_terminal][:limit]

    async def slices(self, id: str, where: SliceQuery) -> list[BackfillSlice]:  # noqa: A002
        """See `Backfills.slices`."""
        found = [
            row
            for row in self._slices.all()
            if row.backfill == id and row.n > where.after and (not where.states or row.state in where.states)
        ]
        return found[: where.limit]

    async def slice_counts(self, id: str) -> dict[SliceState, int]:  # noqa: A002
        """See `Backfills.slice_counts`."""
        return self._slice_counts(id)

    def _slice_counts(self, id: str) -> dict[SliceState, int]:  # noqa: A002
        return dict(Counter(row.state for row in self._slices.all() if row.backfill == id))

    def _put(self, slices: Sequence[BackfillSlice]) -> None:
        for each in slices:
            self._slices.put((each.backfill, each.n), each)

    def prune(self, before_us: int) -> int:
        """Delete ended ones of that age."""
        ended = [row for row in self._rows.all() if row.state is not BackfillState.RUNNING]
        old = [row.id for row in ended if row.finished_us < before_us]
        for each in old:
            del self._rows.data[each]
            for key in [key for key in self._slices.data if key[0] == each]:
                del self._slices.data[key]
        return len(old)

    def _progress(self, id: str) -> dict[RunState, int]:  # noqa: A002
        counts: dict[RunState, int] = {}
        for run in self._tables._runs.all():
            if run.backfill_id == id:
                counts[run.state] = counts.get(run.state, 0) + 1
        return counts

    def _counted(self, row: BackfillRow) -> BackfillRow:
        if row.state is not BackfillState.RUNNING:
            return row
        if row.stages:
            return with_slices(row, self._slice_counts(row.id))
        return with_runs(row, self._progress(row.id))


def insert_run(tables: Tables, run: RunRow, dedup: str) -> None:
    """A queued run that a tick started."""
    tables._dedups[dedup] = run.run_id
    tables._runs.put(run.run_id, run)
    tables._parts[run.run_id] = RunParts()

"""How the counts of a backfill follow from its runs or slices: the same for every store."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import RunState, SliceState
from toque.ports.backfills import BackfillRow


def with_runs(row: BackfillRow, runs: Mapping[RunState, int]) -> BackfillRow:
    """Of a schedule. What was counted before stays counted when retention removes runs."""
    succeeded = runs.get(RunState.SUCCEEDED, 0)
    failed = runs.get(RunState.FAILED, 0) + runs.get(RunState.CANCELLED, 0)
    return msgspec.structs.replace(row, succeeded=max(row.succeeded, succeeded), failed=max(row.failed, failed))


def with_slices(row: BackfillRow, slices: Mapping[SliceState, int]) -> BackfillRow:
    """Of assets."""
    waiting = slices.get(SliceState.WAITING, 0)
    return msgspec.structs.replace(
        row,
        started=row.total - waiting,
        succeeded=slices.get(SliceState.SUCCEEDED, 0),
        failed=slices.get(SliceState.FAILED, 0) + slices.get(SliceState.CANCELLED, 0),
        skipped=slices.get(SliceState.SKIPPED, 0),
        fresh=slices.get(SliceState.FRESH, 0),
    )


def dedup_of(row: BackfillRow, run: RunRow) -> str:
    """One run for each tick; of assets the slice that names it sees to that."""
    return f"backfill:{row.id}:{run.run_id if row.stages else run.logical_us}"

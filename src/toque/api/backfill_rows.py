"""Backfills as the wire has them: the plan, its slices, and the matrix of where each stands."""

from __future__ import annotations

from collections.abc import Sequence

from toque.api import trigger_rows
from toque.api.services import Services
from toque.api.wire import backfills as wire
from toque.engine.states import SliceState
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.schedule.partitions import keys_of
from toque.schedule.ticks import Tick

LETTERS = {
    SliceState.WAITING: ".",
    SliceState.RUNNING: "r",
    SliceState.SUCCEEDED: "m",
    SliceState.FAILED: "f",
    SliceState.SKIPPED: "k",
    SliceState.FRESH: "e",
    SliceState.CANCELLED: "c",
}
LARGEST = 100_000
"""Slices of a backfill."""
LOOKED_AT = 1000
"""Failed slices whose assets are told apart."""
CELLS = 500_000
"""Above it a matrix has one row for all assets of a stage."""
SHOWN = 1000


def backfill(row: BackfillRow, ticks: Sequence[Tick] = (), planned: Sequence[BackfillSlice] = ()) -> wire.Backfill:
    """A backfill; `ticks`, `planned`: what a dry run would start."""
    return wire.Backfill(
        id=row.id,
        pipeline=row.pipeline,
        schedule=row.schedule,
        from_us=row.from_us,
        to_us=row.to_us,
        max_active=row.max_active,
        reverse=row.reverse,
        created_us=row.created_us,
        finished_us=row.finished_us,
        actor=row.actor,
        reason=row.reason,
        total=row.total,
        started=row.started,
        succeeded=row.succeeded,
        failed=row.failed,
        state=row.state.value,
        slices=[trigger_rows.tick(f"{row.pipeline}/{row.schedule}", each) for each in ticks],
        paused=row.paused,
        selection=row.selection,
        partitions=row.partitions,
        strategy=row.strategy,
        stages=[wire.BackfillStage(assets=list(stage.assets), total=stage.total) for stage in row.stages],
        skipped=row.skipped,
        fresh=row.fresh,
        rounds=row.rounds,
        planned=[slice_of(each) for each in planned[:SHOWN]],
    )


def slice_of(row: BackfillSlice) -> wire.BackfillSlice:
    """One slice."""
    return wire.BackfillSlice(
        n=row.n,
        stage=row.stage,
        partition=row.partition,
        count=row.count,
        state=row.state,
        run_id=row.run_id,
        error=row.error,
    )


async def matrix(asked: Services, row: BackfillRow) -> wire.BackfillMatrix:
    """Every slice of it. What a run made before it failed is told apart from what it did not."""
    slices = await asked.store.backfills.slices(row.id, SliceQuery(limit=LARGEST))
    stages = []
    for number, stage in enumerate(row.stages):
        ours = [each for each in slices if each.stage == number]
        keys = [key for each in ours for key in keys_of(stage.partitions, each.partition)]
        cells = "".join(LETTERS[each.state] * len(keys_of(stage.partitions, each.partition)) for each in ours)
        if len(stage.assets) == 1 or len(keys) * len(stage.assets) > CELLS:
            rows = [wire.AssetCells(asset=", ".join(stage.assets), cells=cells)]
        else:
            failed = [key for key, cell in zip(keys, cells, strict=True) if cell == "f"][:LOOKED_AT]
            rows = [
                wire.AssetCells(asset=asset, cells=await _with_made(asked, row, asset, (keys, cells, failed)))
                for asset in stage.assets
            ]
        stages.append(wire.StageMatrix(keys=keys, rows=rows))
    return wire.BackfillMatrix(stages=stages)


async def _with_made(
    asked: Services, row: BackfillRow, asset: str, of_stage: tuple[Sequence[str], str, Sequence[str]]
) -> str:
    keys, cells, failed = of_stage
    if not failed:
        return cells
    found = await asked.store.assets.pick(asset, failed)
    made = {key for key, each in found.items() if each.materialized_us >= row.created_us}
    return "".join("m" if cell == "f" and key in made else cell for key, cell in zip(keys, cells, strict=True))

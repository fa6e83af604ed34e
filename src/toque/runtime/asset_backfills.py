"""Steps of a backfill of assets: what has ended is written down, and what may begin is started.

A slice begins when those of earlier stages that it would read have ended, whatever else of these stages goes on; it is
held back when one of them could not be made, so that nothing is made from what was there before. In a plan of what is
stale it waits for all of the stages before its own: what came out as it was decides there what is made at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from toque.engine.rows import MAKES, RunRow
from toque.engine.states import BackfillState, RunState, SliceState
from toque.graph.ir import Pipeline
from toque.graph.partitions import AnyPartitioning
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.ports.clock import Clock
from toque.ports.store import Store, StoreUnavailable
from toque.runtime.backfill_orders import FAILED, PAGE
from toque.runtime.ids import new_run_id
from toque.runtime.loop import Runtime
from toque.runtime.messages import Launch
from toque.runtime.standing import Looking, cuts_of, known_of, made_by
from toque.runtime.versions import Versions
from toque.schedule.partitions import Known, keys_of, upstream_keys
from toque.schedule.partitions.ranges import span_of

log = logging.getLogger("toque.backfills")

STEP = 100
"""Slices that one transaction starts or leaves out at most."""
_FINAL = -2
"""Stands for a number of failures to which none is added."""
NAMED = 3
"""Assets of a run that its tag names."""
PRIORITY = -1
"""Behind what is due now."""
SliceListener: TypeAlias = Callable[[BackfillRow, Sequence[BackfillSlice]], None]
"""Hears of slices that a step of this process changed, after they were written."""
_ENDS = {
    RunState.SUCCEEDED: SliceState.SUCCEEDED,
    RunState.FAILED: SliceState.FAILED,
    RunState.CANCELLED: SliceState.CANCELLED,
}


_Slices: TypeAlias = dict[str, set[str]]
"""Keys by asset."""


@dataclass
class _Stage:
    """What is known of a stage while it goes on."""

    pipeline: Pipeline
    known: Known
    cuts: dict[str, AnyPartitioning | None]
    """Of the assets of the stages before."""
    fresh: set[str]
    """Of a plan of what is stale: keys that need not be made."""
    failed: _Slices = field(default_factory=dict)
    """Of the stages before: what could not be made."""
    failures: int = -1
    """Of the plan, when these were read."""

    def reads(self, keys: Sequence[str], among: _Slices) -> str:
        """One of these slices that a run of these keys would read; "" when there is none."""
        for asset in made_by(self.pipeline).values():
            for each in asset.sources:
                theirs = among.get(each.asset)
                if not theirs or each.asset not in self.cuts:
                    continue
                for key in keys:
                    cut = self.cuts[each.asset]
                    for part in upstream_keys(each.mapping, asset.partitions, cut, key, self.known):
                        if part in theirs:
                            return f"{each.asset}[{part}]" if part else each.asset
        return ""


@dataclass
class _Decision:
    """What one step changes."""

    slices: list[BackfillSlice] = field(default_factory=list)
    runs: list[RunRow] = field(default_factory=list)


class AssetSteps:
    """Carries out the backfills of assets."""

    def __init__(
        self, store: Store, runtime: Runtime, versions: Versions, clock: Clock, told: SliceListener | None = None
    ) -> None:
        self._told = told
        self._store = store
        self._runtime = runtime
        self._versions = versions
        self._clock = clock
        self._stages: dict[tuple[str, int, int], _Stage] = {}
        self.unsure: list[str] = []
        """Runs of a step whose transaction may or may not have been written."""

    async def step(self, row: BackfillRow) -> bool:
        """One step; whether another one may follow at once."""
        decided = _Decision()
        going = await self._settled(row, decided)
        has_settled = bool(decided.slices)
        waiting = await self._store.backfills.slices(row.id, SliceQuery(states=(SliceState.WAITING,), limit=STEP))
        if not waiting and not going:
            await self._end(row, decided)
            return False
        if waiting and not row.paused:
            # What has just ended counts as going on before that is written.
            await self._choose(row, waiting, [*going, *decided.slices], row.max_active - len(going), decided)
        if not decided.slices or not await self._advance(row, decided):
            return False
        await self._launch(decided.runs)
        return has_settled or len(decided.slices) > len(decided.runs) or len(decided.runs) == STEP

    async def _settled(self, row: BackfillRow, decided: _Decision) -> list[BackfillSlice]:
        """Write down what has ended; returns what goes on."""
        running = await self._store.backfills.slices(row.id, SliceQuery(states=(SliceState.RUNNING,), limit=PAGE))
        rows = await self._store.history.get_runs([each.run_id for each in running]) if running else {}
        going = []
        for each in running:
            run = rows.get(each.run_id)
            if run is not None and not run.state.is_terminal:
                going.append(each)
                continue
            state = _ENDS[run.state] if run is not None else SliceState.FAILED
            decided.slices.append(msgspec.structs.replace(each, state=state, error=_words(run)))
        return going

    async def _choose(
        self,
        row: BackfillRow,
        waiting: Sequence[BackfillSlice],
        going: list[BackfillSlice],
        room: int,
        decided: _Decision,
    ) -> None:
        """Decide about slices in the order of the plan, as far as there is room for runs.

        Those of earlier stages that wait are among `waiting`, before what they might hold back.
        """
        now_us = self._clock.now_us()
        number, ahead = -1, _Slices()
        for each in waiting:
            if len(decided.runs) >= room:
                break
            if each.stage != number:
                number = each.stage
                before = [other for other in going if other.stage < number]
                if before and row.only_stale:
                    break
                ahead = _slices_of(row, before)
                stage = await self._stage(row, number, is_final=not before)
            going.append(each)
            keys = keys_of(row.stages[number].partitions, each.partition)
            if ahead and stage.reads(keys, ahead):
                continue
            if cause := stage.reads(keys, stage.failed):
                words = f"{cause} was not made"
                decided.slices.append(msgspec.structs.replace(each, state=SliceState.SKIPPED, error=words))
            elif stage.fresh.issuperset(keys):
                decided.slices.append(msgspec.structs.replace(each, state=SliceState.FRESH))
            else:
                run = _run_of(row, each, self._runtime.instance, now_us, len(decided.runs))
                decided.runs.append(run)
                decided.slices.append(
                    msgspec.structs.replace(each, state=SliceState.RUNNING, run_id=run.run_id, error="")
                )

    async def _stage(self, row: BackfillRow, number: int, *, is_final: bool) -> _Stage:
        """What is known of a stage by now. `is_final`: no more of the stages before can fail."""
        name = (row.id, number, row.rounds)
        stage = self._stages.get(name)
        if stage is None:
            self._forget(row.id, but_round=row.rounds)
            pipeline, _ = await self._versions.get(row.stages[number].version)
            known = await known_of(self._store, self._clock.now_us(), cuts_of(pipeline).values())
            cuts = {asset: earlier.partitions for earlier in row.stages[:number] for asset in earlier.assets}
            fresh = await self._fresh(pipeline, known) if row.only_stale else set()
            stage = self._stages[name] = _Stage(pipeline, known, cuts, fresh)
        failures = _FINAL if is_final else row.failed + row.skipped
        if stage.failures not in (failures, _FINAL):
            stage.failed, stage.failures = await self._failed(row, number), failures
        return stage

    def _forget(self, id: str, *, but_round: int = -1) -> None:  # noqa: A002
        for name in [each for each in self._stages if each[0] == id and each[2] != but_round]:
            del self._stages[name]

    async def _fresh(self, pipeline: Pipeline, known: Known) -> set[str]:
        looking = Looking(self._store, pipeline, known)
        return await looking.made() - await looking.stale()

    async def _failed(self, row: BackfillRow, number: int) -> _Slices:
        """What could not be made before this stage."""
        found: list[BackfillSlice] = []
        after = -1
        while page := await self._store.backfills.slices(row.id, SliceQuery(states=FAILED, after=after, limit=PAGE)):
            found += [each for each in page if each.stage < number]
            after = page[-1].n
        return _slices_of(row, found)

    async def _advance(self, row: BackfillRow, decided: _Decision) -> bool:
        try:
            won = await self._store.backfills.advance(row, decided.runs, decided.slices)
        except StoreUnavailable:
            self.unsure += [run.run_id for run in decided.runs]
            raise
        if won and self._told is not None:
            self._told(row, decided.slices)
        return won

    async def _launch(self, runs: Sequence[RunRow]) -> None:
        for run in runs:
            pipeline, bundle = await self._versions.get(run.version)
            self._runtime.post(Launch(run, pipeline, bundle))

    async def _end(self, row: BackfillRow, decided: _Decision) -> None:
        if decided.slices and not await self._advance(row, decided):
            return
        now = await self._store.backfills.get(row.id)
        if now is None or now.state is not BackfillState.RUNNING or now.started < now.total:
            return
        self._forget(row.id)
        failed = now.failed + now.skipped
        state = BackfillState.FAILED if failed else BackfillState.SUCCEEDED
        if await self._store.backfills.advance(
            msgspec.structs.replace(now, state=state, finished_us=self._clock.now_us())
        ):
            log.info("backfill %s of %s ended: %d succeeded, %d failed", now.id, now.selection, now.succeeded, failed)


def _slices_of(row: BackfillRow, slices: Sequence[BackfillSlice]) -> _Slices:
    found: _Slices = {}
    for each in slices:
        stage = row.stages[each.stage]
        for asset in stage.assets:
            found.setdefault(asset, set()).update(keys_of(stage.partitions, each.partition))
    return found


def _words(run: RunRow | None) -> str:
    if run is None:
        return "its run was removed by retention"
    if run.error is not None:
        return run.error.message.partition("\n")[0][:500]
    return run.reason


def _makes(assets: Sequence[str], partition: str) -> str:
    more = f" and {len(assets) - NAMED} more" if len(assets) > NAMED else ""
    return " · ".join(filter(None, (", ".join(assets[:NAMED]) + more, partition)))


def _run_of(row: BackfillRow, slice_: BackfillSlice, instance: str, now_us: int, position: int) -> RunRow:
    stage = row.stages[slice_.stage]
    start_us, end_us = span_of(stage.partitions, slice_.partition)
    return RunRow(
        run_id=new_run_id(now_us + position * 1000),
        pipeline=row.pipeline,
        version=stage.version,
        state=RunState.QUEUED,
        parameters={},
        created_us=now_us,
        actor=row.actor,
        trigger="backfill",
        logical_us=end_us or now_us,
        interval_start_us=start_us,
        interval_end_us=end_us,
        partition_key=slice_.partition,
        backfill_id=row.id,
        tags={MAKES: _makes(stage.assets, slice_.partition)},
        priority=PRIORITY,
        owner=instance,
    )

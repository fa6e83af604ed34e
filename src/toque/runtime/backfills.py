"""Backfills: many runs, a few at a time, as a plan in the store that outlives every server: one for each tick of a
schedule in a span of the past, or one for each slice of some assets (see `asset_backfills`).

The plan names the schedule as it was and a version, so that neither an edit nor a crash changes what is still to come.
Each step starts some runs and says how far it came in one transaction, written only if nobody else took the step.
"""

from __future__ import annotations

import asyncio
import bisect
import logging
from collections.abc import Collection, Sequence
from itertools import islice

import msgspec

from toque.engine.facts import AnyFact
from toque.engine.rows import RunRow
from toque.engine.states import BackfillState, RunState
from toque.errors import NotFound, ToqueError, UserError
from toque.graph.schedules import Schedule
from toque.ports.backfills import BackfillRow
from toque.ports.clock import Clock
from toque.ports.store import RunFilter, Store, StoreUnavailable
from toque.ports.triggers import ScheduleRow
from toque.runtime.asset_backfills import PRIORITY, AssetSteps, SliceListener
from toque.runtime.ids import new_run_id
from toque.runtime.loop import Runtime
from toque.runtime.messages import Launch
from toque.runtime.owned import OwnedRun
from toque.runtime.planning import LARGEST, MOST_ACTIVE
from toque.runtime.versions import Versions
from toque.schedule.ticks import Tick, ticks

log = logging.getLogger("toque.backfills")

STEP = 100
"""Runs that one transaction starts at most."""
POLL_S = 1.0
LIVE = tuple(state for state in RunState if not state.is_terminal)

_decode = msgspec.json.Decoder(Schedule).decode


def ticks_of(row: BackfillRow) -> list[Tick]:
    """All ticks of a plan, in time. Raises `UserError` when they are too many."""
    found = list(islice(ticks(_decode(row.definition), row.pipeline, row.from_us - 1, row.to_us - 1), LARGEST + 1))
    if len(found) > LARGEST:
        raise UserError(
            f"from {row.from_us} to {row.to_us} there are more than {LARGEST:,} ticks", fix="make several backfills"
        )
    return found


def plan_backfill(
    schedule: ScheduleRow,
    span_us: tuple[int, int],
    *,
    max_active: int,
    reverse: bool = False,
    actor: str = "",
    reason: str = "",
    now_us: int,
) -> BackfillRow:
    """A plan of one run for each tick of a schedule in the span, its end excluded; not stored yet. Raises
    `UserError`."""
    from_us, to_us = span_us
    if to_us <= from_us:
        raise UserError("a backfill ends after it begins", fix="--from comes before --to")
    if not 1 <= max_active <= MOST_ACTIVE:
        raise UserError(f"a backfill runs 1 to {MOST_ACTIVE} at a time, not {max_active}", fix="--max-active 4")
    row = BackfillRow(
        id=new_run_id(now_us),
        pipeline=schedule.pipeline,
        schedule=schedule.name,
        version=schedule.version,
        state=BackfillState.RUNNING,
        from_us=from_us,
        to_us=to_us,
        max_active=max_active,
        reverse=reverse,
        total=0,
        created_us=now_us,
        actor=actor,
        reason=reason,
        definition=schedule.definition,
    )
    row.total = len(ticks_of(row))
    if not row.total:
        raise UserError(f"{schedule.id} has no tick in that span", fix="toque schedule preview shows when it has")
    return row


class Backfilling:
    """Carries plans out, as a role of a server."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        versions: Versions,
        clock: Clock,
        *,
        poll_s: float = POLL_S,
        only: Collection[str] | None = None,
        told: SliceListener | None = None,
    ) -> None:
        """`only`: carry out these alone. `told`: hears of slices of assets as they change."""
        self._store = store
        self._runtime = runtime
        self._versions = versions
        self._clock = clock
        self._poll_us = round(poll_s * 1e6)
        self._ticks: dict[str, list[Tick]] = {}
        self._said: set[str] = set()
        self._poked = asyncio.Event()
        self._looked = asyncio.Event()
        self._assets = AssetSteps(store, runtime, versions, clock, told)
        self._unsure = self._assets.unsure
        self._only = only
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin to carry out."""
        self._runtime.listen(self._on_facts)
        self._task = asyncio.create_task(self._run(), name="toque-backfills")
        return self._task

    async def stop(self) -> None:
        """Begin no further step."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def ended(self, id: str) -> BackfillRow:  # noqa: A002
        """The backfill once it has ended, and its last run too."""
        while True:
            looked = self._looked
            row = await self._store.backfills.get(id)
            if row is None:
                raise NotFound(f"there is no backfill {id!r}", fix="toque backfills lists them")
            if row.state is not BackfillState.RUNNING and not await self._store.backfills.unfinished(id, 1):
                return row
            await looked.wait()

    def poke(self) -> None:
        """Look at once: there is a new plan."""
        self._poked.set()

    def _on_facts(self, owned: OwnedRun, facts: Sequence[AnyFact]) -> None:
        row = owned.machine.row
        if row.backfill_id and row.state.is_terminal:
            self._poked.set()

    async def _run(self) -> None:
        while True:
            self._poked.clear()
            try:
                await self._carry_out()
            except StoreUnavailable as unavailable:
                log.warning("backfills wait for the store: %s", unavailable)
            self._looked.set()
            self._looked = asyncio.Event()
            await self._rest()

    async def _rest(self) -> None:
        waiting = asyncio.ensure_future(self._clock.wait_until(self._clock.now_us() + self._poll_us))
        poked = asyncio.ensure_future(self._poked.wait())
        try:
            await asyncio.wait({waiting, poked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            poked.cancel()

    async def _carry_out(self) -> None:
        if self._unsure:
            await self._runtime.bring_in(self._unsure)
            self._unsure.clear()
        running = [row for row in await self._store.backfills.running() if self._only is None or row.id in self._only]
        for gone in self._ticks.keys() - {row.id for row in running}:
            del self._ticks[gone]
        for row in running:
            try:
                await self._step(row)
            except StoreUnavailable:
                raise
            except (ToqueError, msgspec.ValidationError) as problem:
                if row.id not in self._said:
                    self._said.add(row.id)
                    log.error("backfill %s cannot go on here: %s", row.id, problem)

    async def _step(self, row: BackfillRow) -> None:
        """Start as many of its runs as there is room for; end it when all have ended."""
        if row.stages:
            if await self._assets.step(row):
                self._poked.set()
            return
        if row.id not in self._ticks:
            self._ticks[row.id] = await asyncio.to_thread(ticks_of, row)
        left = remaining(row, self._ticks[row.id], STEP)
        progress = await self._store.backfills.progress(row.id)
        active = sum(progress.get(state, 0) for state in LIVE)
        if not left:
            if not active:
                await self._end(row, progress)
            return
        if row.paused:
            return
        pipeline, bundle = await self._versions.get(row.version)
        room = row.max_active - active
        limit = pipeline.concurrency.max_active_runs
        if limit is not None and pipeline.concurrency.overlap in ("skip", "cancel_older"):
            # One on top of the limit would be skipped, or end another: wait for a place.
            where = RunFilter(pipeline=row.pipeline, states=LIVE, limit=limit)
            room = min(room, limit - len(await self._store.list_runs(where)))
        chosen = left[: max(0, room)]
        if not chosen:
            return
        now_us = self._clock.now_us()
        runs = [_run_of(row, tick, self._runtime.instance, now_us, at) for at, tick in enumerate(chosen)]
        after = msgspec.structs.replace(row, started=row.started + len(runs), cursor_us=chosen[-1].at_us)
        try:
            won = await self._store.backfills.advance(after, runs)
        except StoreUnavailable:
            self._unsure += [run.run_id for run in runs]
            raise
        if won:
            for run in runs:
                self._runtime.post(Launch(run, pipeline, bundle))
        if len(chosen) == STEP:
            self._poked.set()  # there may be room for more

    async def _end(self, row: BackfillRow, progress: dict[RunState, int]) -> None:
        succeeded = max(row.succeeded, progress.get(RunState.SUCCEEDED, 0))
        failed = row.started - succeeded
        after = msgspec.structs.replace(
            row,
            state=BackfillState.FAILED if failed else BackfillState.SUCCEEDED,
            finished_us=self._clock.now_us(),
            succeeded=succeeded,
            failed=failed,
        )
        if await self._store.backfills.advance(after):
            log.info("backfill %s of %s ended: %d succeeded, %d failed", row.id, row.pipeline, succeeded, failed)


def remaining(row: BackfillRow, all_ticks: Sequence[Tick], at_most: int) -> list[Tick]:
    """What is to be started next, in the order of the plan."""
    if row.reverse:
        end = bisect.bisect_left(all_ticks, row.cursor_us, key=_at) if row.started else len(all_ticks)
        return [*reversed(all_ticks[max(0, end - at_most) : end])]
    begin = bisect.bisect_right(all_ticks, row.cursor_us, key=_at) if row.started else 0
    return [*all_ticks[begin : begin + at_most]]


def _at(tick: Tick) -> int:
    return tick.at_us


def _run_of(row: BackfillRow, tick: Tick, instance: str, now_us: int, position: int) -> RunRow:
    return RunRow(
        run_id=new_run_id(now_us + position * 1000),
        pipeline=row.pipeline,
        version=row.version,
        state=RunState.QUEUED,
        parameters=dict(_decode(row.definition).parameters),
        created_us=now_us,
        actor=row.actor,
        trigger="backfill",
        logical_us=tick.at_us,
        interval_start_us=tick.start_us,
        interval_end_us=tick.end_us,
        backfill_id=row.id,
        priority=PRIORITY,
        owner=instance,
    )

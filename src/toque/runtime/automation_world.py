"""What automation decides from, as the store has it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import RunState
from toque.errors import ToqueError
from toque.graph.assets import Asset
from toque.graph.automation import OnTicks
from toque.graph.ir import Pipeline
from toque.ports.assets import SliceRow
from toque.ports.automations import AutomationChange, AutomationRow
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.ports.clock import Clock
from toque.ports.project import ProjectState
from toque.ports.store import RunFilter, Store, StoreUnavailable
from toque.ports.triggers import ScheduleFilter
from toque.runtime.standing import known_of, made_by, slices_of
from toque.runtime.versions import Versions
from toque.schedule.automation.world import Going, Maker, Slice, Slices, World
from toque.schedule.partitions import keys_of

ACTOR = "automation"
"""Whoever asks for what rules want."""
LIVE = tuple(state for state in RunState if not state.is_terminal)
MOST = 1000
"""Live runs, and schedules, that are looked at."""
MOST_MAKERS = 50_000
PAGE = 10_000
REREAD_US = 60_000_000
"""Slices are read again after so long, whether or not anything seems to have been told of them."""


class Worlds:
    """Reads what a decision needs; remembers what cannot change, or was not told of."""

    def __init__(self, store: Store, versions: Versions) -> None:
        self._store = store
        self._versions = versions
        self._makers: dict[str, Maker] = {}
        """Of runs and plans that have ended."""
        self._slices: dict[str, dict[str, SliceRow]] = {}
        self._newest: dict[str, SliceRow] = {}
        self._read_us = 0
        self._fingerprint: object = None
        self._was_told = False

    def told(self, assets: Iterable[str]) -> None:
        """A transaction of this process told of these."""
        for asset in assets:
            self._was_told |= self._slices.pop(asset, None) is not None

    async def moved(self, state: ProjectState, now_us: int) -> bool:
        """Whether anything may be otherwise than at the last look. Cheap; what others wrote of older slices is found a
        minute later."""
        newest = await self._store.assets.standings(involved(state))
        for asset, row in newest.items():
            if self._newest.get(asset) != row:
                self._slices.pop(asset, None)
        running = [row.id for row in await self._store.backfills.running()]
        rows = await self._store.automations.rows(subjects(state))
        revisions = {key: row.revision for key, row in rows.items()}
        fingerprint = (newest, running, revisions, await self._store.triggers.revision(), state.indexed_us)
        found = self._was_told or fingerprint != self._fingerprint or now_us - self._read_us > REREAD_US
        self._newest, self._fingerprint, self._was_told = newest, fingerprint, False
        return found

    async def read(self, state: ProjectState, rows: Mapping[str, AutomationRow], clock: Clock) -> World:
        """All that is known of the assets with rules."""
        now_us = clock.now_us()
        if now_us - self._read_us > REREAD_US:
            self._slices.clear()
            self._read_us = now_us
        keys = involved(state)
        assets = {key: state.assets[key].asset for key in keys if key in state.assets}
        slices = {key: await self._of(key) for key in keys}
        going, live = await self._under_way()
        since_us = min((row.since_us for row in rows.values()), default=0)
        runs = {
            each.run_id
            for key in keys
            for each in slices[key].values()
            if each.run_id and (key in rows or each.materialized_us >= since_us)
        }
        makers = await self._made_by(runs, live)
        return World(
            assets=assets,
            external=frozenset(key for key in keys if key not in state.assets or state.assets[key].external),
            slices={key: {part: _slice(row) for part, row in of.items()} for key, of in slices.items()},
            makers=makers,
            live=frozenset(live),
            going=going,
            held=await self._held(state, rows),
            known=await known_of(self._store, now_us, (each.partitions for each in assets.values())),
        )

    async def _of(self, asset: str) -> dict[str, SliceRow]:
        if asset not in self._slices:
            self._slices[asset] = await slices_of(self._store, asset)
        return self._slices[asset]

    # -- runs and plans

    async def _under_way(self) -> tuple[list[Going], set[str]]:
        """What goes on, and the runs that have not ended, or whose plan has not."""
        going: list[Going] = []
        plans = {row.id: row for row in await self._store.backfills.running() if row.stages}
        live: set[str] = set()
        for plan in plans.values():
            if plan.paused:
                continue
            slices = await self._slices_of(plan)
            pending = _makes(plan, (each for each in slices if not each.state.is_terminal))
            going.append(Going(f"the backfill {plan.id}", pending, is_ours=plan.actor == ACTOR))
            live.update(each.run_id for each in slices if each.run_id)
        for run in await self._store.list_runs(RunFilter(states=LIVE, limit=MOST)):
            live.add(run.run_id)
            plan_of = plans.get(run.backfill_id)
            if plan_of is None or plan_of.paused:
                going.append(Going(f"the run {run.run_id}", await self._of_run(run)))
        return going, live

    async def _made_by(self, runs: Iterable[str], live: set[str]) -> dict[str, Maker]:
        if len(self._makers) > MOST_MAKERS:
            self._makers.clear()
        unknown = [run for run in runs if run not in self._makers]
        found = await self._store.history.get_runs(unknown) if unknown else {}
        makers = {run: self._makers[run] for run in runs if run in self._makers}
        plans: dict[str, Mapping[str, Slices]] = {}
        for run_id, run in found.items():
            makes: Mapping[str, Slices] = await self._of_run(run)
            if run.backfill_id:
                if run.backfill_id not in plans:
                    plan = await self._store.backfills.get(run.backfill_id)
                    plans[run.backfill_id] = _makes(plan, await self._slices_of(plan)) if plan is not None else {}
                makes = _both(makes, plans[run.backfill_id])
            makers[run_id] = Maker(run.started_us, makes)
            if run.state.is_terminal and run_id not in live:
                self._makers[run_id] = makers[run_id]
        return makers

    async def _of_run(self, run: RunRow) -> dict[str, Slices]:
        try:
            pipeline, _ = await self._versions.get(run.version)
        except StoreUnavailable:
            raise
        except (ToqueError, msgspec.ValidationError, OSError):
            return {}  # of a newer Toque, or pruned: what it made is known all the same
        return _of_pipeline(pipeline, run.partition_key)

    async def _slices_of(self, plan: BackfillRow) -> Sequence[BackfillSlice]:
        return await self._store.backfills.slices(plan.id, SliceQuery(limit=PAGE))

    # -- pauses

    async def _held(self, state: ProjectState, rows: Mapping[str, AutomationRow]) -> dict[str, str]:
        schedules: dict[str, list[bool]] = {}
        for row in await self._store.triggers.list_schedules(ScheduleFilter(limit=MOST)):
            schedules.setdefault(row.pipeline, []).append(row.paused)
        held = {}
        for key, automation in rows.items():
            if automation.paused:
                held[key] = f"paused by {automation.actor}" if automation.actor else "paused"
                continue
            makers = [name for name in state.assets[key].pipelines if name in schedules]
            if makers and all(all(schedules[name]) for name in makers):
                held[key] = f"the pipeline {makers[0]} is paused"
        return held


def subjects(state: ProjectState) -> list[str]:
    """The assets that have rules."""
    return [key for key, each in state.assets.items() if each.asset.automation and not each.external]


def involved(state: ProjectState) -> list[str]:
    """Those, what they are made from, and what that is made from."""
    found = dict.fromkeys(subjects(state))
    for _ in range(2):
        for key in list(found):
            asset: Asset | None = state.assets[key].asset if key in state.assets else None
            found.update(dict.fromkeys(each.asset for each in (asset.sources if asset is not None else ())))
    return list(found)


async def begun(store: Store, state: ProjectState, now_us: int) -> dict[str, AutomationRow]:
    """The rows of assets with rules; those that were never seen begin now, schedules that changed begin anew."""
    keys = subjects(state)
    rows = await store.automations.rows(keys)
    begins = []
    for key in keys:
        row = rows.get(key)
        ticking = [rule for rule in state.assets[key].asset.automation if isinstance(rule, OnTicks)]
        definition = msgspec.json.encode(ticking, order="deterministic")
        if row is None or not row.since_us:
            begins.append(
                msgspec.structs.replace(
                    row or AutomationRow(asset=key), since_us=now_us, cursor_us=now_us, definition=definition
                )
            )
        elif row.definition != definition:
            begins.append(msgspec.structs.replace(row, definition=definition, cursor_us=now_us))
    if begins:
        await store.automations.record([AutomationChange(row=row) for row in begins])
        rows = await store.automations.rows(keys)
    return {key: row for key, row in rows.items() if row.since_us}


def _of_pipeline(pipeline: Pipeline, partition: str) -> dict[str, Slices]:
    makes: dict[str, Slices] = {}
    for key, asset in made_by(pipeline).items():
        if asset.partitions is None:
            makes[key] = frozenset(("",))
        elif partition:
            makes[key] = frozenset(keys_of(asset.partitions, partition))
    return makes


def _makes(plan: BackfillRow, slices: Iterable[BackfillSlice]) -> dict[str, Slices]:
    makes: dict[str, set[str]] = {}
    for each in slices:
        stage = plan.stages[each.stage]
        for asset in stage.assets:
            makes.setdefault(asset, set()).update(keys_of(stage.partitions, each.partition))
    return {asset: frozenset(keys) for asset, keys in makes.items()}


def _both(one: Mapping[str, Slices], other: Mapping[str, Slices]) -> dict[str, Slices]:
    return {key: one.get(key, frozenset()) | other.get(key, frozenset()) for key in one.keys() | other.keys()}


def _slice(row: SliceRow) -> Slice:
    blocking = tuple(sorted(name for name, severity in row.failing.items() if severity == "block"))
    return Slice(row.materialized_us, row.run_id, row.changed_us, row.code_version, blocking)

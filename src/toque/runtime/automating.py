"""Automating: the role of a server that makes assets by their rules. One task looks, decides and asks for plans.

A decision, what it remembers and the plan that it leads to are one transaction, refused when somebody else has decided
about one of its assets meanwhile: of several servers one acts on a cause, and a crash neither loses nor doubles it. The
plan is a backfill as `toque materialize` makes one; `Backfilling` carries it out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from toque.engine.facts import AnyFact
from toque.errors import ToqueError
from toque.ports.automations import AutomationChange, AutomationRow, DecisionOutcome, DecisionRow
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.clock import Clock
from toque.ports.project import ProjectState
from toque.ports.store import Commit, Store, StoreUnavailable
from toque.runtime.automation_world import ACTOR, Worlds, begun, subjects
from toque.runtime.loop import Runtime
from toque.runtime.owned import OwnedRun
from toque.runtime.planning import Wish
from toque.runtime.versions import Versions
from toque.schedule.automation.deciding import Verdict, due_tick
from toque.schedule.automation.waves import Request, decide_all, requests
from toque.schedule.automation.world import Memory, World

log = logging.getLogger("toque.automation")

POLL_S = 1.0
PLAN_AGAIN_US = 300_000_000
"""What could not be planned is tried again when the files change, and after so long: loading may have timed out."""
SHOWN = 20
"""Partitions that a decision names."""


class Drafts(Protocol):
    """Plans what makes assets, with the code as it is now."""

    async def draft(self, wish: Wish) -> tuple[BackfillRow, list[BackfillSlice]]:
        """A backfill that is not stored yet, of versions that are. Raises `UserError`, `StoreUnavailable`."""
        ...


class Automating:
    """Looks at the assets with rules whenever something was told of what they are made from."""

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        versions: Versions,
        clock: Clock,
        drafts: Drafts,
        *,
        asked: Callable[[], None] = lambda: None,
        poll_s: float = POLL_S,
    ) -> None:
        """`asked`: called when there is a new plan."""
        self._store = store
        self._runtime = runtime
        self._clock = clock
        self._drafts = drafts
        self._asked = asked
        self._poll_us = round(poll_s * 1e6)
        self._worlds = Worlds(store, versions)
        self._state = ProjectState()
        self._unplannable: dict[str, tuple[int, int]] = {}
        """Assets that could not be planned: as of which look at the files, and until when they are left alone."""
        self._cursors: dict[str, int] = {}
        """The last tick of each asset."""
        self._is_open = True
        """Something waits for what is under way: look again soon."""
        self._listeners: list[Callable[[Sequence[DecisionRow]], None]] = []
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # -- life cycle

    def start(self) -> asyncio.Task[None]:
        """Begin to look, once the project is known (`follow`)."""
        self._runtime.listen(self._on_facts, on_commit=self._on_commit)
        self._task = asyncio.create_task(self._run(), name="toque-automation")
        return self._task

    async def stop(self) -> None:
        """Decide no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def follow(self, state: ProjectState) -> None:
        """The project is this from now on."""
        if not state.fault:
            self._state = state
            self.poke()

    def poke(self) -> None:
        """Look at once."""
        self._is_open = True
        self._poked.set()

    def listen(self, listener: Callable[[Sequence[DecisionRow]], None]) -> None:
        """Call `listener` with decisions once they are recorded."""
        self._listeners.append(listener)

    def _on_facts(self, owned: OwnedRun, facts: Sequence[AnyFact]) -> None:
        if owned.machine.row.state.is_terminal and subjects(self._state):
            self.poke()

    def _on_commit(self, runs: Mapping[str, OwnedRun], commit: Commit) -> None:
        self._worlds.told({event.asset for event in commit.asset_events})

    async def _run(self) -> None:
        while True:
            self._poked.clear()
            try:
                await self.look()
            except StoreUnavailable as unavailable:
                log.warning("automation waits for the store: %s", unavailable)
            await self._rest()

    async def _rest(self) -> None:
        if not subjects(self._state):
            await self._poked.wait()
            return
        waiting = asyncio.ensure_future(self._clock.wait_until(self._clock.now_us() + self._poll_us))
        poked = asyncio.ensure_future(self._poked.wait())
        try:
            await asyncio.wait({waiting, poked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            poked.cancel()

    # -- a look

    async def look(self) -> None:
        """Decide about all assets with rules, if anything may be otherwise than at the last look."""
        state = self._state
        if not subjects(state):
            return
        has_moved = await self._worlds.moved(state, self._clock.now_us())
        if not (has_moved or self._is_open or _has_tick(state, self._cursors, self._clock.now_us())):
            return
        rows = await begun(self._store, state, self._clock.now_us())
        world = await self._worlds.read(state, rows, self._clock)
        memories = {key: Memory(row.since_us, row.cursor_us, row.dealt) for key, row in rows.items()}
        verdicts = await asyncio.to_thread(decide_all, world, memories)
        self._is_open = any(verdict.is_open for verdict in verdicts)
        self._cursors = {verdict.asset: verdict.cursor_us for verdict in verdicts}
        asked: set[str] = set()
        for request in requests(world, verdicts):
            asked.update(verdict.asset for verdict in request.verdicts)
            await self._request(world, rows, request)
        for verdict in verdicts:
            if verdict.asset not in asked:
                await self._note(rows[verdict.asset], verdict)

    async def _request(self, world: World, rows: Mapping[str, AutomationRow], request: Request) -> None:
        looked, now_us = self._state.indexed_us, self._clock.now_us()
        left = {key for key, (at, until_us) in self._unplannable.items() if at == looked and now_us < until_us}
        verdicts = [each for each in request.verdicts if each.asset not in left]
        if not verdicts:
            return
        cut = world.cut(verdicts[0].asset)
        wish = Wish(
            selection=", ".join(each.asset for each in verdicts),
            partitions=",".join(request.keys) if cut is not None else "",
            actor=ACTOR,
            reason=verdicts[0].reason[:500],
        )
        try:
            plan, slices = await self._drafts.draft(wish)
        except StoreUnavailable:
            raise
        except ToqueError as problem:
            if len(verdicts) > 1:
                for each in verdicts:
                    if not each.is_riding:
                        await self._request(world, rows, Request((each,), request.keys))
                return
            [verdict] = verdicts
            self._unplannable[verdict.asset] = (looked, now_us + PLAN_AGAIN_US)
            await self._fail(rows[verdict.asset], verdict, str(problem))
            return
        changes = [
            _asked(rows[each.asset], each, plan.id, self._clock.now_us(), bool(wish.partitions)) for each in verdicts
        ]
        if await self._store.automations.record(changes, (plan, slices)):
            log.info("%s: %s; the backfill %s makes it", wish.selection, wish.reason, plan.id)
            self._tell(changes)
            self._asked()
        self._is_open = True

    async def _fail(self, row: AutomationRow, verdict: Verdict, problem: str) -> None:
        words = f"{verdict.reason}; it could not be planned: {problem.strip()}"
        await self._note(row, Verdict(row.asset, row.dealt, row.cursor_us, "failed", verdict.rule, words))

    async def _note(self, row: AutomationRow, verdict: Verdict) -> None:
        """Keep what changed; the same words again are not said again."""
        said = f"{verdict.outcome}: {verdict.reason}" if verdict.outcome else ""
        after = msgspec.structs.replace(
            row, dealt={key: dict(of) for key, of in verdict.dealt.items()}, cursor_us=verdict.cursor_us, said=said
        )
        if after == row:
            return
        decision = None
        if said and (said != row.said or verdict.outcome == "skipped"):
            after.decided += 1
            decision = _decision(after, verdict, self._clock.now_us())
        changes = [AutomationChange(row=after, decision=decision)]
        if await self._store.automations.record(changes):
            self._tell(changes)
        else:
            self._is_open = True

    def _tell(self, changes: Sequence[AutomationChange]) -> None:
        decisions = [change.decision for change in changes if change.decision is not None]
        for listener in self._listeners:
            listener(decisions)


def _has_tick(state: ProjectState, cursors: Mapping[str, int], now_us: int) -> bool:
    assets = state.assets
    return any(due_tick(assets[key].asset, cursor_us, now_us) for key, cursor_us in cursors.items() if key in assets)


def _asked(row: AutomationRow, verdict: Verdict, backfill: str, now_us: int, is_cut: bool) -> AutomationChange:
    after = msgspec.structs.replace(
        row,
        dealt={key: dict(of) for key, of in verdict.dealt.items()},
        cursor_us=verdict.cursor_us,
        decided=row.decided + 1,
        said="",
    )
    decision = _decision(after, verdict, now_us)
    decision.backfill, decision.count = backfill, len(verdict.keys)
    if is_cut:
        more = f", and {len(verdict.keys) - SHOWN} more" if len(verdict.keys) > SHOWN else ""
        decision.partitions = ", ".join(verdict.keys[:SHOWN]) + more
    return AutomationChange(row=after, decision=decision)


def _decision(row: AutomationRow, verdict: Verdict, now_us: int) -> DecisionRow:
    return DecisionRow(
        asset=row.asset,
        n=row.decided,
        at_us=now_us,
        outcome=DecisionOutcome(verdict.outcome),
        rule=verdict.rule,
        reason=verdict.reason,
    )

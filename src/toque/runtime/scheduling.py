"""Scheduling: the role of a server that decides ticks. One task waits for the next one that is due.

What is due is decided in one transaction: the outcome of each tick, its run, and how far its schedule has come. Runs
go to the loop after that without being read back; those of a server that dies in between are queued in the store, and
adopted. Changes of other processes (a pause, a new version) are looked for once a second, and hold from the instant
they were written, since whoever decides a tick on what is no longer so is refused.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count

import msgspec

from toque.engine.rows import RunRow
from toque.errors import ToqueError
from toque.graph.ir import Pipeline
from toque.ports.clock import Clock
from toque.ports.executor import BundleRef
from toque.ports.store import Store, StoreUnavailable
from toque.ports.triggers import Change, ScheduleFilter, ScheduleRow, TickRow
from toque.runtime import missed_words, ticking
from toque.runtime.following import Following
from toque.runtime.loop import Runtime
from toque.runtime.messages import Launch
from toque.runtime.versions import Versions

log = logging.getLogger("toque.schedules")

POLL_S = 1.0
"""How often changes by other processes are looked for."""
CHUNK = 100
"""Schedules decided in one transaction. The event loop has its turn between them: a thousand that coincide must not
hold up what runs already."""
LAUNCHES = 1000
"""Runs that wait for the ticks of other schedules to be recorded, at most."""
SLICE = 20
"""Schedules that are planned before the event loop has its turn."""
PAGE = 1000
AGAIN_S = 1.0
"""After the store could not be reached."""

TickListener = Callable[[Sequence[TickRow]], None]


class Scheduling:
    """Decides the ticks of all schedules in the store."""

    def __init__(
        self, store: Store, runtime: Runtime, versions: Versions, clock: Clock, *, poll_s: float = POLL_S
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._versions = versions
        self._clock = clock
        self._poll_us = round(poll_s * 1e6)
        self.following = Following(store, versions, clock)
        self._plans: dict[str, ticking.Planned] = {}
        self._heap: list[tuple[int, int, str]] = []
        """(due, tie, id); an entry counts if the plan of the schedule still says so."""
        self._ties = count()
        self._ahead: deque[str] = deque()
        """Schedules whose tick after the next is not known yet."""
        self._revision = -1
        self._launches: list[Launch] = []
        """Runs that are in the store, and not in the loop's inbox yet."""
        self._unsure: list[str] = []
        """Runs of a transaction whose end is not known: the store went away."""
        self._listeners: list[TickListener] = []
        self._poked = asyncio.Event()
        self.caught_up = asyncio.Event()
        """All that was due at the start has been decided."""
        self._task: asyncio.Task[None] | None = None

    # -- life cycle

    def start(self) -> asyncio.Task[None]:
        """Begin to decide."""
        self._task = asyncio.create_task(self._run(), name="toque-scheduling")
        return self._task

    async def stop(self) -> None:
        """Decide no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def poke(self) -> None:
        """Look at once: this process has changed a schedule."""
        self._poked.set()

    def listen(self, listener: TickListener) -> None:
        """Call `listener` with ticks once they are recorded."""
        self._listeners.append(listener)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except StoreUnavailable as unavailable:
                log.warning("no tick is lost, trying again in %g s: %s", AGAIN_S, unavailable)
                await self._clock.wait_until(self._clock.now_us() + round(AGAIN_S * 1e6))
                continue
            await self._rest()

    async def look(self) -> None:
        """Decide all that is due now. Raises `StoreUnavailable`; then it is decided at the next look."""
        await self._refresh()
        await self._decide_all_due()
        self.caught_up.set()
        await self._look_ahead()

    async def _rest(self) -> None:
        """Until the next tick, the next look, or a poke."""
        wake_us = self._clock.now_us() + self._poll_us
        if self._heap:
            wake_us = min(wake_us, self._heap[0][0])
        waiting = asyncio.ensure_future(self._clock.wait_until(wake_us))
        poked = asyncio.ensure_future(self._poked.wait())
        try:
            await asyncio.wait({waiting, poked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            poked.cancel()
        self._poked.clear()

    # -- what is planned

    async def _refresh(self) -> None:
        """Take in what changed in the store."""
        if self._unsure:
            await self._runtime.bring_in(self._unsure)
            self._unsure.clear()
        await self.following.sync_new_versions()
        revision = await self._store.triggers.revision()
        if revision == self._revision:
            return
        since, after = max(self._revision, 0), ""
        while page := await self._store.triggers.list_schedules(
            ScheduleFilter(since_revision=since, after=after, limit=PAGE)
        ):
            for number, row in enumerate(page):
                self._plan(row)
                if number % SLICE == 0:
                    await asyncio.sleep(0)
            after = page[-1].id
        self._revision = revision

    def _plan(self, row: ScheduleRow) -> None:
        try:
            self._keep(ticking.plan(row))
        except (msgspec.ValidationError, ToqueError) as problem:
            self._plans.pop(row.id, None)
            log.error("the schedule %s stands still, this Toque cannot read it: %s", row.id, problem)

    def _keep(self, planned: ticking.Planned) -> None:
        id = planned.row.id  # noqa: A001
        if planned.row.retired:
            self._plans.pop(id, None)
            return
        self._plans[id] = planned
        if planned.due_us:
            heapq.heappush(self._heap, (planned.due_us, next(self._ties), id))
            self._ahead.append(id)

    async def _look_ahead(self) -> None:
        """Compute what follows each next tick while nothing is due, so that a thousand at once are soon decided."""
        while self._ahead and not (self._heap and self._heap[0][0] <= self._clock.now_us()):
            for _ in range(min(SLICE, len(self._ahead))):
                id = self._ahead.popleft()  # noqa: A001
                if id in self._plans:
                    self._plans[id] = ticking.looked_ahead(self._plans[id])
            await asyncio.sleep(0)

    def _take_due(self, now_us: int) -> list[ticking.Planned]:
        """Up to `CHUNK` schedules that are due; they are back when their ticks were decided."""
        taken: dict[str, ticking.Planned] = {}
        while self._heap and self._heap[0][0] <= now_us and len(taken) < CHUNK:
            due_us, _, id = heapq.heappop(self._heap)  # noqa: A001
            planned = self._plans.get(id)
            if planned is not None and planned.due_us == due_us:
                taken[id] = planned
        return [*taken.values()]

    # -- deciding

    async def _decide_all_due(self) -> None:
        """First all ticks are recorded, then their runs are launched: what is started competes for the processor."""
        said = missed_words.Missed()
        try:
            while taken := self._take_due(self._clock.now_us()):
                try:
                    await self._decide(taken, said)
                except BaseException:
                    for planned in taken:
                        self._keep(planned)
                    raise
                if len(self._launches) >= LAUNCHES:
                    self._post_launches()
                await asyncio.sleep(0)
        finally:
            self._post_launches()
        said.say()

    def _post_launches(self) -> None:
        for launch in self._launches:
            self._runtime.post(launch)
        self._launches.clear()

    async def _decide(self, taken: Sequence[ticking.Planned], said: missed_words.Missed) -> None:
        now_us = self._clock.now_us()
        changes: list[Change] = []
        fates: dict[str, tuple[ticking.Planned, ticking.Fate]] = {}
        code: dict[str, tuple[Pipeline, BundleRef] | ToqueError] = {}
        for planned in taken:
            fate = ticking.decide(planned, now_us)
            if fate.starts and isinstance(problem := await self._code(planned.row.version, code), ToqueError):
                fate = ticking.cannot_start(planned, fate, str(problem), now_us)
            fates[planned.row.id] = planned, fate
            changes.append(ticking.change_of(planned, fate, self._runtime.instance, now_us))
        runs = [run for change in changes for run in change.runs]
        try:
            recorded = await self._store.triggers.record(changes)
        except StoreUnavailable:
            self._unsure += [run.run_id for run in runs]
            raise
        for change in changes:
            planned, fate = fates[change.after.id]
            if change.after.id in recorded.refused:
                self._reload(change.after.id, recorded.refused[change.after.id])
                continue
            self._keep(ticking.Planned(change.after, planned.schedule, fate.next))
            self._launch([run for run in change.runs if run.run_id not in recorded.known], code)
            said.add(change, fate)
            for listener in self._listeners:
                listener(change.ticks)

    async def _code(
        self, version: str, known: dict[str, tuple[Pipeline, BundleRef] | ToqueError]
    ) -> tuple[Pipeline, BundleRef] | ToqueError:
        """The graph and the code of a version, or why they are not here."""
        if version not in known:
            try:
                known[version] = await self._versions.get(version)
            except StoreUnavailable:
                raise
            except ToqueError as problem:
                known[version] = problem
        return known[version]

    def _launch(self, runs: Sequence[RunRow], code: dict[str, tuple[Pipeline, BundleRef] | ToqueError]) -> None:
        for run in runs:
            found = code[run.version]
            assert not isinstance(found, ToqueError)
            self._launches.append(Launch(run, *found))

    def _reload(self, id: str, row: ScheduleRow | None) -> None:  # noqa: A002
        """Another server was quicker, or somebody changed the schedule."""
        self._plans.pop(id, None)
        if row is not None:
            self._plan(row)

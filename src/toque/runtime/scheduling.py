"""Scheduling: the role of a server that decides ticks. One task waits for the next one that is due.

What is due is decided in one transaction: the outcome of each tick, its run, and how far its schedule has come. Runs
go to the loop after that without being read back; those of a server that dies in between are queued in the store, and
adopted. Changes of other processes (a pause, a new version) are looked for once a second, and hold from the instant
they were written, since whoever decides a tick on what is no longer so is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from toque.engine.rows import RunRow
from toque.errors import ToqueError
from toque.graph.ir import Pipeline
from toque.ports.clock import Clock
from toque.ports.executor import BundleRef
from toque.ports.store import Store, StoreUnavailable
from toque.ports.triggers import Change, ScheduleFilter, TickRow
from toque.runtime import missed_words, ticking
from toque.runtime.agenda import Agenda
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
        self._agenda = Agenda()
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
        if self._agenda.next_due_us is not None:
            wake_us = min(wake_us, self._agenda.next_due_us)
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
                self._agenda.read(row, self._clock.now_us())
                if number % SLICE == 0:
                    await asyncio.sleep(0)
            after = page[-1].id
        self._revision = revision

    async def _look_ahead(self) -> None:
        """While nothing is due."""
        while not self._agenda.is_due(self._clock.now_us()) and self._agenda.look_ahead(self._clock.now_us(), SLICE):
            await asyncio.sleep(0)

    # -- deciding

    async def _decide_all_due(self) -> None:
        """First all ticks are recorded, then their runs are launched: what is started competes for the processor."""
        said = missed_words.Missed()
        try:
            while taken := self._agenda.take_due(self._clock.now_us(), CHUNK):
                try:
                    await self._decide(taken, said)
                except BaseException:
                    for planned in taken:
                        self._agenda.keep(planned)
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
                # Another server was quicker, or somebody changed the schedule.
                self._agenda.forget(change.after.id)
                if (row := recorded.refused[change.after.id]) is not None:
                    self._agenda.read(row, self._clock.now_us())
                continue
            self._agenda.keep(ticking.Planned(change.after, planned.schedule, fate.next))
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

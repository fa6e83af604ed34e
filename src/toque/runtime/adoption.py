"""Adoption: what other processes wrote into the store finds its way here; what dead ones left goes on.

A hint (`Store.changed`) says when to look; looking is the truth, so a missed hint costs half a second at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import NamedTuple

from toque.engine.inputs import Cancel, Mark, Resume, Suspend
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.errors import ToqueError
from toque.ports.clock import Clock
from toque.ports.store import CommandRow, RunFilter, Store, StoreUnavailable
from toque.runtime.messages import Adopt, Message, Ordered, SlotsUsed
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import Ends
from toque.runtime.versions import Versions
from toque.worker import lease

log = logging.getLogger("toque.runtime")

PAGE = 1000
"""Runs that change hands in one transaction."""
BEGIN_S = 0.1
"""Between the look at the lease and the first line of a body."""
CALM_S = 5.0
"""A store to which nothing was written for so long is looked at half as often."""
LIVE = tuple(state for state in RunState if not state.is_terminal)


class Taken(NamedTuple):
    """How many runs were taken over."""

    begun: int
    """They had started under somebody else, and go on."""
    queued: int
    """They had not, and wait for their turn."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.begun + self.queued


class Adoption:
    """Polls the store for commands to this instance, and for runs that nobody owns."""

    def __init__(
        self, store: Store, versions: Versions, clock: Clock, options: RuntimeOptions, put: Callable[[Message], None]
    ) -> None:
        self._store = store
        self._versions = versions
        self._clock = clock
        self._options = options
        self._put = put
        self.contended: Callable[[], Collection[str]] = tuple
        """Pools in which other processes held slots: what they hold is looked at until they let go."""
        self.starves: Callable[[], bool] = lambda: False
        """Whether this process waits for something that only a dead one may hold."""
        self.knows: Callable[[str], bool] = lambda run_id: True
        """Whether a run is in memory here."""
        self.ends = Ends()
        """Who waits for runs, some of which go on elsewhere."""
        self._taken: list[str] = []
        """Runs that are ours by the store, and not loaded yet: it may be away between the two."""
        self._queued = 0
        """How many of those that were ever taken had not begun."""
        self._dead: set[str] = set()
        self._freed: set[str] = set()
        self._ordered: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self, instance: str) -> asyncio.Task[None]:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(instance), name="toque-adoption")
        return self._task

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def adopt(self, instance: str, *, from_instances: list[str]) -> Taken:
        """Take over unfinished runs of `from_instances` and of nobody; returns how many."""
        count, before = 0, self._queued
        async for page in taken(self._store, instance, from_instances):
            self._taken += page
            count += len(page)
            await self._bring_in_taken()
        queued = self._queued - before
        return Taken(max(count - queued, 0), queued)

    async def bring_in(self, run_ids: Sequence[str]) -> None:
        """Load runs that this instance owns by now. Raises `ToqueError` when the graph or the code of one is not
        here."""
        loaded = [adopt for run_id in run_ids if (adopt := await self._load(run_id)) is not None]
        for adopt in sorted(loaded, key=_is_queued):
            self._put(adopt)

    async def _bring_in_taken(self) -> None:
        """Queued runs come last: they may only start beside what has started already."""
        queued: list[Adopt] = []
        try:
            while self._taken:
                run_id = self._taken.pop(0)
                try:
                    adopt = await self._load(run_id)
                except StoreUnavailable:
                    self._taken.insert(0, run_id)
                    raise
                except ToqueError as problem:
                    log.error("run %s cannot go on here: %s", run_id, problem)
                    continue
                if adopt is not None and _is_queued(adopt):
                    queued.append(adopt)
                    self._queued += 1
                elif adopt is not None:
                    self._put(adopt)
        finally:
            for adopt in queued:
                self._put(adopt)

    async def _load(self, run_id: str) -> Adopt | None:
        stored = await self._store.load_run(run_id)
        if stored is None:
            return None
        pipeline, bundle = await self._versions.get(stored.run.version)
        return Adopt(stored, pipeline, bundle, await rows_to_reuse(self._store, stored.run))

    async def _run(self, instance: str) -> None:
        renewed_us = buried_us = moved_us = 0
        while True:
            try:
                now_us = self._clock.now_us()
                if now_us - renewed_us >= self._options.lease_s * 1e6 / 3:
                    await self._renew(instance, now_us)
                    renewed_us = now_us
                bury = now_us - buried_us >= self._options.bury_s * 1e6
                has_changed = await self._store.changed()
                moved_us = now_us if has_changed else moved_us
                if has_changed or bury:
                    await self._look(instance, bury=bury)
                    buried_us = now_us if bury else buried_us
                if bury:
                    await self._follow()
                if contended := self.contended():
                    # Not only after a change: ours and theirs may have crossed when we looked before.
                    used = await self._store.pool_usage()
                    self._put(SlotsUsed({pool: used.get(pool, 0) for pool in contended}))
            except StoreUnavailable as unavailable:
                log.warning("store unavailable, looking again: %s", unavailable)
            calm = self._clock.now_us() - moved_us > CALM_S * 1e6
            rest_s = self._options.poll_s * (2 if calm else 1)
            await self._clock.wait_until(self._clock.now_us() + int(rest_s * 1e6))

    async def _renew(self, instance: str, now_us: int) -> None:
        since_s = lease.now_s()  # before the store begins to count
        await self._store.renew(instance, now_us, self._options.lease_s)
        if self._options.lease_file is not None:
            self._options.lease_file.extend(since_s + self._options.lease_s - BEGIN_S)

    async def _look(self, instance: str, *, bury: bool) -> None:
        dead = await self._store.dead_instances() if bury else []
        if bury and not self._options.adopt:
            await self._free_slots_of(dead, instance)
        if self._options.adopt:
            # A transaction that finds nothing to adopt would wake every other server all the same.
            looks = dead or await self._store.list_runs(RunFilter(owner="", states=LIVE, limit=1))
            if looks:
                adopted = await self.adopt(instance, from_instances=dead)
                if adopted.queued:
                    log.info("started %d run(s)", adopted.queued)
                if adopted.begun:
                    log.info("adopted %d run(s)%s", adopted.begun, f" of {', '.join(dead)}" if dead else "")
            await self._bring_in_taken()
        for command in await self._store.list_commands(instance):
            if command.id not in self._ordered and await self._is_due(command.run_id):
                self._ordered.add(command.id)
                self._put(Ordered(to_input(command), command.id))

    async def _follow(self) -> None:
        """What was taken from us is waited for all the same."""
        for run_id in sorted(self.ends.elsewhere):
            stored = await self._store.load_run(run_id)
            if stored is not None and stored.run.state.is_terminal:
                self.ends.ended(stored.run)

    async def _free_slots_of(self, dead: list[str], instance: str) -> None:
        """Who adopts nobody's runs must not wait for ever for what the dead held either. Only of those who were dead
        at the last look too: their workers are gone by now."""
        gone = [name for name in dead if name in self._dead]
        self._dead = set(dead)
        if (self.contended() or self.starves()) and not self._freed.issuperset(gone):
            await self._store.adopt(instance, from_instances=gone, limit=0)
            self._freed.update(gone)
            log.info("freed the slots of %s", ", ".join(gone))

    async def _is_due(self, run_id: str) -> bool:
        """A run that is on its way into memory gets its commands when it is there; one that has ended, to no effect."""
        if self.knows(run_id):
            return True
        stored = await self._store.load_run(run_id)
        return stored is None or stored.run.state.is_terminal


async def taken(store: Store, instance: str, from_instances: list[str]) -> AsyncIterator[list[str]]:
    """Make the unfinished runs of `from_instances` and of nobody `instance`'s, all of them, page by page."""
    while True:
        page = await store.adopt(instance, from_instances=from_instances, limit=PAGE)
        yield page
        if len(page) < PAGE:
            return


async def rows_to_reuse(store: Store, run: RunRow) -> list[TaskRow]:
    """Of a rerun that has not started: what its origin recorded. Once it has, it holds what it took over itself."""
    if not run.origin_run or run.state is not RunState.QUEUED:
        return []
    origin = await store.load_run(run.origin_run)
    return origin.tasks if origin is not None else []


def _is_queued(adopt: Adopt) -> bool:
    return adopt.stored.run.state is RunState.QUEUED


def to_input(command: CommandRow) -> Cancel | Mark | Suspend | Resume:
    """The engine's input for a stored command. Raises `ValueError` for an unknown kind."""
    payload = command.payload
    task, map_index = payload.get("task", ""), tuple(payload.get("map_index", ()))
    reason = payload.get("reason", "")
    match command.kind:
        case "cancel":
            return Cancel(run_id=command.run_id, actor=command.actor, reason=reason, task=task, map_index=map_index)
        case "mark":
            return Mark(
                run_id=command.run_id,
                actor=command.actor,
                reason=reason,
                task=task,
                map_index=map_index,
                state=TaskState(payload["state"]),
            )
        case "suspend":
            return Suspend(run_id=command.run_id, actor=command.actor, reason=reason)
        case "resume":
            return Resume(run_id=command.run_id, actor=command.actor)
        case unknown:
            raise ValueError(f"unknown command {unknown!r}")

"""The processes of flow hosts: started for the first body, replaced when worn, let go when nobody needs them."""

from __future__ import annotations

import asyncio
from collections import Counter

from toque.errors import ToqueError
from toque.executors.process.fleet import Fleet, Hears
from toque.executors.process.looking import seen
from toque.executors.process.options import ProcessOptions
from toque.executors.process.worker import Kind, Worker
from toque.ports.executor import WorkerSeen

RETIRE_AFTER = 200
"""Dropped bodies keep their memory (see `stage`): a process with so many gets no new ones, and is replaced."""


class Processes:
    """One for each bundle and environment, and those on their way out."""

    hears: Hears

    def __init__(self, options: ProcessOptions, loop: asyncio.AbstractEventLoop) -> None:
        self._options = options
        self._loop = loop
        self._fleet: Fleet | None = None
        self._dropped: Counter[int] = Counter()
        self._looks: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def broken(self) -> ToqueError | None:
        """Why no process can be started any more."""
        return None if self._fleet is None else self._fleet.broken

    def worker(self, kind: Kind, preload: tuple[str, ...] = ()) -> Worker:
        """The process that takes new bodies of `kind`."""
        if self._fleet is None:
            self._fleet = Fleet(self._options)
            self._fleet.start(self.hears)
        for worker in self._fleet.workers.values():
            if worker.kind == kind and not worker.is_leaving:
                return worker
        if self._looks is None:
            self._looks = self._loop.call_later(self._options.idle_s, self._look)
        return self._fleet.spawn(kind, preload)

    def count_dropped(self, worker: Worker) -> None:
        """A body was dropped in there."""
        self._dropped[worker.no] += 1
        if self._dropped[worker.no] >= RETIRE_AFTER and self._fleet is not None:
            # It exits when its last body has ended, or has waited long enough to be dropped as well.
            self._fleet.stop_worker(worker)

    def cannot_start(self, kind: Kind) -> bool:
        """Another process of this kind would not come up either."""
        return self._fleet is not None and self._fleet.cannot_start(kind)

    def gone(self, worker: Worker) -> None:
        """It is dead."""
        self._dropped.pop(worker.no, None)

    def seen(self) -> list[WorkerSeen]:
        """Those that exist, for people."""
        return [] if self._fleet is None else seen(self._fleet)

    def kill(self, worker: Worker) -> None:
        """SIGKILL to it and all that it started."""
        if self._fleet is not None:
            self._fleet.kill(worker)

    async def stop(self) -> None:
        """Kill all of them."""
        if self._looks is not None:
            self._looks.cancel()
        fleet, self._fleet = self._fleet, None
        if fleet is not None:
            for worker in list(fleet.workers.values()):
                fleet.kill(worker)
            await fleet.wait_until_gone(5.0)
            await fleet.stop()
        await asyncio.gather(*self._ending)

    def _look(self) -> None:
        """Let go of processes that have had no body for a while, and at last of the one that forks them."""
        self._looks = None
        if self._fleet is None:
            return
        idle_since_s = self._loop.time() - self._options.idle_s
        for worker in self._fleet.workers.values():
            if worker.is_idle and worker.moved_s <= idle_since_s:
                self._fleet.stop_worker(worker)
        if self._fleet.workers:
            self._looks = self._loop.call_later(self._options.idle_s, self._look)
            return
        ending, self._fleet = self._loop.create_task(self._fleet.stop()), None
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

"""The loop: drain the inbox, decide in memory, write one transaction, and only then act.

An idle system commits at once; a busy one batches whatever came in during the last commit.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from itertools import count

from toque.engine.rows import RunRow
from toque.engine.values import Token
from toque.ports.blobs import Blobs
from toque.ports.clock import Clock
from toque.ports.executor import Executor, Signal
from toque.ports.store import Store, StoreUnavailable
from toque.runtime.acting import Actor
from toque.runtime.adoption import Adoption, Taken
from toque.runtime.batch import Batch
from toque.runtime.deciding import Deciding
from toque.runtime.external import ExternalJobs
from toque.runtime.fuse import Fuse
from toque.runtime.ids import new_instance
from toque.runtime.inbox import Inbox
from toque.runtime.intake import CommitListener, Intake, Listener
from toque.runtime.messages import Launch, Message
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import Ends, OwnedRun
from toque.runtime.relay import Relay
from toque.runtime.settling import Settling
from toque.runtime.timers import Timers
from toque.runtime.versions import Versions

log = logging.getLogger("toque.runtime")


class Runtime:
    """Owns runs by lease and carries them to their end."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        executors: Mapping[str, Executor],
        versions: Versions,
        clock: Clock,
        options: RuntimeOptions,
        role: str = "run",
    ) -> None:
        self.instance = new_instance(role)
        self._role = role
        self._store = store
        self._clock = clock
        self._options = options
        self._executors = executors
        self._inbox: Inbox[Message] = Inbox()
        self._timers = Timers(clock, self._inbox.put)
        self._adoption = Adoption(store, versions, clock, options, self._inbox.put)
        jobs = ExternalJobs(executors, versions, options)
        self._relay = Relay(self.instance, store, clock, jobs, options)
        self._actor = Actor(executors, clock, self._timers, blobs, options, self._inbox.put, jobs=jobs)
        numbers = count(1)
        self._deciding = Deciding(
            self.instance, executors, options, lambda: Token(self.boot, next(numbers)), self._actor.void
        )
        self._ends = Ends()
        self._adoption.contended = lambda: self._deciding.granting.contended
        self._adoption.starves = lambda: self._relay.is_starved
        self._adoption.ends = self._ends
        self._adoption.knows = self._deciding.runs.__contains__
        self._settling = Settling(self.instance, store, clock, self._deciding, self._actor, self._inbox.put, self._ends)
        self._intake = Intake(self._inbox, options.gather_s)
        self.boot = 0
        """Number of this start among all of the store; 0 before `start`."""
        self._turning: asyncio.Task[None] | None = None
        self._grants = True
        self._ending = False
        self._fuse = Fuse(self._ends.broken)

    # -- life cycle

    async def start(self) -> None:
        """Draw a boot number and begin to turn. Raises `AlreadyServed`, `StoreUnavailable`."""
        self.boot = await self._store.new_boot(
            self.instance,
            pid=os.getpid(),
            host=socket.gethostname(),
            role=self._role,
            now_us=self._clock.now_us(),
        )
        self._fuse.arm()
        for executor in self._executors.values():
            await executor.start(self._intake)
        self._turning = asyncio.create_task(self._turn_forever(), name="toque-loop")
        for task in (self._turning, self._timers.start(), self._adoption.start(self.instance), self._relay.start()):
            self._fuse.watch(task)

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """End what runs, record it, and hand unfinished runs over to whoever comes next.

        Raises the error of our own that stopped the loop: then memory is not to be trusted, and nothing is written.
        """
        self._grants = False
        await self._adoption.stop()
        await self._timers.stop()
        await self._relay.stop(grace_s)
        # The loop goes on meanwhile: what ends within the grace is recorded, and need not run again.
        for executor in self._executors.values():
            await executor.stop(grace_s=grace_s)
        self._ending = self._settling.gives_up = True
        self._inbox.wake()
        if self._turning is not None:
            await asyncio.wait([self._turning])
        self._fuse.disarm()
        await self._settling.hand_over()
        self._ends.broken(asyncio.CancelledError())

    async def adopt(self, *, from_instances: Sequence[str] | None = None) -> Taken:
        """Take over runs of dead instances and of nobody now; returns how many."""
        dead = await self._store.dead_instances() if from_instances is None else list(from_instances)
        return await self._adoption.adopt(self.instance, from_instances=dead)

    @property
    def is_idle(self) -> bool:
        """Owns no run, nothing waits in the inbox, and nothing is under way to the outside."""
        return not self._deciding.runs and not len(self._inbox) and self._relay.is_idle

    async def crashed(self) -> None:
        """Return never, but raise the error of Toque's own after which nothing goes on here."""
        await self._fuse.wait()

    async def bring_in(self, run_ids: Sequence[str]) -> None:
        """Load runs that this instance owns by now."""
        await self._adoption.bring_in(run_ids)

    # -- what others call (on the loop's thread)

    def post(self, message: Message) -> None:
        """Put an input, launch or adoption into the inbox."""
        self._inbox.put(message)

    def launch(self, launch: Launch) -> asyncio.Future[RunRow]:
        """Start a run that this instance owns; the future is its last row."""
        ended = self._ends.wait(launch.row.run_id)
        self._inbox.put(launch)
        return ended

    def wait(self, run_id: str) -> asyncio.Future[RunRow]:
        """The last row of a run that this instance owns or is about to adopt."""
        return self._ends.wait(run_id)

    def listen(
        self,
        listener: Listener | None,
        on_signal: Callable[[Signal], None] | None = None,
        on_commit: CommitListener | None = None,
    ) -> None:
        """Call `listener` with the facts of each run after each commit, `on_signal` with each signal, `on_commit` with
        what each transaction wrote."""
        self._intake.listen(listener, on_signal)
        if on_commit is not None:
            self._intake.listen_commits(on_commit)

    def owned(self, run_id: str) -> OwnedRun | None:
        """A run that is in memory here. To be looked at only, and within the same turn of the event loop."""
        return self._deciding.runs.get(run_id)

    # -- the loop

    async def _turn_forever(self) -> None:
        while not (self._ending and not len(self._inbox)):
            messages = await self._inbox.drain(self._options.batch)
            if self._deciding.granting.is_busy and len(messages) < self._options.busy_attempts:
                # The executors have work for a while: more reports are about to come, and share the transaction.
                await asyncio.sleep(self._options.gather_s)
                messages += self._inbox.take(self._options.batch)
            try:
                batch = await self._settling.settle(messages, grant=self._grants)
            except StoreUnavailable as unavailable:
                log.error("the store stays unavailable, others will find out what happened: %s", unavailable)
                return
            self._intake.publish(batch)
            self._actor.act(batch)
            if batch.outbox:
                self._relay.poke()
            self._forget_ended(batch)

    # -- after the commit

    def _forget_ended(self, batch: Batch) -> None:
        for run_id, owned in batch.touched.items():
            row = owned.machine.row
            if row.state.is_terminal and run_id in self._deciding.runs:
                del self._deciding.runs[run_id]
                self._deciding.granting.forget_slots(run_id)
                self._ends.ended(row)

"""The loop: drain the inbox, decide in memory, write one transaction, and only then act.

An idle system commits at once; a busy one batches whatever came in during the last commit. A commit that
fails discards every decision built on it: the runs it touched are read again and the same inputs decided
anew, so that memory never holds what the store does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import msgspec

from toque.engine.effects import SetTimer
from toque.engine.facts import AnyFact
from toque.engine.inputs import AnyInput, AttemptLost, AttemptReturned, AttemptStarted
from toque.engine.restore import restore
from toque.engine.rows import RunRow
from toque.engine.run import decide, new_run
from toque.engine.states import RunState
from toque.engine.values import Token
from toque.ports.blobs import Blobs
from toque.ports.clock import Clock
from toque.ports.executor import Executor, Signal
from toque.ports.store import OwnershipLost, PoolFull, Store, StoredRun, StoreUnavailable
from toque.runtime.acting import Actor
from toque.runtime.adoption import Adoption
from toque.runtime.batch import Batch
from toque.runtime.granting import Granting
from toque.runtime.ids import new_instance
from toque.runtime.inbox import Inbox
from toque.runtime.messages import Adopt, Launch, Message, Ordered
from toque.runtime.options import RuntimeOptions
from toque.runtime.owned import Ends, OwnedRun
from toque.runtime.timers import Timers
from toque.runtime.versions import Versions

log = logging.getLogger("toque.runtime")

Listener = Callable[[OwnedRun, Sequence[AnyFact]], None]


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
        self.runs: dict[str, OwnedRun] = {}
        self._role = role
        self._store = store
        self._clock = clock
        self._options = options
        self._executors = executors
        self._inbox: Inbox[Message] = Inbox()
        self._timers = Timers(clock, self._inbox.put)
        self._adoption = Adoption(store, versions, clock, options, self._inbox.put)
        self._granting = Granting(self.runs, executors, options)
        self._actor = Actor(executors, clock, self._timers, blobs, options, self._inbox.put)
        self._ends = Ends()
        self._listeners: list[Listener] = []
        self._signal_listeners: list[Callable[[Signal], None]] = []
        self._lost: list[str] = []
        self._boot = 0
        self._tokens = count(1)
        self._turning: asyncio.Task[None] | None = None
        self._stopping = False

    # -- life cycle

    async def start(self) -> None:
        """Draw a boot number and begin to turn. Raises `AlreadyServed`, `StoreUnavailable`."""
        self._boot = await self._store.new_boot(
            self.instance,
            pid=os.getpid(),
            host=socket.gethostname(),
            role=self._role,
            now_us=self._clock.now_us(),
        )
        for executor in self._executors.values():
            await executor.start(self)
        self._timers.start()
        self._adoption.start(self.instance)
        self._turning = asyncio.create_task(self._turn_forever(), name="toque-loop")

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """End what runs, record it, and hand unfinished runs over to whoever comes next."""
        await self._adoption.stop()
        await self._timers.stop()
        self._stopping = True
        for executor in self._executors.values():
            await executor.stop(grace_s=grace_s)
        self._inbox.wake()
        if self._turning is not None:
            await self._turning
        await self._hand_over()
        self._ends.broken(asyncio.CancelledError())

    async def adopt(self, *, from_instances: Sequence[str] | None = None) -> int:
        """Take over runs of dead instances and of nobody now; returns how many."""
        dead = await self._store.dead_instances() if from_instances is None else list(from_instances)
        return await self._adoption.adopt(self.instance, from_instances=dead)

    @property
    def is_idle(self) -> bool:
        """Owns no run, and nothing waits in the inbox."""
        return not self.runs and not len(self._inbox)

    async def bring_in(self, run_ids: Sequence[str]) -> None:
        """Load runs that this instance owns by now."""
        for run_id in run_ids:
            await self._adoption.bring_in(run_id)

    # -- what others call (on the loop's thread)

    def post(self, message: Message) -> None:
        """Put an input, launch or adoption into the inbox."""
        self._inbox.put(message)

    def report(self, report: AnyInput) -> None:
        """Sink: reports of executors, and requests of flow hosts."""
        if isinstance(report, AttemptStarted):
            # Nothing follows from it: it shares the transaction of what comes next, which mostly is its end.
            self._inbox.put_quietly(report, self._options.gather_s)
        else:
            self._inbox.put(report)

    def signal(self, signal: Signal) -> None:
        """Sink: progress, metrics and artifacts."""
        for listener in self._signal_listeners:
            listener(signal)

    def capacity_changed(self) -> None:
        """Sink: an executor may take more."""
        self._inbox.wake()

    def launch(self, launch: Launch) -> asyncio.Future[RunRow]:
        """Start a run that this instance owns; the future is its last row."""
        ended = self._ends.wait(launch.row.run_id)
        self._inbox.put(launch)
        return ended

    def wait(self, run_id: str) -> asyncio.Future[RunRow]:
        """The last row of a run that this instance owns or is about to adopt."""
        return self._ends.wait(run_id)

    def listen(self, listener: Listener, on_signal: Callable[[Signal], None] | None = None) -> None:
        """Call `listener` with the facts of each run after each commit."""
        self._listeners.append(listener)
        if on_signal is not None:
            self._signal_listeners.append(on_signal)

    # -- the loop

    async def _turn_forever(self) -> None:
        while not (self._stopping and not len(self._inbox)):
            messages = await self._inbox.drain(self._options.batch)
            if self._granting.in_flight >= self._options.busy_attempts and len(messages) < self._options.busy_attempts:
                # The executors have work for a while: more reports are about to come, and share the transaction.
                await asyncio.sleep(self._options.gather_s)
                messages += self._inbox.take(self._options.batch)
            try:
                batch = await self._settle(messages)
            except Exception as bug:
                log.exception("the loop stopped on an error of Toque's own")
                self._ends.broken(bug)
                raise
            self._publish(batch)
            self._actor.act(batch)
            self._forget_ended(batch)

    async def _settle(self, messages: list[Message]) -> Batch:
        """Decide `messages` until their transaction has been written."""
        delay_s = 0.05
        while True:
            batch = Batch(self._clock.now_us())
            while self._lost:
                self._granting.over(batch, self._lost.pop())
            for message in messages:
                self._decide(batch, message)
            if not self._stopping:
                self._granting.grant(batch, self._new_token)
            if batch.is_empty:
                return batch
            try:
                await self._store.commit(batch.to_commit(self.instance))
                return batch
            except PoolFull as full:
                messages = await self._reload(batch) + messages
                self._granting.used_elsewhere(full.used)
            except OwnershipLost as lost:
                log.warning("%s", lost)
                for run_id in lost.runs:
                    self._disown(run_id)
                    batch.touched.pop(run_id, None)
                messages = [message for message in messages if run_of(message) not in lost.runs]
                messages = await self._reload(batch) + messages
            except StoreUnavailable as unavailable:
                log.error("nothing is lost, trying again in %.2g s: %s", delay_s, unavailable)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, 5.0)
                messages = await self._reload(batch) + messages

    async def _reload(self, batch: Batch) -> list[Message]:
        """Replace the machines of a failed batch by what the store knows; returns what is to be decided first."""
        first: list[Message] = []
        again = Batch(batch.now_us)
        for run_id, owned in batch.touched.items():
            self._granting.reread(owned)
            del self.runs[run_id]
        for run_id, owned in batch.touched.items():
            stored = await self._load(run_id)
            if stored is None or stored.run.owner != self.instance or stored.run.state.is_terminal:
                continue
            adopt = Adopt(stored, owned.pipeline, owned.bundle)
            if stored.run.state is RunState.QUEUED:
                first.append(adopt)
                continue
            await self._give_back_unsent(self._take_in(again, adopt, alive=True))
        for owned, effect in again.effects:
            if isinstance(effect, SetTimer):
                self._timers.set(owned.run_id, effect)
        return first

    async def _give_back_unsent(self, owned: OwnedRun) -> None:
        """A commit whose answer was lost may have been written: what it dispatched was never submitted.

        The reports go to the end of the inbox, behind the true ones of attempts that have ended meanwhile.
        """
        active = owned.machine.active()
        held: set[Token] = set()
        for executor in self._executors.values():
            held.update(await executor.reconcile([token for _, _, token in active]))
        for key, attempt, token in active:
            if token not in held:
                self._inbox.put(
                    AttemptReturned(
                        run_id=owned.run_id, task=key.task, map_index=key.map_index, attempt=attempt, token=token
                    )
                )

    async def _load(self, run_id: str) -> StoredRun | None:
        while True:
            try:
                return await self._store.load_run(run_id)
            except StoreUnavailable as unavailable:
                log.error("cannot read run %s, trying again: %s", run_id, unavailable)
                await asyncio.sleep(1.0)

    # -- decisions (no I/O below)

    def _decide(self, batch: Batch, message: Message) -> None:
        match message:
            case Launch():
                if message.row.run_id not in self.runs:
                    self._launch(batch, message)
            case Adopt():
                if message.stored.run.run_id not in self.runs:
                    self._take_in(batch, message, alive=False)
            case Ordered():
                batch.commands_done.append(message.command)
                self._decide(batch, message.input)
            case _:
                owned = self.runs.get(message.run_id)
                if owned is None:
                    self._actor.void(message)
                    return
                self._granting.step(batch, owned, decide(owned.machine, message, batch.now_us))

    def _launch(self, batch: Batch, launch: Launch) -> None:
        row = msgspec.structs.replace(launch.row, owner=self.instance)
        owned = OwnedRun(new_run(launch.pipeline, row, launch.reuse), launch.pipeline, launch.bundle)
        self.runs[row.run_id] = owned
        batch.add(owned, [])
        self._granting.request_run(batch, owned)

    def _take_in(self, batch: Batch, adopt: Adopt, *, alive: bool) -> OwnedRun:
        """Bring a stored run into memory. `alive`: its attempts still run under this instance's executors."""
        machine, effects = restore(adopt.pipeline, adopt.stored)
        owned = OwnedRun(machine, adopt.pipeline, adopt.bundle)
        self.runs[machine.row.run_id] = owned
        self._granting.restore(batch, owned, effects)
        if alive:
            return owned
        batch.add(owned, [])
        for key, attempt, token in machine.active():
            lost = AttemptLost(
                run_id=machine.row.run_id,
                task=key.task,
                map_index=key.map_index,
                attempt=attempt,
                token=token,
                finished_us=batch.now_us,
                reason="the process that owned the run ended",
                blameless=True,
            )
            self._granting.step(batch, owned, decide(machine, lost, batch.now_us))
        if machine.row.state is RunState.QUEUED:
            self._granting.request_run(batch, owned)
        return owned

    def _new_token(self) -> Token:
        return Token(self._boot, next(self._tokens))

    # -- after the commit

    def _publish(self, batch: Batch) -> None:
        for owned, facts in batch.facts():
            for listener in self._listeners:
                listener(owned, facts)

    def _forget_ended(self, batch: Batch) -> None:
        for run_id, owned in batch.touched.items():
            row = owned.machine.row
            if row.state.is_terminal and run_id in self.runs:
                del self.runs[run_id]
                self._granting.forget_slots(run_id)
                self._ends.ended(row)

    def _disown(self, run_id: str) -> None:
        """Another instance owns the run: stop its attempts here, write nothing about it."""
        owned = self.runs.pop(run_id, None)
        self._lost.append(run_id)
        if owned is not None:
            self._actor.stop_all(owned)

    async def _hand_over(self) -> None:
        """Give up the ownership of unfinished runs, so that the next instance takes them at once."""
        batch = Batch(self._clock.now_us())
        for owned in self.runs.values():
            owned.machine.row.owner = ""
            batch.add(owned, [])
        if not batch.is_empty:
            with contextlib.suppress(StoreUnavailable, OwnershipLost):
                await self._store.commit(batch.to_commit(self.instance))


def run_of(message: Message) -> str:
    """The run that a message is about."""
    match message:
        case Launch():
            return message.row.run_id
        case Adopt():
            return message.stored.run.run_id
        case Ordered():
            return message.input.run_id
        case _:
            return message.run_id

"""The process executor: see the package."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from toque.engine.values import ErrorInfo, Token
from toque.errors import ToqueError
from toque.executors import reports
from toque.executors.process.durations import Durations
from toque.executors.process.fleet import Fleet, Hears, idle_worker, interrogate
from toque.executors.process.hearing import Hearing
from toque.executors.process.ledger import Ledger, now_us
from toque.executors.process.looking import seen
from toque.executors.process.options import ProcessOptions
from toque.executors.process.placement import Placement, lane_of
from toque.executors.process.watch import Watch
from toque.executors.process.worker import Held, Kind
from toque.executors.validating import Asked
from toque.graph.ir import TaskNode
from toque.ports.executor import BundleRef, Sink, WorkerSeen, WorkItem
from toque.worker import wire

CLOSE_S = 1.0
"""Idle workers have so long to close their resources."""


class ProcessExecutor:
    """Runs attempts in processes of this machine. Implements `toque.ports.executor.Executor`."""

    name = "process"

    def __init__(self, options: ProcessOptions) -> None:
        self._options = options
        self._durations = Durations()
        self._fleet = Fleet(options)
        self._placement = Placement(options, self._fleet, self._durations)
        self._ledger = Ledger(self._placement)
        self._watch = Watch(options, self._fleet, self._placement, self._ledger)
        self._hearing = Hearing(self._fleet, self._placement, self._ledger, self._durations)
        self._questions = itertools.count(1)

    async def start(self, sink: Sink) -> None:
        """See `Executor.start`. Returns before the first process is up."""
        self._ledger.sink = sink
        self._fleet.start(Hears(self._hearing.on_message, self._hearing.on_turn, self._hearing.on_death))
        self._watch.start()

    def free(self) -> int:
        """See `Executor.free`."""
        return 0 if self._hearing.is_stopping else self._placement.free()

    def room(self, node: TaskNode) -> int:
        """See `Executor.room`."""
        return 0 if self._hearing.is_stopping else self._placement.room(lane_of(node), self._durations.of(node))

    def warm(self, bundle: BundleRef, modules: Sequence[str] = (), *, environment: str = "") -> None:
        """Start workers for a bundle before there is work for them; they import `modules`."""
        kind = Kind(bundle, environment, "sync")
        there = sum(1 for each in self._fleet.workers.values() if each.kind.lane == "sync" and not each.is_leaving)
        for _ in range(self._options.workers - there):
            self._fleet.spawn(kind, tuple(modules))

    def submit(self, item: WorkItem) -> None:
        """See `Executor.submit`."""
        helds = [Held(spec, Kind(item.bundle, item.environment, lane_of(spec.node))) for spec in item.attempts]
        new = [held for held in helds if self._ledger.take_in(held)]
        problem = self._problem(item.environment)
        if self._hearing.is_stopping:
            self._ledger.give_back(new)
        elif problem is not None:
            for held in new:
                self._ledger.end(held, reports.failed(held.spec, now_us(), 0, problem))
        else:
            self._placement.add(new)
            self._placement.place()
            self._watch.wake()

    def withdraw(self, tokens: Sequence[Token]) -> None:
        """See `Executor.withdraw`."""
        self._ledger.give_back(self._ledger.take_back(tokens))
        self._placement.place()

    def cancel(self, token: Token, *, grace_s: float) -> None:
        """See `Executor.cancel`."""
        for held in self._ledger.take_back([token]):
            self._ledger.end_doomed(held)
        held_still = self._ledger.get(token)
        if held_still is not None:
            self._watch.doom(held_still, "cancel", grace_s=grace_s)
        self._placement.place()

    def acknowledge(self, token: Token) -> None:
        """See `Executor.acknowledge`."""
        self._ledger.acknowledge(token)

    async def reconcile(self, tokens: Sequence[Token]) -> list[Token]:
        """See `Executor.reconcile`. Workers die with their server, so only what was submitted to this one is here."""
        return [token for token in tokens if self._ledger.get(token) is not None]

    def workers(self) -> list[WorkerSeen]:
        """See `HasWorkers`."""
        return seen(self._fleet)

    async def ask(
        self, bundle: BundleRef, kind: str, payload: bytes, *, timeout_s: float, environment: str = ""
    ) -> bytes:
        """Put a question to an idle worker of `bundle` (else to a new one), which stays on. Raises `Asked` after it was
        killed for not answering in time, and `ToqueError` if it died or could not answer."""
        worker = idle_worker(self._fleet, Kind(bundle, environment, "sync"))
        number = next(self._questions)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        worker.asked[number] = future
        worker.send(wire.Ask(number, kind, payload))
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            raise Asked(await interrogate(self._fleet, worker)) from None
        except ConnectionResetError:
            raise ToqueError(f"the process that was to {kind} it died") from None
        finally:
            worker.asked.pop(number, None)
            self._placement.place()

    async def stop(self, *, grace_s: float) -> None:
        """See `Executor.stop`. Idle workers close their resources."""
        if self._hearing.is_stopping:
            return
        self._hearing.is_stopping = True
        waiting = self._ledger.take_back([held.spec.token for held in self._ledger.all()])
        self._ledger.give_back(waiting)
        for worker in list(self._fleet.workers.values()):
            self._fleet.stop_worker(worker)
        if not await self._fleet.wait_until_gone(max(grace_s, 0.0 if len(self._ledger) else CLOSE_S)):
            for worker in list(self._fleet.workers.values()):
                self._fleet.kill(worker)
            await self._fleet.wait_until_gone(5.0)
        self._watch.stop()
        await self._fleet.stop()

    def _problem(self, environment: str) -> ErrorInfo | None:
        if self._fleet.broken is not None:
            return ErrorInfo(kind="infrastructure", type="WorkerLost", message=str(self._fleet.broken))
        if environment and environment not in self._options.environments:
            known = ", ".join(sorted(self._options.environments)) or "none"
            message = f"there is no environment {environment!r} (known: {known})\n  Fix: add it to toque.toml"
            return ErrorInfo(kind="code", type="toque.errors.UserError", message=message, retryable=False)
        return None

"""The flow host as the server sees it: a process per bundle in which bodies live, beside those that run tasks.

| module | role |
|---|---|
| `host` | the port: submits, answers, cancels |
| `processes` | the processes: started for the first body, replaced, let go when nobody needs them |
| `residents` | the bodies in them, and what they say |
| `forcing` | timeouts and cancels that are not heeded |
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from toque.engine.effects import AnswerStep
from toque.engine.values import ErrorInfo, Token
from toque.executors import reports
from toque.executors.flow.processes import Processes
from toque.executors.flow.residents import Residents, now_us
from toque.executors.process.fleet import Hears
from toque.executors.process.options import ProcessOptions
from toque.executors.process.worker import Held, Kind
from toque.graph.ir import TaskNode
from toque.ports.executor import BundleRef, Sink, WorkerSeen, WorkItem

MAX_BODIES = 10_000


class FlowHost:
    """Runs bodies of flows in processes of this machine. Implements `toque.ports.executor.FlowExecutor`.

    The first process (and the zygote that forks it) is started for the first body: who has no flows pays nothing.
    """

    name = "flow"

    def __init__(self, options: ProcessOptions) -> None:
        # Sets of strings are iterated in an order that depends on the seed of their hashes: one seed for all
        # replays, so that a body may loop over a set.
        self._options = replace(options, environ={**options.environ, "PYTHONHASHSEED": "0"})
        self._is_stopping = False
        self._processes: Processes
        self._residents: Residents

    async def start(self, sink: Sink) -> None:
        """See `Executor.start`."""
        loop = asyncio.get_running_loop()
        self._processes = Processes(self._options, loop)
        self._residents = Residents(sink, self._processes, loop)
        self._processes.hears = Hears(self._residents.on_message, lambda: None, self._residents.on_death)

    def free(self) -> int:
        """See `Executor.free`: a body that waits costs nothing but memory."""
        return 0 if self._is_stopping else max(0, MAX_BODIES - len(self._residents.held))

    def room(self, node: TaskNode) -> int:
        """See `Executor.room`."""
        return self.free()

    def warm(self, bundle: BundleRef, modules: Sequence[str] = (), *, environment: str = "") -> None:
        """Start the process for a bundle before there is a body for it; it imports `modules`."""
        self._processes.worker(Kind(bundle, environment, "flow"), tuple(modules))

    def workers(self) -> list[WorkerSeen]:
        """See `HasWorkers`."""
        return self._processes.seen()

    def submit(self, item: WorkItem) -> None:
        """See `Executor.submit`."""
        kind = Kind(item.bundle, item.environment, "flow")
        new = self._residents.add([Held(spec, kind) for spec in item.attempts])
        problem = self._problem(item.environment)
        if self._is_stopping:
            for held in new:
                self._residents.end(held, reports.returned(held.spec))
        elif problem is not None:
            for held in new:
                self._residents.end(held, reports.failed(held.spec, now_us(), 0, problem))
        elif new:
            self._processes.worker(kind).give(new, asyncio.get_running_loop().time())

    def answer(self, effect: AnswerStep) -> None:
        """See `FlowExecutor.answer`."""
        self._residents.answer(effect)

    def withdraw(self, tokens: Sequence[Token]) -> None:
        """See `Executor.withdraw`: bodies begin at once, so there is nothing to give back."""

    def cancel(self, token: Token, *, grace_s: float) -> None:
        """See `Executor.cancel`. A body that ignores it is dropped where it waits; only one that is busy costs its
        process, and the other bodies in there are replayed."""
        held = self._residents.held.get(token)
        if held is not None:
            self._residents.forcing.doom(held, "cancel", grace_s)

    def acknowledge(self, token: Token) -> None:
        """See `Executor.acknowledge`."""
        self._residents.unacknowledged.discard(token)

    async def reconcile(self, tokens: Sequence[Token]) -> list[Token]:
        """See `Executor.reconcile`. Flow hosts die with their server."""
        return [token for token in tokens if token in self._residents.held]

    async def stop(self, *, grace_s: float) -> None:
        """See `Executor.stop`. Bodies are dropped where they stand, which is what their replay is for."""
        self._is_stopping = True
        self._residents.is_stopping = True
        await self._processes.stop()

    def _problem(self, environment: str) -> ErrorInfo | None:
        if self._processes.broken is not None:
            return ErrorInfo(kind="infrastructure", type="WorkerLost", message=str(self._processes.broken))
        if environment and environment not in self._options.environments:
            known = ", ".join(sorted(self._options.environments)) or "none"
            message = f"there is no environment {environment!r} (known: {known})\n  Fix: add it to toque.toml"
            return ErrorInfo(kind="code", type="toque.errors.UserError", message=message, retryable=False)
        return None

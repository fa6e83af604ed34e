"""The inline executor: attempts run in the thread of the loop, one after the other, in the order of submission.

For tests and debugging: breakpoints work, and nothing is concurrent but `async` tasks, which run on the same loop. A
sync body that blocks cannot be stopped, so timeouts hold for async tasks only; everything else has the same meaning
as elsewhere.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from toque.engine.inputs import AnyReport, AttemptCancelled
from toque.engine.values import Token
from toque.errors import ToqueError
from toque.executors import reports
from toque.graph.ir import TaskNode
from toque.ports.blobs import Blobs
from toque.ports.executor import AttemptSpec, Signal, Sink, WorkItem
from toque.worker import attempt, capture, code
from toque.worker.environment import Environment
from toque.worker.failures import Failures
from toque.worker.injection import Known

MAX_HELD = 100


def _no_settings() -> Known:
    raise ToqueError("no project is at hand: connections, variables and secrets need one")


class _Hosts:
    """What hosts say of the tasks that they run, from any of their threads, in the order in which they say it."""

    def __init__(self) -> None:
        self._told: deque[AnyReport] = deque()

    def start(self, sink: Sink) -> None:
        """From here on there is somebody to tell it to, in this thread."""
        self._sink = sink
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def tell(self, report: AnyReport) -> None:
        """Tell it now; another thread than the loop's leaves that to the loop."""
        self._told.append(report)
        if threading.get_ident() == self._thread:
            self.pass_on()
        else:
            self._loop.call_soon_threadsafe(self.pass_on)

    def pass_on(self) -> None:
        """Tell what was left to the loop."""
        while self._told:
            self._sink.report(self._told.popleft())


class InlineExecutor:
    """Runs attempts here and now."""

    name = "inline"

    def __init__(
        self,
        open_blobs: Callable[[], Blobs],
        load_settings: Callable[[], Known] = _no_settings,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        secrets: Iterable[str] = (),
    ) -> None:
        self._queue: deque[AttemptSpec] = deque()
        self._tasks: dict[Token, asyncio.Task[None]] = {}
        self._known: set[Token] = set()
        self._capture = capture.Borrowed()
        self._sink: Sink
        self._is_scheduled = False
        self._root = ""
        self._hosts = _Hosts()
        self._env = Environment(
            open_blobs, load_settings, self._signal, self._hosts.tell, now_us=now_us, worker="inline"
        )
        self._env.masker.add(*secrets)

    async def start(self, sink: Sink) -> None:
        """See `Executor.start`."""
        self._sink = sink
        self._hosts.start(sink)

    def free(self) -> int:
        """See `Executor.free`."""
        return max(0, MAX_HELD - len(self._queue) - len(self._tasks))

    def room(self, node: TaskNode) -> int:
        """See `Executor.room`."""
        return self.free()

    def submit(self, item: WorkItem) -> None:
        """See `Executor.submit`. Nothing runs before the caller returns to the loop."""
        if item.bundle.path and item.bundle.path != self._root:
            self._root = item.bundle.path
            code.lead_with(self._root)
            self._env.failures = Failures((self._root, item.bundle.project), self._env.masker)
        for spec in item.attempts:
            if spec.token not in self._known:
                self._known.add(spec.token)
                self._queue.append(spec)
        self._schedule()

    def withdraw(self, tokens: Sequence[Token]) -> None:
        """See `Executor.withdraw`."""
        for spec in self._take(set(tokens)):
            self._sink.report(reports.returned(spec))

    def cancel(self, token: Token, *, grace_s: float) -> None:
        """See `Executor.cancel`: async tasks are cancelled, sync ones can only be before they begin."""
        for spec in self._take({token}):
            self._sink.report(reports.cancelled(spec, self._env.now_us()))
        if token in self._tasks:
            self._tasks[token].cancel()

    def acknowledge(self, token: Token) -> None:
        """See `Executor.acknowledge`."""
        self._known.discard(token)

    async def reconcile(self, tokens: Sequence[Token]) -> list[Token]:
        """See `Executor.reconcile`: what ran in an earlier process is gone with it."""
        held = {spec.token for spec in self._queue} | self._tasks.keys()
        return [token for token in tokens if token in held]

    async def stop(self, *, grace_s: float) -> None:
        """See `Executor.stop`."""
        for spec in self._take({spec.token for spec in self._queue}):
            self._sink.report(reports.returned(spec))
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel("stop")
        await asyncio.gather(*tasks, return_exceptions=True)
        self._env.supplier.close()

    def _take(self, tokens: set[Token]) -> list[AttemptSpec]:
        taken = [spec for spec in self._queue if spec.token in tokens]
        self._queue = deque(spec for spec in self._queue if spec.token not in tokens)
        return taken

    def _signal(self, signal: Signal) -> None:
        self._sink.signal(signal)

    def _schedule(self) -> None:
        if self._queue and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        self._is_scheduled = False
        if not self._queue:
            return
        spec = self._queue.popleft()
        self._capture.take()
        self._env.echo = self._capture.echo
        if spec.node.code.mode == "async":
            task = asyncio.get_running_loop().create_task(self._run_async(spec))
            self._tasks[spec.token] = task
        else:
            try:
                self._sink.report(attempt.started(spec, self._env))
                report = attempt.execute(spec, self._env)
            finally:
                self._capture.give_back()
            self._hosts.pass_on()
            self._sink.report(report)
            self._sink.capacity_changed()
        self._schedule()

    async def _run_async(self, spec: AttemptSpec) -> None:
        self._sink.report(attempt.started(spec, self._env))
        body = asyncio.ensure_future(attempt.execute_async(spec, self._env))
        stopped = ""
        try:
            done, _ = await asyncio.wait({body}, timeout=spec.node.policy.timeout_s)
            if not done:
                stopped = "timeout"
                body.cancel()
                await asyncio.wait({body})
        except asyncio.CancelledError as error:
            stopped = "stop" if "stop" in error.args else "cancel"
            body.cancel()
            await asyncio.wait({body})
        finally:
            self._tasks.pop(spec.token, None)
            self._capture.give_back()
        report = body.result()
        self._hosts.pass_on()
        if isinstance(report, AttemptCancelled) and stopped == "timeout":
            self._sink.report(reports.timed_out(spec, report.finished_us, report.started_us))
        elif isinstance(report, AttemptCancelled) and stopped != "cancel":
            self._sink.report(reports.lost(spec, report.finished_us, "the executor was stopped", blameless=True))
        else:
            self._sink.report(report)
        self._sink.capacity_changed()

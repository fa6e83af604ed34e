"""Flows in the process that asks: for `flow.run()` in tests and notebooks. Async bodies run on the thread of the
loop, so that breakpoints work there; a sync body has a thread of its own, as everywhere."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from toque.engine.effects import AnswerStep
from toque.engine.inputs import AnyReport, AttemptCancelled, AttemptStarted, Report
from toque.engine.values import Token
from toque.errors import ToqueError
from toque.executors import reports
from toque.executors.flow.asking import FlowMessage
from toque.executors.flow.stage import Stage
from toque.graph.ir import TaskNode
from toque.ports.blobs import Blobs
from toque.ports.executor import AttemptSpec, Signal, Sink, WorkItem
from toque.worker import capture, code
from toque.worker.environment import Environment
from toque.worker.injection import Known

MAX_BODIES = 10_000


def _no_settings() -> Known:
    raise ToqueError("no project is at hand: connections, variables and secrets need one")


class InlineFlows:
    """An `Executor` for bodies of flows, in this process. Never evicts, and dies with it."""

    name = "flow"

    def __init__(
        self,
        open_blobs: Callable[[], Blobs],
        load_settings: Callable[[], Known] = _no_settings,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        secrets: Iterable[str] = (),
    ) -> None:
        self._env = Environment(open_blobs, load_settings, self._signal, now_us=now_us, worker="inline")
        self._env.masker.add(*secrets)
        self._stage = Stage(self._env, self._send)
        self._specs: dict[Token, AttemptSpec] = {}
        self._started_us: dict[Token, int] = {}
        self._timeouts: dict[Token, asyncio.TimerHandle] = {}
        self._timed_out: set[Token] = set()
        self._answers: list[AnswerStep] = []
        self._capture = capture.Borrowed()
        self._sink: Sink
        self._loop: asyncio.AbstractEventLoop
        self._thread = 0
        self._stopping = False

    async def start(self, sink: Sink) -> None:
        """See `Executor.start`."""
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def free(self) -> int:
        """See `Executor.free`: a body that waits costs nothing but memory."""
        return max(0, MAX_BODIES - len(self._specs))

    def room(self, node: TaskNode) -> int:
        """See `Executor.room`."""
        return self.free()

    def submit(self, item: WorkItem) -> None:
        """See `Executor.submit`. Nothing runs before the caller returns to the loop."""
        if item.bundle.path:
            code.lead_with([item.bundle.path])
        for spec in item.attempts:
            if spec.token not in self._specs:
                self._specs[spec.token] = spec
                self._loop.call_soon(self._begin, spec.token)

    def answer(self, effect: AnswerStep) -> None:
        """A step of a body that was submitted here has ended."""
        if not self._answers:
            self._loop.call_soon(self._hand_out)
        self._answers.append(effect)

    def withdraw(self, tokens: Sequence[Token]) -> None:
        """See `Executor.withdraw`: bodies begin at once, so there is nothing to give back."""

    def cancel(self, token: Token, *, grace_s: float) -> None:
        """See `Executor.cancel`. A body that is busy cannot be forced here; it ends where it next waits."""
        if token in self._specs:
            self._loop.call_soon(self._stage.cancel, token)
            self._loop.call_later(grace_s, self._force, token, grace_s)

    def acknowledge(self, token: Token) -> None:
        """See `Executor.acknowledge`."""

    async def reconcile(self, tokens: Sequence[Token]) -> list[Token]:
        """See `Executor.reconcile`: what ran in an earlier process is gone with it."""
        return [token for token in tokens if token in self._specs]

    async def stop(self, *, grace_s: float) -> None:
        """See `Executor.stop`. Bodies are dropped where they stand: whoever resumes the run replays them."""
        self._stopping = True
        for token, spec in list(self._specs.items()):
            self._forget(token)
            self._stage.drop(token)
            self._sink.report(reports.lost(spec, self._env.now_us(), "the executor was stopped", blameless=True))
        self._env.supplier.close()

    # -- on the loop's thread

    def _begin(self, token: Token) -> None:
        spec = self._specs.get(token)
        if spec is None:
            return
        self._capture.take()
        self._env.echo = self._capture.echo
        if spec.node.policy.timeout_s is not None:
            self._timeouts[token] = self._loop.call_later(spec.node.policy.timeout_s, self._time_out, token)
        self._stage.begin(spec)

    def _hand_out(self) -> None:
        answers, self._answers = self._answers, []
        self._stage.answer(answers)

    def _time_out(self, token: Token) -> None:
        self._timed_out.add(token)
        self.cancel(token, grace_s=0)

    def _force(self, token: Token, again_s: float) -> None:
        """The grace is over."""
        spec = self._specs.get(token)
        if spec is None:
            return
        if self._stage.drop(token):
            self._deliver([reports.cancelled(spec, self._env.now_us(), self._started_us.get(token, 0))])
        else:
            self._loop.call_later(max(again_s, 0.05), self._force, token, again_s)

    # -- from the stage

    def _send(self, messages: Sequence[FlowMessage]) -> None:
        """Called by bodies: on the loop's thread, or in the thread of a sync body."""
        if threading.get_ident() == self._thread:
            self._deliver(messages)
        elif not self._stopping:
            self._loop.call_soon_threadsafe(self._deliver, messages)

    def _deliver(self, messages: Sequence[FlowMessage]) -> None:
        for message in messages:
            if isinstance(message, AttemptStarted):
                self._started_us[message.token] = message.started_us
            elif isinstance(message, Report):
                self._deliver_end(message)
                continue
            self._sink.report(message)

    def _deliver_end(self, report: AnyReport) -> None:
        """The report of a body's end. One that was dropped before has been reported."""
        spec = self._specs.get(report.token)
        if spec is None:
            return
        started_us = self._started_us.get(report.token, 0)
        timed_out = report.token in self._timed_out
        self._forget(report.token)
        if timed_out and isinstance(report, AttemptCancelled):
            report = reports.timed_out(spec, report.finished_us, started_us)
        self._sink.report(report)

    def _forget(self, token: Token) -> None:
        self._specs.pop(token, None)
        self._timed_out.discard(token)
        if self._started_us.pop(token, None) is not None:
            self._capture.give_back()
            self._loop.call_soon(self._sink.capacity_changed)
        timeout = self._timeouts.pop(token, None)
        if timeout is not None:
            timeout.cancel()

    def _signal(self, signal: Signal) -> None:
        if threading.get_ident() == self._thread:
            self._sink.signal(signal)
        elif not self._stopping:
            self._loop.call_soon_threadsafe(self._sink.signal, signal)

"""Flows in the process that asks: for `flow.run()` in tests and notebooks. Async bodies run on the thread of the
loop, so that breakpoints work there; a sync body has a thread of its own, as everywhere."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

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
from toque.worker.failures import Failures
from toque.worker.injection import Known

MAX_BODIES = 10_000
LOOK_AGAIN_S = 0.05
"""At a body that is to end and is busy."""


def _no_settings() -> Known:
    raise ToqueError("no project is at hand: connections, variables and secrets need one")


class InlineFlows:
    """Runs bodies of flows in this process; implements `toque.ports.executor.FlowExecutor`. Never evicts."""

    name = "flow"

    def __init__(
        self,
        open_blobs: Callable[[], Blobs],
        load_settings: Callable[[], Known] = _no_settings,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        secrets: Iterable[str] = (),
    ) -> None:
        self._desk = _Desk()
        self._env = Environment(open_blobs, load_settings, self._desk.signal, now_us=now_us, worker="inline")
        self._env.masker.add(*secrets)
        self._stage = Stage(self._env, self._desk.send)
        self._answers: list[AnswerStep] = []
        self._root = ""

    @property
    def is_busy(self) -> bool:
        """The code of a body runs right now, in its thread."""
        tokens = self._stage.tokens
        return len(self._stage.waiting(tokens)) < len(tokens)

    async def start(self, sink: Sink) -> None:
        """See `Executor.start`."""
        self._desk.open(sink)

    def free(self) -> int:
        """See `Executor.free`: a body that waits costs nothing but memory."""
        return max(0, MAX_BODIES - len(self._desk.specs))

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
            if spec.token not in self._desk.specs:
                self._desk.specs[spec.token] = spec
                self._desk.loop.call_soon(self._begin, spec)

    def answer(self, effect: AnswerStep) -> None:
        """See `FlowExecutor.answer`."""
        if not self._answers:
            self._desk.loop.call_soon(self._hand_out)
        self._answers.append(effect)

    def withdraw(self, tokens: Sequence[Token]) -> None:
        """See `Executor.withdraw`: bodies begin at once, so there is nothing to give back."""

    def cancel(self, token: Token, *, grace_s: float) -> None:
        """See `Executor.cancel`. A body that is busy cannot be forced here; it ends where it next waits."""
        spec = self._desk.specs.get(token)
        if spec is not None:
            self._desk.loop.call_soon(self._stage.cancel, token)
            self._desk.loop.call_later(grace_s, self._force, spec)

    def acknowledge(self, token: Token) -> None:
        """See `Executor.acknowledge`."""

    async def reconcile(self, tokens: Sequence[Token]) -> list[Token]:
        """See `Executor.reconcile`: what ran in an earlier process is gone with it."""
        return [token for token in tokens if token in self._desk.specs]

    async def stop(self, *, grace_s: float) -> None:
        """See `Executor.stop`. Bodies are dropped where they stand: whoever resumes the run replays them."""
        for token, spec in list(self._desk.specs.items()):
            self._stage.drop(token)
            self._desk.end(reports.lost(spec, self._env.now_us(), "the executor was stopped", blameless=True))
        self._desk.close()
        self._env.supplier.close()

    def _begin(self, spec: AttemptSpec) -> None:
        if spec.token in self._desk.specs:
            self._env.echo = self._desk.capture(spec)
            timeout_s = spec.node.policy.timeout_s
            if timeout_s is not None:
                self._desk.timeouts[spec.token] = self._desk.loop.call_later(timeout_s, self._time_out, spec.token)
            self._stage.begin(spec)

    def _hand_out(self) -> None:
        answers, self._answers = self._answers, []
        self._stage.answer(answers)

    def _time_out(self, token: Token) -> None:
        self._desk.timed_out.add(token)
        self.cancel(token, grace_s=0)

    def _force(self, spec: AttemptSpec) -> None:
        """The grace is over."""
        if spec.token not in self._desk.specs:
            return
        if self._stage.drop(spec.token):
            self._desk.end(reports.cancelled(spec, self._env.now_us()))
        else:
            self._desk.loop.call_later(LOOK_AGAIN_S, self._force, spec)


class _Desk:
    """Where bodies send what they say: in the thread of the loop, or in their own. Knows which of them are here."""

    sink: Sink
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self.specs: dict[Token, AttemptSpec] = {}
        self.timeouts: dict[Token, asyncio.TimerHandle] = {}
        self.timed_out: set[Token] = set()
        self._started_us: dict[Token, int] = {}
        self._captured: set[Token] = set()
        self._capture = capture.Borrowed()
        self._thread = 0

    def open(self, sink: Sink) -> None:
        """Begin to deliver, on the running loop."""
        self.sink = sink
        self.loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def close(self) -> None:
        """Threads of bodies that go on are not heard any more."""
        self._thread = -1

    def capture(self, spec: AttemptSpec) -> dict[str, Any]:
        """Lead what is printed into the logs, until the body is over; the streams that see it, too."""
        self._capture.take()
        self._captured.add(spec.token)
        return dict(self._capture.echo)

    def send(self, messages: Sequence[FlowMessage]) -> None:
        """Called by bodies."""
        if threading.get_ident() == self._thread:
            self._deliver(messages)
        elif self._thread >= 0:
            self.loop.call_soon_threadsafe(self._deliver, messages)

    def signal(self, signal: Signal) -> None:
        """Called by bodies."""
        if threading.get_ident() == self._thread:
            self.sink.signal(signal)
        elif self._thread >= 0:
            self.loop.call_soon_threadsafe(self.sink.signal, signal)

    def end(self, report: AnyReport) -> None:
        """The last word about a body; one that was dropped before has had it."""
        token = report.token
        spec = self.specs.pop(token, None)
        if spec is None:
            return
        timeout = self.timeouts.pop(token, None)
        if timeout is not None:
            timeout.cancel()
        if token in self._captured:
            self._captured.discard(token)
            self._capture.give_back()
        started_us = self._started_us.pop(token, 0)
        if isinstance(report, AttemptCancelled) and token in self.timed_out:
            report = reports.timed_out(spec, report.finished_us, started_us)
        self.timed_out.discard(token)
        self.sink.report(report)
        self.loop.call_soon(self.sink.capacity_changed)

    def _deliver(self, messages: Sequence[FlowMessage]) -> None:
        for message in messages:
            if isinstance(message, Report) and not isinstance(message, AttemptStarted):
                self.end(message)
                continue
            if isinstance(message, AttemptStarted):
                self._started_us[message.token] = message.started_us
            self.sink.report(message)

"""The bodies that live in the processes of flow hosts: what they are told, and what they say."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable

from toque.engine.effects import AnswerStep
from toque.engine.inputs import AnyReport, AttemptCancelled, AttemptStarted, FlowEvicted, StepRequested
from toque.engine.state import step_key
from toque.engine.values import TaskKey, Token
from toque.executors import reports
from toque.executors.flow.forcing import Forcing, doomed
from toque.executors.flow.processes import Processes
from toque.executors.process.worker import Held, Worker, being_started
from toque.ports.executor import Sink
from toque.worker import wire


class Residents:
    """By the token of their dispatch."""

    def __init__(self, sink: Sink, processes: Processes, loop: asyncio.AbstractEventLoop) -> None:
        self.held: dict[Token, Held] = {}
        self.unacknowledged: set[Token] = set()
        self.is_stopping = False
        self.forcing = Forcing(loop, processes)
        self._sink = sink
        self._processes = processes
        self._loop = loop
        self._waiting: set[Token] = set()
        self._open: defaultdict[Token, set[TaskKey]] = defaultdict(set)
        """Steps asked for and not answered: a body without any does not wait, whatever it said before an answer."""
        self._answers: dict[Worker, list[AnswerStep]] = {}

    def add(self, new: Iterable[Held]) -> list[Held]:
        """Those that are not here yet."""
        added = [
            held for held in new if held.spec.token not in self.held and held.spec.token not in self.unacknowledged
        ]
        self.held.update((held.spec.token, held) for held in added)
        return added

    def answer(self, effect: AnswerStep) -> None:
        """Tell a body. What is answered in one turn of the loop travels in one frame."""
        held = self.held.get(effect.token)
        if held is None or held.worker is None:
            return
        self._waiting.discard(effect.token)
        self._open[effect.token].discard(effect.step)
        if not self._answers:
            self._loop.call_soon(self._hand_out)
        self._answers.setdefault(held.worker, []).append(effect)

    def _hand_out(self) -> None:
        answers, self._answers = self._answers, {}
        for worker, told in answers.items():
            worker.moved_s = self._loop.time()
            worker.send(wire.StepsEnded(told))

    def on_message(self, worker: Worker, message: wire.Up) -> None:
        """A process spoke: beginnings, requests, ends."""
        ends = [report for report in message.reports if not isinstance(report, AttemptStarted)]
        for report in message.reports:
            if isinstance(report, AttemptStarted):
                self._on_start(worker, report)
        for ask in message.asks:
            if isinstance(ask, FlowEvicted):
                self._on_evicted(worker, ask)
            elif isinstance(ask, StepRequested) and ask.token in self.held:
                self._open[ask.token].add(step_key(ask.node, ask.body_index, ask.occurrence))
            self._sink.report(ask)
        # A sync body says so in its own thread, and the answer may have crossed that.
        self._waiting.update(token for token in message.waiting if self._open.get(token))
        for report in ends:
            self._on_end(worker, report)
        for signal in message.signals:
            self._sink.signal(signal)

    def on_death(self, worker: Worker, how: str) -> None:
        """A process is gone. Only bodies that were busy are to blame."""
        self._processes.gone(worker)
        self._answers.pop(worker, None)
        is_ours = self.is_stopping or any(held.doom for held in worker.held.values())
        suspect = None if is_ours or worker.is_killed else being_started(worker, self._waiting)
        for held in list(worker.held.values()):
            blameless = is_ours or held.spec.token in self._waiting
            self._let_go(worker, held)
            if held.doom:
                self.end(held, doomed(held, now_us()))
            elif not held.started_us and self._processes.cannot_start(worker.kind):
                self.end(held, reports.unstartable(held.spec, now_us(), worker.kind.environment, how))
            elif held is suspect:
                self.end(held, reports.lost(held.spec, now_us(), f"{how} before it had begun"))
            elif not held.started_us:
                self.end(held, reports.returned(held.spec))
            else:
                self.end(held, reports.lost(held.spec, now_us(), how, blameless=blameless))

    def end(self, held: Held, report: AnyReport) -> None:
        """The last word about a dispatch."""
        if self.held.pop(held.spec.token, None) is not None:
            self.unacknowledged.add(held.spec.token)
            self._sink.report(report)
            self._sink.capacity_changed()

    def _on_start(self, worker: Worker, report: AttemptStarted) -> None:
        held = worker.held.get(report.token)
        if held is not None:
            held.started_us = report.started_us
            worker.running += 1
            self.forcing.started(held)
            self._sink.report(report)

    def _on_evicted(self, worker: Worker, eviction: FlowEvicted) -> None:
        held = worker.held.get(eviction.token)
        if held is not None:
            self._let_go(worker, held)
            self.held.pop(eviction.token, None)
        self._processes.count_dropped(worker)

    def _on_end(self, worker: Worker, report: AnyReport) -> None:
        held = worker.held.get(report.token)
        if held is None:
            return
        if held.doom and isinstance(report, AttemptCancelled):
            report = doomed(held, now_us())
        self._let_go(worker, held)
        self.end(held, report)

    def _let_go(self, worker: Worker, held: Held) -> None:
        worker.forget(held)
        worker.moved_s = self._loop.time()
        self.forcing.done(held)
        self._waiting.discard(held.spec.token)
        self._open.pop(held.spec.token, None)


def now_us() -> int:
    """The time on the clock."""
    return time.time_ns() // 1000

"""What workers say, and what their deaths mean."""

from __future__ import annotations

import asyncio

from toque.engine.inputs import AnyReport, AttemptCancelled, AttemptStarted
from toque.errors import ToqueError
from toque.executors import reports
from toque.executors.process.durations import Durations
from toque.executors.process.fleet import Fleet
from toque.executors.process.ledger import Ledger, doomed, now_us
from toque.executors.process.placement import Placement
from toque.executors.process.worker import Worker, being_started
from toque.worker import wire


class Hearing:
    """Turns messages of workers into reports."""

    def __init__(self, fleet: Fleet, placement: Placement, ledger: Ledger, durations: Durations) -> None:
        self._fleet = fleet
        self._placement = placement
        self._ledger = ledger
        self._durations = durations
        self.is_stopping = False

    def on_message(self, worker: Worker, message: wire.Up) -> None:
        """One frame."""
        for report in message.reports:
            self._on_report(worker, report)
        for signal in message.signals:
            self._ledger.sink.signal(signal)
        for answer in message.answers:
            future = worker.asked.get(answer.id)
            if future is not None and not future.done():
                if answer.error:
                    future.set_exception(ToqueError(answer.error))
                else:
                    future.set_result(answer.payload)

    def on_turn(self) -> None:
        """All that has arrived was heard: fill the room that it made, then let the runtime fill the rest."""
        self._placement.place()
        self._ledger.tell_capacity()

    def on_death(self, worker: Worker, how: str) -> None:
        """A worker and all of its session are gone."""
        is_ours = self.is_stopping or any(held.doom for held in worker.held.values())
        suspect = None if is_ours or worker.is_killed else being_started(worker)
        for held in list(worker.held.values()):
            worker.forget(held)
            if not held.started_us and self._fleet.cannot_start(worker.kind):
                # Given back, the attempt would come again for ever.
                self._ledger.end(held, reports.unstartable(held.spec, now_us(), worker.kind.environment, how))
            elif held is suspect:
                self._ledger.end(held, reports.lost(held.spec, now_us(), f"{how} before it had begun"))
            elif not held.started_us:
                self._ledger.give_back([held])
            elif held.doom:
                self._ledger.end_doomed(held)
            else:
                self._ledger.end(held, reports.lost(held.spec, now_us(), how, blameless=is_ours))
        if self._fleet.broken is not None:
            for held in self._placement.take_all():
                self._ledger.end(held, reports.lost(held.spec, now_us(), how))

    def _on_report(self, worker: Worker, report: AnyReport) -> None:
        held = worker.held.get(report.token)
        if held is None:
            return
        now_s = asyncio.get_running_loop().time()
        worker.moved_s = now_s
        if report.task != held.spec.task:
            # The attempt is a host, says what became of a task that it runs, and goes on.
            self._ledger.sink.report(report)
            return
        if isinstance(report, AttemptStarted):
            held.started_us = report.started_us
            worker.running += 1
            if held.spec.node.policy.timeout_s is not None:
                held.due_s = now_s + held.spec.node.policy.timeout_s
            self._ledger.sink.report(report)
            return
        if held.doom:
            if worker.kind.lane == "sync":
                # What it started may still live: a cancelled attempt is reported when its group is gone.
                self._fleet.kill(worker)
                if isinstance(report, AttemptCancelled):
                    return
            elif isinstance(report, AttemptCancelled):
                report = doomed(held)
        elif held.started_us:
            self._durations.add(held.spec.node, report.finished_us - held.started_us)  # type: ignore[union-attr]
        worker.forget(held)
        self._ledger.end(held, report)

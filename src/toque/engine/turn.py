"""A turn: one `decide` under way. Facts take effect at once; whatever ended is looked after by the cascade."""

from __future__ import annotations

from typing import Any

from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine.evolve import evolve
from toque.engine.lanes import Lane
from toque.engine.rows import TaskRow
from toque.engine.state import Run
from toque.engine.states import RunState
from toque.engine.values import ErrorInfo, MapIndex, TaskKey, TimerKind


class Turn:
    """Collects the facts and effects of one input."""

    __slots__ = ("effects", "ended", "facts", "now_us", "run")

    def __init__(self, run: Run, now_us: int) -> None:
        self.run = run
        self.now_us = now_us
        self.facts: list[f.AnyFact] = []
        self.effects: list[fx.AnyEffect] = []
        self.ended: list[tuple[Lane, int]] = []
        """Instances whose end (or opening) their neighbours have not been told of."""

    def emit(self, fact: f.AnyFact) -> None:
        """Make `fact` true."""
        self.facts.append(fact)
        evolve(self.run, fact)

    def reject(self, what: str, reason: str, task: str = "", map_index: MapIndex = ()) -> None:
        """Record that an input was void."""
        self.emit(f.Rejected(at_us=self.now_us, input=what, reason=reason, task=task, map_index=map_index))

    # -- ends of task runs

    def succeed(self, lane: Lane, index: int, **values: Any) -> None:
        """End an instance well."""
        self.emit(f.Succeeded(at_us=self.now_us, task=lane.node.plan.id, map_index=lane.key_of(index), **values))
        self.ended.append((lane, index))

    def fail(self, lane: Lane, index: int, error: ErrorInfo, started_us: int = 0, finished_us: int = 0) -> None:
        """End an instance badly, for good."""
        self.emit(
            f.Failed(
                at_us=self.now_us,
                task=lane.node.plan.id,
                map_index=lane.key_of(index),
                error=error,
                started_us=started_us,
                finished_us=finished_us,
            )
        )
        self.ended.append((lane, index))

    def block(self, lane: Lane, index: int, culprit: str) -> None:
        """End an instance that can't start: what it needs has failed."""
        self.emit(
            f.UpstreamFailed(at_us=self.now_us, task=lane.node.plan.id, map_index=lane.key_of(index), culprit=culprit)
        )
        self.ended.append((lane, index))

    def skip(self, lane: Lane, index: int, reason: str, started_us: int = 0, finished_us: int = 0) -> None:
        """End an instance without a result, on purpose."""
        self.emit(
            f.Skipped(
                at_us=self.now_us,
                task=lane.node.plan.id,
                map_index=lane.key_of(index),
                reason=reason,
                started_us=started_us,
                finished_us=finished_us,
            )
        )
        self.ended.append((lane, index))

    def cancel(self, lane: Lane, index: int, actor: str, reason: str) -> None:
        """End an instance because somebody said so."""
        key = lane.key_of(index)
        self.emit(f.Cancelled(at_us=self.now_us, task=lane.node.plan.id, map_index=key, actor=actor, reason=reason))
        self.ended.append((lane, index))

    # -- other moves

    def ready(self, lane: Lane, index: int, *, returned: bool = False) -> None:
        """Let an instance be dispatched as soon as it has slots."""
        plan = lane.node.plan
        key = lane.key_of(index)
        self.emit(f.Readied(at_us=self.now_us, task=plan.id, map_index=key, returned=returned))
        if plan.deadline_us:
            row = lane.live[index]
            if row.ready_us == self.now_us and row.deadline_us == self.now_us + plan.deadline_us:
                self.set_timer("deadline", row.deadline_us, plan.id, key)

    def finish(self, state: RunState) -> None:
        """End the run."""
        self.emit(f.RunFinished(at_us=self.now_us, state=state))
        self.effects.append(fx.RunEnded(state=state))

    def set_timer(self, kind: TimerKind, due_us: int, task: str = "", map_index: MapIndex = ()) -> None:
        """Ask for a `TimerFired`."""
        self.effects.append(fx.SetTimer(kind=kind, due_us=due_us, task=task, map_index=map_index))

    def stop(self, row: TaskRow) -> None:
        """Ask for the end of an attempt."""
        if row.token is not None:
            key = TaskKey(row.task, row.map_index)
            self.effects.append(fx.StopAttempt(key=key, attempt=row.attempt, token=row.token))

    def request_slots(self) -> None:
        """Tell admission how many more or fewer instances want slots than before this turn."""
        readied = self.run.readied
        if not readied:
            return
        if self.run.row.state is not RunState.SUSPENDED:
            for task, change in readied.items():
                if change > 0:
                    self.effects.append(fx.RequestSlots(task=task, count=change))
                elif change < 0:
                    self.effects.append(fx.WithdrawRequest(task=task, count=-change))
        readied.clear()

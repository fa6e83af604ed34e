"""Laws of the log: what the facts of a run may say, one after the other, whatever the machine thinks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from toque.engine import facts as f
from toque.engine.states import HOSTED_TRANSITIONS, TASK_TRANSITIONS, TaskState
from toque.engine.values import TaskKey

_TO: dict[type, TaskState] = {
    f.Readied: TaskState.READY,
    f.ScopeOpened: TaskState.RUNNING,
    f.Dispatched: TaskState.DISPATCHED,
    f.Started: TaskState.RUNNING,
    f.RetryScheduled: TaskState.RETRYING,
    f.Deferred: TaskState.DEFERRED,
    f.Succeeded: TaskState.SUCCEEDED,
    f.Failed: TaskState.FAILED,
    f.Skipped: TaskState.SKIPPED,
    f.UpstreamFailed: TaskState.UPSTREAM_FAILED,
    f.Cancelled: TaskState.CANCELLED,
}
_FROM_THE_OPENING = (TaskState.DISPATCHED, TaskState.FAILED, TaskState.CANCELLED)


@dataclass
class LogLaws:
    """Reads the log of one run."""

    hosted: frozenset[str] = frozenset()
    """Nodes that others run."""
    states: dict[TaskKey, TaskState] = field(default_factory=dict)
    declared: set[TaskKey] = field(default_factory=set)
    """Marked or reused: their end may come from anywhere."""
    over: Counter[TaskKey] = field(default_factory=Counter)
    """Attempts that ended and were followed by another one."""
    due: dict[TaskKey, int] = field(default_factory=dict)
    suspended: bool = False
    cancelling: bool = False
    decided: bool = False
    finished: bool = False

    def hold(self, fact: f.AnyFact) -> None:
        """Hold the next fact against everything before it."""
        assert not self.finished or isinstance(fact, f.Rejected), f"after the end of the run: {fact}"
        match fact:
            case f.RunSuspended():
                self.suspended = True
            case f.RunResumed():
                self.suspended = False
            case f.CancelRequested():
                self.cancelling = True
            case f.OutcomeDecided():
                assert not self.decided, "the outcome of the run was decided twice"
                self.decided = True
            case f.RunFinished():
                assert self.decided, "the run ended without an outcome"
                self.finished = True
            case f.TaskFact():
                self._task(fact)
            case _:
                pass

    def _task(self, fact: f.TaskFact) -> None:
        key = fact.key
        match fact:
            case f.Marked() | f.Reused():
                self.declared.add(key)
            case f.AttemptEnded():
                assert fact.attempt == self.over[key] + 1, (
                    f"attempt {fact.attempt} of {key} ended after {self.over[key]}"
                )
                self.over[key] += 1
            case f.Dispatched():
                assert not self.suspended, f"{key} was dispatched while the run was suspended"
                assert key.task not in self.hosted, f"{key} was dispatched, and its host runs it"
                assert fact.attempt == self.over[key] + 1, f"{key} went as attempt {fact.attempt}"
            case f.Started() if key.task in self.hosted:
                assert fact.attempt == self.over[key] + 1, f"{key} was begun as attempt {fact.attempt}"
            case f.RetryScheduled() | f.Deferred():
                self.due[key] = fact.due_us
            case f.Readied():
                due_us = self.due.pop(key, 0)
                assert fact.at_us >= due_us, f"{key} was ready {due_us - fact.at_us} us too early"
            case _:
                pass
        state = _TO.get(type(fact))
        if state is not None:
            self._move(fact, key, state)

    def _move(self, fact: f.TaskFact, key: TaskKey, state: TaskState) -> None:
        before = self.states.get(key, TaskState.WAITING)
        is_hosted = key.task in self.hosted
        legal = HOSTED_TRANSITIONS if is_hosted else TASK_TRANSITIONS
        opening = HOSTED_TRANSITIONS[TaskState.READY] if is_hosted else _FROM_THE_OPENING
        if before is TaskState.WAITING and state in opening:
            before = TaskState.READY  # So from the opening of its scope, without a fact of its own.
        assert not before.is_terminal, f"{key} left {before} for {state}: it ended twice, or ran again"
        assert state in legal[before] or key in self.declared, f"{key} went from {before} to {state}"
        self.states[key] = state

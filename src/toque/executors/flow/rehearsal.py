"""Rehearsal: runs a flow here and now, and replays it after each step, to find what does not repeat itself.

Each step is run once, in the thread of the caller. After each end of a step the body is begun anew and given the
record so far; it must then have asked for exactly the steps, with the inputs, that it had asked for the first time.
Real time passes in between, so a `datetime.now()` among the inputs shows; a `date.today()` does not.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from toque.engine.effects import AnswerStep
from toque.engine.inputs import (
    AttemptDeferred,
    AttemptFailed,
    AttemptSkipped,
    AttemptStarted,
    AttemptSucceeded,
    Cancel,
    Report,
    StepRequested,
)
from toque.engine.values import ErrorInfo, TaskKey, Token
from toque.errors import ToqueBug
from toque.executors.flow.asking import FlowMessage
from toque.executors.flow.stage import Stage
from toque.ports.blobs import Blobs
from toque.ports.executor import AttemptSpec
from toque.worker import attempt, values
from toque.worker.attempt import EndReport
from toque.worker.environment import Environment
from toque.worker.flow_errors import FlowDiverged, diverged

RunStep = Callable[[AttemptSpec, Environment], EndReport]
MOST_LOOKS = 1000
"""At a step that raises `NotYet`."""
BODY_WAIT_S = 60.0
"""A sync body that computes for longer between two steps is taken for stuck."""


def rehearse(spec: AttemptSpec, env: Environment, run_step: RunStep = attempt.execute) -> EndReport:
    """Run the body of `spec` to its end; returns its report. Raises `FlowDiverged`, naming the step.

    `env` is the process's: its blobs, settings, and clock. `run_step` makes one attempt at a step. Sleeps take no time.
    """
    record = _Record(spec)
    first = _Performance(record, env, Token(0, 1))
    for number in itertools.count(2):
        again = _Performance(record, env, Token(0, number))
        _compare(record, first, again)
        if first.end is not None:
            _compare_ends(record, first.end, again.end)
            return first.end
        step = record.next_step()
        if step is None:
            raise ToqueBug(f"{spec.task} waits, and no step of it is open")
        record.end(step, _run(step, record, env, run_step))
        first.go_on(record.last)
    raise AssertionError


class _Record:
    """What the engine would keep."""

    def __init__(self, spec: AttemptSpec) -> None:
        self.spec = spec
        self.body = TaskKey(spec.task, spec.map_index)
        self.requests: dict[TaskKey, StepRequested] = {}
        self.answers: dict[TaskKey, AnswerStep] = {}
        self.now_us = spec.created_us
        self._cancelled: set[TaskKey] = set()

    @property
    def last(self) -> AnswerStep:
        """The answer added last."""
        return next(reversed(self.answers.values()))

    def next_step(self) -> StepRequested | None:
        """What ends next: in the order of the requests, sleeps only when nothing else is left."""
        open_steps = [request for key, request in self.requests.items() if key not in self.answers]
        cancelled = [request for request in open_steps if step_key(request) in self._cancelled]
        calls = [request for request in open_steps if not request.sleep_until_us]
        sleeps = sorted((request for request in open_steps if request.sleep_until_us), key=_due)
        return next(iter([*cancelled, *calls, *sleeps]), None)

    def is_cancelled(self, request: StepRequested) -> bool:
        """The body no longer waits for it."""
        return step_key(request) in self._cancelled

    def cancel(self, key: TaskKey) -> None:
        """The body no longer waits for it."""
        self._cancelled.add(key)

    def end(self, request: StepRequested, ended: AttemptSucceeded | ErrorInfo | None) -> None:
        """Note how a step ended; None for a sleep."""
        self.now_us = max(self.now_us + 1, request.sleep_until_us)
        key = step_key(request)
        self.answers[key] = AnswerStep(
            body=self.body,
            step=key,
            order=len(self.answers) + 1,
            token=request.token,
            at_us=self.now_us,
            result=ended.result if isinstance(ended, AttemptSucceeded) else None,
            error=ended if isinstance(ended, ErrorInfo) else None,
        )


class _Performance:
    """One run of the body against the record. The first one adds to it."""

    def __init__(self, record: _Record, env: Environment, token: Token) -> None:
        self.asked: dict[TaskKey, StepRequested] = {}
        self.end: EndReport | None = None
        self._record = record
        self._is_first = token.n == 1
        self._token = token
        self.blobs = env.blobs
        self._due: list[AnswerStep] = []
        self._waits = False
        self._changed = threading.Condition()
        self._stage = Stage(env, self._receive, on_wait=self._on_wait)
        self._stage.begin(msgspec.structs.replace(record.spec, token=token))
        self._settle()
        if not self._is_first:
            self._stage.drop(token)

    def go_on(self, answer: AnswerStep) -> None:
        """A step of the first performance ended."""
        self._answer([answer])
        self._settle()

    def _answer(self, answers: Sequence[AnswerStep]) -> None:
        self._waits = False
        self._stage.answer([msgspec.structs.replace(answer, token=self._token) for answer in answers])

    def _settle(self) -> None:
        """Until the body is over, or waits for what has not ended."""
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._waits or self.end is not None, BODY_WAIT_S):
                    raise ToqueBug(f"{self._record.spec.task} neither ended nor waited for a step")
                due, self._due = self._due, []
            if self.end is not None or not due:
                return
            self._answer(due)

    def _on_wait(self, token: Token) -> None:
        with self._changed:
            self._waits = True
            self._changed.notify_all()

    def _receive(self, messages: Sequence[FlowMessage]) -> None:
        """Called in the thread of the body."""
        with self._changed:
            for message in messages:
                if isinstance(message, StepRequested):
                    self._note(message)
                elif isinstance(message, Cancel) and self._is_first:
                    self._record.cancel(TaskKey(message.task, message.map_index))
                elif isinstance(message, Report) and not isinstance(message, AttemptStarted):
                    self.end = message  # type: ignore[assignment]
            self._changed.notify_all()

    def _note(self, request: StepRequested) -> None:
        key = step_key(request)
        self.asked[key] = request
        if self._is_first:
            self._record.requests[key] = request
        elif key in self._record.answers:
            self._due.append(msgspec.structs.replace(self._record.answers[key], probe=request.probe))


def step_key(request: StepRequested) -> TaskKey:
    """The task run that a request is for."""
    return TaskKey(request.node.id, (*request.body_index, request.occurrence))


def _due(request: StepRequested) -> int:
    return request.sleep_until_us


def _run(
    request: StepRequested, record: _Record, env: Environment, run_step: RunStep
) -> AttemptSucceeded | ErrorInfo | None:
    if record.is_cancelled(request):
        return ErrorInfo(kind="cancelled", type="Cancelled", message="", retryable=False)
    if request.sleep_until_us:
        return None
    key, tries, looks, handle = step_key(request), 1, 0, None
    retry = request.node.policy.retry
    while True:
        spec = AttemptSpec(
            run_id=record.spec.run_id,
            task=key.task,
            map_index=key.map_index,
            attempt=tries,
            token=Token(tries + looks, len(record.answers) + 1),
            node=request.node,
            pipeline=record.spec.pipeline,
            payload=request.payload,
            parameters=record.spec.parameters,
            idempotency_key=f"{record.spec.run_id}/{key}",
            logical_us=record.spec.logical_us,
            handle=handle,
            deferrals=looks,
        )
        match run_step(spec, env):
            case AttemptSucceeded() as report:
                return report
            case AttemptDeferred(handle=handle) if looks < MOST_LOOKS:
                looks += 1
            case AttemptSkipped(reason=reason):
                return ErrorInfo(kind="cancelled", type="Skipped", message=reason, retryable=False)
            case AttemptFailed(error=error) if retry is not None and error.retryable and tries <= retry.times:
                tries += 1
            case AttemptFailed(error=error):
                return error
            case _:
                return ErrorInfo(kind="cancelled", type="Cancelled", message="", retryable=False)


def _compare(record: _Record, first: _Performance, again: _Performance) -> None:
    """Given the same answers, both must have asked for the same."""
    for key, request in again.asked.items():
        if key not in first.asked:
            raise _differs(record, key, "it was asked for in the replay only")
        if request.digest != first.asked[key].digest:
            raise _differs(record, key, _inputs(first.asked[key], request, first.blobs))
    for key in first.asked:
        if key not in again.asked:
            raise _differs(record, key, "it was not asked for in the replay")


def _inputs(before: StepRequested, now: StepRequested, blobs: Blobs) -> str:
    if before.payload is None or now.payload is None:
        return "it slept for another time"
    (args, kwargs), (args_again, kwargs_again) = values.decode(before.payload, blobs), values.decode(now.payload, blobs)
    pairs = [(f"argument {n}", old, new) for n, (old, new) in enumerate(zip(args, args_again, strict=False), 1)]
    pairs += [(name, old, kwargs_again.get(name)) for name, old in kwargs.items()]
    for name, old, new in pairs:
        if values.digest_of(old) != values.digest_of(new):
            return f"{name} was {_short(old)} the first time and {_short(new)} in the replay"
    return "it was called with other arguments in the replay"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _compare_ends(record: _Record, first: EndReport, again: EndReport | None) -> None:
    match first, again:
        case AttemptSucceeded(result=before), AttemptSucceeded(result=after):
            same = before.digest == after.digest
        case AttemptFailed(error=before), AttemptFailed(error=after):
            same = (before.type, before.message) == (after.type, after.message)
        case _:
            same = type(first) is type(again)
    if not same:
        raise diverged(record.spec.task, "the flow ended in another way, or with another result, in the replay")


def _differs(record: _Record, key: TaskKey, how: str) -> FlowDiverged:
    after = f"after {record.last.step} had ended" if record.answers else "before any step had ended"
    return diverged(str(key), f"{how} ({after})")

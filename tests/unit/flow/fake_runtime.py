"""A runtime that keeps the record of one flow and answers as the engine does; tests end the steps, in any order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from toque.authoring.flows import Flow
from toque.engine.effects import AnswerStep
from toque.engine.inputs import (
    AttemptCancelled,
    AttemptDeferred,
    AttemptFailed,
    AttemptSkipped,
    AttemptSucceeded,
    Cancel,
    StepRequested,
)
from toque.engine.values import ErrorInfo, TaskKey, Token, ValueRef
from toque.executors.flow.asking import FlowMessage
from toque.executors.flow.stage import Stage
from toque.graph.ir import TaskNode
from toque.ports.executor import AttemptSpec
from toque.store.blobs import MemoryBlobs
from toque.worker import values
from toque.worker.environment import Environment

START_US = 1_700_000_000_000_000
BLOBS = MemoryBlobs()


def encoded(value: Any) -> ValueRef:
    return values.encode(value, values.Place(BLOBS, lambda: "result"))


def decoded(ref: ValueRef | None) -> Any:
    assert ref is not None
    return values.decode(ref, BLOBS)


def failure(kind: str = "ValueError", message: str = "boom") -> ErrorInfo:
    return ErrorInfo(kind="code", type=kind, message=message)


class FakeRuntime:
    """The record outlives stages: `restart` is a `kill -9` of the host."""

    def __init__(self, flow: Flow[..., Any], *, log_path: str = "", **parameters: Any) -> None:
        self.log_path = log_path
        (node,) = flow.ir.nodes
        assert isinstance(node, TaskNode)
        self.node = node
        self.parameters = flow.validate(parameters)
        self.now_us = START_US
        self.clock_s = 0.0
        self.record: dict[TaskKey, StepRequested] = {}
        self.ended: dict[TaskKey, AnswerStep] = {}
        self.asked: list[str] = []
        """By the current dispatch."""
        self.messages: list[FlowMessage] = []
        self.answers_due: list[AnswerStep] = []
        self.boot = 0
        self._changed = threading.Condition()

    # -- the host

    def begin(self) -> FakeRuntime:
        """Dispatch the body, anew if it was dispatched before."""
        if self.boot:
            self.stage.drop(self.token)
        self.boot += 1
        self.asked = []
        self.answers_due = []
        env = Environment(lambda: BLOBS, _no_settings, lambda signal: None, now_us=lambda: self.now_us)
        self.stage = Stage(env, self._receive, on_wait=self._waits, clock_s=lambda: self.clock_s)
        self.stage.begin(self.spec)
        self.deliver()
        return self

    restart = begin

    @property
    def token(self) -> Token:
        return Token(self.boot, 1)

    @property
    def spec(self) -> AttemptSpec:
        return AttemptSpec(
            run_id="run-1",
            task=self.node.id,
            attempt=1,
            token=self.token,
            node=self.node,
            parameters=self.parameters,
            created_us=START_US,
            steps_ended=len(self.ended),
            log_path=self.log_path,
        )

    def deliver(self) -> None:
        """Answer what is recorded, in the order of the requests, until the body asks for nothing recorded."""
        while self.answers_due:
            due, self.answers_due = self.answers_due, []
            self.stage.answer(due)

    def settle(self) -> FakeRuntime:
        """Until a sync body is over, or waits for what has not ended. Fails after ten seconds."""
        while not self.is_over:
            with self._changed:
                assert self._changed.wait_for(lambda: self.is_over or self.is_waiting, timeout=10), self.messages
                if not self.answers_due:
                    break
            self.deliver()
        return self

    @property
    def is_over(self) -> bool:
        ends = AttemptSucceeded | AttemptFailed | AttemptSkipped | AttemptDeferred | AttemptCancelled
        return any(isinstance(message, ends) and message.token == self.token for message in self.messages)

    def _waits(self, token: Token) -> None:
        with self._changed:
            self._changed.notify_all()

    def _receive(self, messages: Sequence[FlowMessage]) -> None:
        with self._changed:
            self.messages += messages
            for message in messages:
                if isinstance(message, StepRequested) and message.token == self.token:
                    self._step(message)
                elif isinstance(message, Cancel):
                    key = TaskKey(message.task, message.map_index)
                    if key not in self.ended:
                        self._end(key, error=ErrorInfo(kind="cancelled", type="Cancelled", message=message.reason))
            self._changed.notify_all()

    def _step(self, request: StepRequested) -> None:
        key = TaskKey(request.node.id, (*request.body_index, request.occurrence))
        self.asked.append(str(key))
        known = self.record.setdefault(key, request)
        if known.digest != request.digest:
            how = f"its inputs were {known.digest[:8]}, now {request.digest[:8]}"
            self.answers_due.append(
                AnswerStep(body=TaskKey(self.node.id), step=key, order=0, token=request.token, diverged=how)
            )
        elif key in self.ended:
            self.answers_due.append(msgspec.structs.replace(self.ended[key], token=request.token, probe=request.probe))

    # -- steps

    def end(self, step: str, result: Any = None, *, error: ErrorInfo | None = None, sleep: bool = False) -> None:
        """End `etl/fetch[0]` and tell the body."""
        self.end_silently(step, result, error=error, sleep=sleep)
        self.deliver()

    def end_silently(
        self, step: str, result: Any = None, *, error: ErrorInfo | None = None, sleep: bool = False
    ) -> None:
        """The same, not yet told."""
        (key,) = [key for key in self.record if str(key) == step]
        assert key not in self.ended, step
        self.now_us += 1_000_000
        self._end(key, None if sleep or error else encoded(result), error)

    def skip(self, step: str) -> None:
        """The step raised `Skip`."""
        self.end(step, error=ErrorInfo(kind="cancelled", type="Skipped", message="nothing new", retryable=False))

    def _end(self, key: TaskKey, result: ValueRef | None = None, error: ErrorInfo | None = None) -> None:
        answer = AnswerStep(
            body=TaskKey(self.node.id),
            step=key,
            order=len(self.ended) + 1,
            token=self.token,
            at_us=self.now_us,
            result=result,
            error=error,
        )
        self.ended[key] = answer
        self.answers_due.append(answer)

    # -- what can be seen

    @property
    def open(self) -> list[str]:
        return [str(key) for key in self.record if key not in self.ended]

    def arguments(self, step: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        (request,) = [request for key, request in self.record.items() if str(key) == step]
        args, kwargs = decoded(request.payload)
        return tuple(args), kwargs

    @property
    def last(self) -> FlowMessage:
        return self.messages[-1]

    @property
    def result(self) -> Any:
        """What the body returned. Fails the test if it is not over, or failed."""
        assert isinstance(self.last, AttemptSucceeded), self.last
        return decoded(self.last.result)

    @property
    def error(self) -> ErrorInfo:
        assert isinstance(self.last, AttemptFailed), self.last
        return self.last.error

    @property
    def is_waiting(self) -> bool:
        return self.stage.waiting([self.token]) == [self.token]

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.messages if isinstance(message, kind)]


def _no_settings() -> Any:
    raise AssertionError("no settings in these tests")

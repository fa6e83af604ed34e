"""A sync body: a thread that takes answers only while it waits for a step, so that it goes the same way each time."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from contextvars import copy_context
from datetime import datetime
from queue import SimpleQueue
from typing import Any

from toque.engine.effects import AnswerStep
from toque.engine.inputs import AttemptSucceeded
from toque.engine.values import TaskKey
from toque.errors import UserError
from toque.executors.flow.asking import Asking
from toque.executors.flow.ending import report_of
from toque.executors.flow.mapping import settle
from toque.graph.ir import TaskNode
from toque.worker import instants
from toque.worker.attempt import Attempt, Call
from toque.worker.control import Cancelled
from toque.worker.flow_context import StepCall, set_current_flow


class SyncBody:
    """The life of one sync body. The host's thread calls `start`, `tell`, `cancel`; all else is the body's thread."""

    def __init__(self, attempt: Attempt, asking: Asking, on_wait: Callable[[], None]) -> None:
        self.asking = asking
        self.is_over = False
        self._on_wait = on_wait
        self.handles: dict[TaskKey, SyncStep] = {}
        self._attempt = attempt
        self._mail: SimpleQueue[Sequence[AnswerStep]] = SimpleQueue()
        self._posted = 0
        self._read = 0
        self._read_when_waiting = -1
        self._failed: list[SyncStep] = []
        self._told_to_end = False

    # -- what the host calls

    def start(self) -> None:
        """Begin; returns at once."""
        context = copy_context()
        name = f"flow {self.asking.body}"
        threading.Thread(target=context.run, args=(self._run,), name=name, daemon=True).start()

    def tell(self, answers: Sequence[AnswerStep]) -> None:
        """Answers arrived."""
        self._posted += 1
        self._mail.put(answers)

    def cancel(self) -> None:
        """End it cooperatively: `Cancelled` is raised where it waits, now or next; `finally` runs."""
        self._attempt.context.cancelled = True
        self.tell(())

    @property
    def is_waiting(self) -> bool:
        """It has read all that was posted, and waits for more. (Only the host posts, so this cannot race.)"""
        return not self.is_over and self._read_when_waiting == self._posted

    @property
    def leaves_frames(self) -> bool:
        """It is dropped while its thread waits, which then waits for good."""
        return not self.is_over

    # -- the body's thread

    def _run(self) -> None:
        self.asking.naming.begin()
        entered = self._attempt.enter(exclusive=False)
        set_current_flow(_SyncFlow(self))
        try:
            report = report_of(self._attempt, self._outcome)
        finally:
            self.is_over = True
            self._attempt.leave(entered, exclusive=False)
        self.asking.flush()
        self.asking.end(report)

    def _outcome(self) -> AttemptSucceeded | tuple[Call, Any]:
        try:
            with ExitStack() as scope:
                call = self._attempt.prepare(scope)
                if isinstance(call, AttemptSucceeded):
                    return call
                result = call.function(*call.args, **call.kwargs)
                for handle in list(self.handles.values()):
                    self.wait(handle)
        except BaseException:
            if self.asking.failure is not None:
                raise self.asking.failure from None
            raise
        finally:
            self.asking.muting.end()
        if self.asking.failure is not None:
            raise self.asking.failure
        for failed in self._failed:
            if not failed.is_seen:
                failed.result()
        return call, result

    def wait(self, handle: SyncStep) -> None:
        """Take answers in their order until that for `handle` is among them."""
        while not handle.done():
            answer = self.asking.take()
            if answer is None:
                self.asking.flush()
                failure = self.asking.check_quiet()
                if failure is not None:
                    raise failure
                self._read_mail()
                continue
            told = self.handles.pop(answer.step, None)
            if told is not None:
                told.end(answer)
                if told.error is not None:
                    self._failed.append(told)

    def _read_mail(self) -> None:
        self._read_when_waiting = self._read
        self._on_wait()
        answers = self._mail.get()
        self._read += 1
        for answer in answers:
            self.asking.ledger.hold(answer)
        if self._attempt.context.cancelled and not self._told_to_end:
            self._told_to_end = True
            raise Cancelled


class SyncStep:
    """A step that a sync body asked for."""

    def __init__(self, body: SyncBody, step: TaskKey) -> None:
        self.error: BaseException | None = None
        self.is_seen = False
        self._body = body
        self._step = step
        self._value: Any = None
        self._ended = False

    def done(self) -> bool:
        """The body has been told how it ended (it is told only while it waits for some step)."""
        return self._ended

    def result(self) -> Any:
        """Its result, waited for. Raises what it failed with."""
        self._body.wait(self)
        self.is_seen = True
        if self.error is not None:
            raise self.error
        return self._value

    def end(self, answer: AnswerStep) -> None:
        """The answer."""
        self._ended = True
        try:
            self._value = self._body.asking.open(answer)
        except Exception as error:
            self.error = error.with_traceback(None)

    def __await__(self) -> Generator[Any, None, Any]:
        raise _awaited_in_sync(f"step {self._step}")


class _SyncMap:
    """The steps of one `.map()`."""

    def __init__(self, name: str, parts: Sequence[SyncStep], tolerate: float) -> None:
        self._name = name
        self._parts = parts
        self._tolerate = tolerate

    def done(self) -> bool:
        return all(part.done() for part in self._parts)

    def result(self) -> list[Any]:
        ended = [(_error(part), None if _error(part) else part.result()) for part in self._parts]
        return settle(self._name, ended, self._tolerate)

    def __await__(self) -> Generator[Any, None, Any]:
        raise _awaited_in_sync(f"{self._name}.map()")


def _awaited_in_sync(what: str) -> UserError:
    return UserError(f"{what} is awaited in a sync flow", fix="take its .result(), or make the flow an async function")


def _error(part: SyncStep) -> BaseException | None:
    try:
        part.result()
    except Exception as error:
        return error
    return None


class _SyncFlow:
    """The body as its code sees it (`toque.worker.flow_context.FlowContext`)."""

    is_async = False

    def __init__(self, body: SyncBody) -> None:
        self._body = body
        self._asking = body.asking

    def call(self, node: TaskNode, args: Sequence[Any], kwargs: Mapping[str, Any]) -> SyncStep:
        handle = self._handle(self._asking.step(node, args, kwargs))
        self._asking.flush()
        return handle

    def call_blocking(self, node: TaskNode, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return self._handle(self._asking.step(node, args, kwargs)).result()

    def map(self, node: TaskNode, calls: Sequence[StepCall], *, tolerate: float = 0) -> _SyncMap:
        parts = [self._handle(self._asking.step(node, call.args, call.kwargs)) for call in calls]
        self._asking.flush()
        return _SyncMap(node.id, parts, tolerate)

    def nested(self, name: str) -> AbstractContextManager[None]:
        return self._asking.naming.nested(name)

    def sleep(self, seconds: float) -> SyncStep:
        return self._handle(self._asking.sleep(seconds))

    def now(self) -> datetime:
        return instants.instant(self._asking.derived.now_us)

    def random(self) -> random.Random:
        return self._asking.derived.generator()

    def uuid(self) -> uuid.UUID:
        return self._asking.derived.uuid()

    def _handle(self, step: TaskKey) -> SyncStep:
        handle = SyncStep(self._body, step)
        self._body.handles[step] = handle
        return handle

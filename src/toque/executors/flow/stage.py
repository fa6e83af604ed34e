"""The stage: the bodies that live in one process, by the token of their dispatch. Used by one thread.

A body that is dropped while its code stands at an `await` is *buried*: its frames are kept for the life of the
process, because dropping the last reference to a coroutine runs its `finally` blocks, and those are for the end of
the flow, not for an eviction. Whoever runs the process sees to it that it does not live for ever.
"""

from __future__ import annotations

import ctypes
import inspect
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from toque.engine.effects import AnswerStep
from toque.engine.inputs import FlowEvicted
from toque.engine.values import Token
from toque.executors.flow.asking import Asking, FlowMessage, Send
from toque.executors.flow.async_body import AsyncBody
from toque.executors.flow.sync_body import SyncBody
from toque.ports.executor import AttemptSpec
from toque.worker import attempt, code
from toque.worker.attempt import Attempt
from toque.worker.environment import Environment

Body: TypeAlias = AsyncBody | SyncBody


class Stage:
    """Begins bodies, hands them answers, and lets go of those that wait for long."""

    def __init__(
        self,
        env: Environment,
        send: Send,
        *,
        on_wait: Callable[[Token], None] = lambda token: None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._env = env
        self._send = send
        self._on_wait = on_wait
        """Called each time that a body begins to wait; for a sync one, in its thread."""
        self._clock_s = clock_s
        self._bodies: dict[Token, Body] = {}
        self._waiting_since_s: dict[Token, float] = {}
        self.buried = 0
        """How many dropped bodies still take memory."""

    def __len__(self) -> int:
        """How many bodies are here; one that has just ended in its thread may still count."""
        return len(self._bodies)

    @property
    def tokens(self) -> list[Token]:
        """The dispatches that live here."""
        return [token for token, body in self._bodies.items() if not body.is_over]

    def begin(self, spec: AttemptSpec) -> None:
        """Run a body; an async one up to where it first waits."""
        if spec.token in self._bodies:
            return
        self._send([attempt.started(spec, self._env)])
        made = Attempt(spec, self._env)
        try:
            is_async = inspect.iscoroutinefunction(code.resolve(spec.node.code))
        except BaseException as error:
            report = made.fail(error)
            made.context.log.close()
            self._send([report])
            return
        asking = Asking(made, self._send)
        on_wait = partial(self._on_wait, spec.token)
        body: Body = AsyncBody(made, asking, on_wait) if is_async else SyncBody(made, asking, on_wait)
        self._bodies[spec.token] = body
        body.start()
        self._forget_if_over(spec.token, body)

    def answer(self, answers: Iterable[AnswerStep]) -> None:
        """Hand out answers. Those for a body that is not here (any more) are void."""
        by_token: dict[Token, list[AnswerStep]] = {}
        for answer in answers:
            by_token.setdefault(answer.token, []).append(answer)
        for token, told in by_token.items():
            body = self._bodies.get(token)
            if body is not None:
                self._waiting_since_s.pop(token, None)
                body.tell(told)
                self._forget_if_over(token, body)

    def cancel(self, token: Token) -> None:
        """End a body cooperatively; it reports its end."""
        body = self._bodies.get(token)
        if body is not None:
            body.cancel()
            self._forget_if_over(token, body)

    def drop(self, token: Token) -> bool:
        """Let go of a body without a word, if it waits. False if it is busy, so that only force would help."""
        body = self._bodies.get(token)
        if body is None:
            return True
        if not body.is_waiting:
            return False
        self._bury(token, body)
        return True

    def evict(self, idle_s: float) -> None:
        """Let go of bodies that have waited for `idle_s`; they are replayed when a step of theirs ends.

        Not those with a timeout: that counts from the beginning of an attempt, which a replay would repeat."""
        now_s = self._clock_s()
        gone: list[FlowMessage] = []
        for token, body in list(self._bodies.items()):
            self._forget_if_over(token, body)
            if not body.is_waiting:
                self._waiting_since_s.pop(token, None)
                continue
            spec = body.asking.spec
            since_s = self._waiting_since_s.setdefault(token, now_s)
            if now_s - since_s >= idle_s and spec.node.policy.timeout_s is None:
                seen = body.asking.ledger.told
                gone.append(
                    FlowEvicted(run_id=spec.run_id, body=spec.task, body_index=spec.map_index, token=token, seen=seen)
                )
                self._bury(token, body)
        if gone:
            self._send(gone)

    def waiting(self, tokens: Sequence[Token]) -> list[Token]:
        """Which of `tokens` live here and wait."""
        return [token for token in tokens if (body := self._bodies.get(token)) is not None and body.is_waiting]

    def _bury(self, token: Token, body: Body) -> None:
        del self._bodies[token]
        self._waiting_since_s.pop(token, None)
        if body.leaves_frames:
            self.buried += 1
            # A reference that nothing ever gives back: not even the exit of the interpreter closes the coroutines.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(body))

    def _forget_if_over(self, token: Token, body: Body) -> None:
        """The thread of a sync body ends by itself: such a body is found to be over at the next look."""
        if body.is_over and token in self._bodies:
            self._bury(token, body)

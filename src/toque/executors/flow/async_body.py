"""An async body: its coroutines on a loop of their own, driven by the answers to its steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from contextvars import Token, copy_context
from typing import Any

from toque.engine.effects import AnswerStep
from toque.engine.inputs import AttemptSucceeded
from toque.errors import UserError
from toque.executors.flow.asking import Asking
from toque.executors.flow.async_flow import AsyncFlow
from toque.executors.flow.body_loop import BodyLoop
from toque.executors.flow.ending import is_ours, report_of
from toque.executors.flow.futures import Futures
from toque.worker.attempt import Attempt, Call
from toque.worker.context import Context
from toque.worker.control import Cancelled
from toque.worker.flow_context import set_current_flow


class AsyncBody:
    """The life of one async body. `advance` is the only thing that makes it move."""

    def __init__(self, attempt: Attempt, asking: Asking, on_wait: Callable[[], None]) -> None:
        self.asking = asking
        self.futures = Futures(asking)
        self._on_wait = on_wait
        self.is_over = False
        self._attempt = attempt
        self.loop = BodyLoop(_Hooks(self))
        self._context = copy_context()
        self._root: asyncio.Task[AttemptSucceeded | tuple[Call, Any]]
        self._entered: Token[Context | None]
        self._closing = False

    # -- what the host calls

    def start(self) -> None:
        """Run it up to where it waits for the first time."""
        self._context.run(self._enter)
        self.advance()

    def tell(self, answers: Sequence[AnswerStep]) -> None:
        """Answers arrived."""
        for answer in answers:
            self.asking.ledger.hold(answer)
        self.advance()

    def cancel(self) -> None:
        """End it cooperatively: `CancelledError` where it waits; `finally` runs."""
        self._attempt.context.cancelled = True
        self._root.cancel()
        self.advance()

    @property
    def is_waiting(self) -> bool:
        """Nothing happens in it before the next answer."""
        return not self.is_over

    def advance(self) -> None:
        """Go on until it waits for an answer that has not come, or is over."""
        if self.is_over:
            return
        try:
            self._run()
        except UserError as spinning:
            self.asking.failure = spinning
        if self.asking.failure is not None:
            self._finish()

    def _run(self) -> None:
        self.loop.run_ready()
        while not self._may_finish():
            answer = self.asking.take()
            if answer is None:
                self.asking.flush()
                if self.asking.check_quiet() is not None:
                    self._point_at_wait()
                else:
                    self._on_wait()
                return
            self._context.run(self.futures.apply, answer)
            self.loop.run_ready()
        self._finish()

    # -- its beginning and end

    def _enter(self) -> None:
        self.asking.naming.begin()
        self._entered = self._attempt.enter(exclusive=False)
        set_current_flow(AsyncFlow(self))
        self._root = asyncio.Task(self._call(), loop=self.loop, name="flow", context=self._context)

    async def _call(self) -> AttemptSucceeded | tuple[Call, Any]:
        with ExitStack() as scope:
            call = self._attempt.prepare(scope)
            if isinstance(call, AttemptSucceeded):
                return call
            return call, await call.function(*call.args, **call.kwargs)

    def _may_finish(self) -> bool:
        """As `asyncio.run`, cancel the branches that are left; unlike it, see to the end what was submitted."""
        if self.asking.failure is not None:
            return True
        if not self._root.done():
            return False
        if not self._closing:
            self._closing = True
            for branch in list(self.futures.branches):
                branch.cancel()
            self.loop.run_ready()
        if self.futures.branches:
            return False
        if self._root.cancelled() or self._root.exception() is not None:
            return True
        return not self.futures.are_steps_open

    def _finish(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.asking.flush()
        self.asking.muting.end()
        report = self._context.run(report_of, self._attempt, self._outcome)
        self._context.run(self._attempt.leave, self._entered, False)
        self.futures.close()
        if self._root.done():
            if not self._root.cancelled():
                self._root.exception()  # reported, as far as it matters
            self.loop.close()
        self.asking.end(report)

    @property
    def leaves_frames(self) -> bool:
        """It is over, or to be dropped, while its code still stands at an `await`: whoever drops its last reference
        runs its `finally` blocks."""
        return not self._root.done()

    def _outcome(self) -> AttemptSucceeded | tuple[Call, Any]:
        if self.asking.failure is not None:
            raise self.asking.failure
        if self._attempt.context.cancelled:
            raise Cancelled
        ended = self._root.result()
        self.futures.raise_unseen()
        return ended

    def _point_at_wait(self) -> None:
        """Name the line at which the body waits, since no exception is raised there."""
        failure = self.asking.failure
        waits_for: Any = self._root.get_coro()
        while (frame := getattr(waits_for, "cr_frame", None)) is not None:
            if isinstance(failure, UserError) and not is_ours(frame.f_code.co_filename):
                failure.file, failure.line = frame.f_code.co_filename, frame.f_lineno
            waits_for = getattr(waits_for, "cr_await", None)


class _Hooks:
    """The body as its loop sees it."""

    def __init__(self, body: AsyncBody) -> None:
        self._body = body

    def seconds(self) -> float:
        return self._body.asking.derived.now_us / 1e6

    def open_scope(self) -> None:
        self._body.asking.naming.open_branch()

    def begun(self, branch: asyncio.Task[Any]) -> None:
        self._body.futures.begun(branch)

    def start_timer(self, delay_s: float, due: Callable[[], None]) -> Callable[[], None]:
        return self._body.futures.start_timer(delay_s, due)

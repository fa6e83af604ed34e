"""What the code of an async body waits for: futures of its steps, timers, and its own concurrent branches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from toque.engine.effects import AnswerStep
from toque.engine.values import TaskKey
from toque.executors.flow.asking import Asking


class Futures:
    """Of one body."""

    def __init__(self, asking: Asking) -> None:
        self.branches: set[asyncio.Task[Any]] = set()
        """Those that have not ended."""
        self._asking = asking
        self._steps: dict[TaskKey, asyncio.Future[Any]] = {}
        self._timers: dict[TaskKey, Callable[[], None]] = {}
        self._failed: list[asyncio.Future[Any]] = []

    def of_step(self, loop: asyncio.AbstractEventLoop, step: TaskKey) -> asyncio.Future[Any]:
        """A future for the end of a step. Cancelling it cancels the step."""
        future: asyncio.Future[Any] = loop.create_future()
        self._steps[step] = future
        future.add_done_callback(lambda done: self._asking.forget(step) if done.cancelled() else None)
        return future

    def start_timer(self, delay_s: float, due: Callable[[], None]) -> Callable[[], None]:
        """Call `due` after a durable sleep; returns what cancels it."""
        step = self._asking.sleep(delay_s)
        self._timers[step] = due

        def stop() -> None:
            if self._timers.pop(step, None) is not None:
                self._asking.forget(step)

        return stop

    def begun(self, branch: asyncio.Task[Any]) -> None:
        """A concurrent branch exists."""
        self.branches.add(branch)
        branch.add_done_callback(self._branch_done)

    def apply(self, answer: AnswerStep) -> None:
        """Tell whoever waits for a step how it ended."""
        due = self._timers.pop(answer.step, None)
        future = self._steps.pop(answer.step, None)
        try:
            value = self._asking.open(answer)
        except Exception as error:
            if future is not None and not future.done():
                self.fail(future, error)
        else:
            if future is not None and not future.done():
                future.set_result(value)
        if due is not None:
            due()

    def fail(self, future: asyncio.Future[Any], error: Exception) -> None:
        """What `future` stands for failed: if nobody ever looks at that, the flow fails."""
        self._failed.append(future)
        # The traceback is to begin where the body waits, not where its answer was opened.
        future.set_exception(error.with_traceback(None))

    @property
    def are_steps_open(self) -> bool:
        """Something was submitted that has not ended, awaited or not."""
        return any(not future.done() for future in self._steps.values())

    def raise_unseen(self) -> None:
        """Raise the first failure that nobody looked at: the body cannot have handled it."""
        for failed in self._failed:
            if failed._log_traceback and not failed.cancelled():
                failed.result()

    def close(self) -> None:
        """The body is over: what nobody looked at has been reported, or does not matter any more."""
        for failed in self._failed:
            if not failed.cancelled():
                failed.exception()

    def _branch_done(self, branch: asyncio.Task[Any]) -> None:
        self.branches.discard(branch)
        if not branch.cancelled() and branch._log_traceback:
            self._failed.append(branch)

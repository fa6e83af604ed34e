"""The event loop of one async body: no clock, no I/O, no threads, only what it is told.

Callbacks run first in, first out, until none is left; then the body waits for its next answer. Timers are
durable steps, so `asyncio.sleep`, `asyncio.timeout` and `wait_for` survive restarts and end in recorded order.
What could end in another order next time (sockets, subprocesses, executors) is refused, with the fix.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, Protocol, TypeVar, TypeVarTuple

from toque.errors import UserError
from toque.executors.flow.refusals import RefusingLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MAX_CALLBACKS = 5_000_000
"""In one go, without an answer in between: the body spins (`while True: await asyncio.sleep(0)`)."""


class LoopHooks(Protocol):
    """What the loop needs of the body that it belongs to."""

    def seconds(self) -> float:
        """The flow's clock, in seconds."""
        ...

    def open_scope(self) -> None:
        """The context that this is called in is that of a new branch."""
        ...

    def begun(self, branch: asyncio.Task[Any]) -> None:
        """The branch exists."""
        ...

    def start_timer(self, delay_s: float, due: Callable[[], None]) -> Callable[[], None]:
        """Call `due` after a durable sleep; returns what cancels it."""
        ...


class _Timer(asyncio.TimerHandle):
    """A durable sleep and what it calls."""

    __slots__ = ("stop",)

    def __init__(self, when: float, callback: Callable[..., object], args: Any, loop: BodyLoop, context: Any) -> None:
        super().__init__(when, callback, args, loop, context)
        self.stop: Callable[[], None] | None = None
        self._scheduled = False


class BodyLoop(RefusingLoop):
    """Runs the coroutines of one body."""

    def __init__(self, hooks: LoopHooks) -> None:
        super().__init__()
        self._hooks = hooks
        self._ready: Any  # made by BaseEventLoop

    def run_ready(self) -> None:
        """Run callbacks until none is left. Raises `UserError` for a body that spins."""
        outer = asyncio._get_running_loop()
        firstiter, finalizer = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(firstiter=None, finalizer=self._close_generator)
        try:
            self._run_ready()
        finally:
            sys.set_asyncgen_hooks(firstiter=firstiter, finalizer=finalizer)
            asyncio._set_running_loop(outer)

    def _run_ready(self) -> None:
        ready = self._ready
        left = MAX_CALLBACKS
        while ready:
            handle = ready.popleft()
            if not handle._cancelled:
                try:
                    handle._run()
                except SystemExit:
                    pass  # the task that raised it keeps it as its exception
            left -= 1
            if not left:
                raise UserError(
                    "the flow spins: it never waits for anything that could change",
                    fix="await the step itself, or asyncio.sleep() for more than 0 seconds",
                )

    # -- what asyncio calls

    def time(self) -> float:
        return self._hooks.seconds()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
        **_: Any,
    ) -> asyncio.Task[T]:
        # A branch needs a context of its own to know its scope. One that the caller passed is copied, too: two
        # branches that shared it would count their steps together.
        context = copy_context() if context is None else context.copy()
        context.run(self._hooks.open_scope)
        # A step that was submitted is no coroutine; `TaskGroup.create_task(task.submit(…))` is meant all the same.
        coroutine = coro if asyncio.iscoroutine(coro) else _awaited(coro)
        branch = asyncio.Task(coroutine, loop=self, name=None if name is None else str(name), context=context)
        self._hooks.begun(branch)
        return branch

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self._timer(delay, _Timer(self.time() + delay, callback, args, self, context))

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self._timer(round(when - self.time(), 6), _Timer(when, callback, args, self, context))

    def _timer(self, delay_s: float, timer: _Timer) -> _Timer:
        if delay_s <= 0:
            self._ready.append(timer)
        else:
            timer.stop = self._hooks.start_timer(delay_s, lambda: self._ready.append(timer))
            timer._scheduled = True  # so that its cancel() tells us
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        if isinstance(handle, _Timer) and handle.stop is not None:
            handle.stop()

    def _close_generator(self, generator: AsyncGenerator[Any, Any]) -> None:
        # Called by the garbage collector, whenever that is: the branch must not draw a number that others need.
        context = Context()
        self.call_soon(lambda: asyncio.Task(generator.aclose(), loop=self, context=context), context=context)

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if self.is_running():
            return self.call_soon(callback, *args, context=context)
        return self.refuse("be woken from another thread")


async def _awaited(step: Any) -> Any:
    return await step

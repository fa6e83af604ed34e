"""The fuse: an error of Toque's own, wherever it happens, ends everything that waits; nobody waits for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger("toque.runtime")


class Fuse:
    """Watches the tasks and callbacks of one event loop. `blown` is told of the first error, once."""

    def __init__(self, blown: Callable[[BaseException], None]) -> None:
        self._blown = blown
        self._broken: asyncio.Future[None] | None = None

    def arm(self) -> None:
        """Begin to watch the callbacks of the running loop."""
        loop = asyncio.get_running_loop()
        self._broken = loop.create_future()
        loop.set_exception_handler(self._on_callback_error)

    def watch(self, task: asyncio.Task[None]) -> None:
        """Watch a task as well."""
        task.add_done_callback(self._on_task_end)

    def disarm(self) -> None:
        """Watch no more. Raises the error, if there was one."""
        asyncio.get_running_loop().set_exception_handler(None)
        if self._broken is not None and self._broken.done():
            self._broken.result()

    async def wait(self) -> None:
        """Return never, but raise the error after which nothing goes on here."""
        if self._broken is not None:
            await asyncio.shield(self._broken)

    def _on_task_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._break(error)

    def _on_callback_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A callback of the event loop raised: a report of an executor was lost with it."""
        if "handle" in context and isinstance(error := context.get("exception"), Exception):
            self._break(error)
        else:
            loop.default_exception_handler(context)

    def _break(self, error: BaseException) -> None:
        if self._broken is None or self._broken.done():
            return
        log.critical("stopped by an error of Toque's own", exc_info=error)
        self._broken.set_exception(error)
        self._broken.exception()  # it may be that nobody asks
        self._blown(error)

"""A thread that owns one connection and runs jobs on it in order, so that the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from toque.ports.store import StoreUnavailable

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any] | None", asyncio.AbstractEventLoop | None]
"""What to do, and whom to tell on which loop."""


class ConnectionThread:
    """Started by its first job. A job that was begun is finished even if its caller was cancelled."""

    def __init__(self, name: str, close_connection: Callable[[], None]) -> None:
        self._name = name
        self._close_connection = close_connection
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` in the thread; answers what it returns or raises."""
        if self._closed:
            raise StoreUnavailable("this store was closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._put(job, future, loop)
        return await future

    def post(self, job: Callable[[], object]) -> None:
        """Run `job` in the thread some time, from any thread; nobody hears of it. It must not raise."""
        if not self._closed:
            self._put(job, None, None)

    def _put(
        self, job: Callable[[], Any], future: asyncio.Future[Any] | None, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put((job, future, loop))

    async def close(self) -> None:
        """Finish the jobs that wait, close the connection, end the thread."""
        if self._closed:
            return
        self._closed = True
        thread = self._thread
        if thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, thread.join)

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future, loop = item
            try:
                result = job()
            except BaseException as error:
                if loop is None or future is None:
                    raise
                _tell(loop, future, None, error)
            else:
                if loop is not None and future is not None:
                    _tell(loop, future, result, None)
            del item, job, future, loop
        self._close_connection()


def _tell(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: BaseException | None
) -> None:
    try:
        loop.call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:
        # The loop was closed under the caller: nobody is left to be told.
        pass


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)

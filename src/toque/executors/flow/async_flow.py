"""An async body as its code sees it: calls that return futures of the body's own loop."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from toque.engine.values import TaskKey
from toque.errors import UserError
from toque.executors.flow.mapping import settle
from toque.graph.ir import TaskNode
from toque.worker import instants
from toque.worker.flow_context import StepCall

if TYPE_CHECKING:
    from toque.executors.flow.async_body import AsyncBody


class AsyncFlow:
    """Implements `toque.worker.flow_context.FlowContext`."""

    is_async = True

    def __init__(self, body: AsyncBody) -> None:
        self._body = body
        self._asking = body.asking

    def call(self, node: TaskNode, args: Sequence[Any], kwargs: Mapping[str, Any]) -> asyncio.Future[Any]:
        return self._future(self._asking.step(node, args, kwargs))

    def call_blocking(self, node: TaskNode, args: Sequence[Any], kwargs: Mapping[str, Any]) -> NoReturn:
        raise UserError(f"{node.id}() would block the event loop of an async flow", fix=f"await {node.id}.submit(…)")

    def map(self, node: TaskNode, calls: Sequence[StepCall], *, tolerate: float = 0) -> asyncio.Future[list[Any]]:
        parts = [self.call(node, call.args, call.kwargs) for call in calls]
        whole: asyncio.Future[list[Any]] = self._body.loop.create_future()
        left = len(parts)

        def settled() -> None:
            if whole.done():
                return
            ended = [(part.exception(), None if part.exception() else part.result()) for part in parts]
            try:
                whole.set_result(settle(node.id, ended, tolerate))
            except Exception as error:
                self._body.futures.fail(whole, error)

        def one_done(part: asyncio.Future[Any]) -> None:
            nonlocal left
            left -= 1
            if part.cancelled():
                whole.cancel()
            elif not left:
                settled()

        for part in parts:
            part.add_done_callback(one_done)
        whole.add_done_callback(lambda done: [part.cancel() for part in parts] if done.cancelled() else None)
        if not parts:
            settled()
        return whole

    def nested(self, name: str) -> AbstractContextManager[None]:
        return self._asking.naming.nested(name)

    def sleep(self, seconds: float) -> asyncio.Future[Any]:
        return self._future(self._asking.sleep(seconds))

    def now(self) -> datetime:
        return instants.instant(self._asking.derived.now_us)

    def random(self) -> random.Random:
        return self._asking.derived.generator()

    def uuid(self) -> uuid.UUID:
        return self._asking.derived.uuid()

    def _future(self, step: TaskKey) -> asyncio.Future[Any]:
        return self._body.futures.of_step(self._body.loop, step)

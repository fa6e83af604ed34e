"""External jobs: `on_cancel(handle)` called in a worker, for a task run that waits for one no more.

It belongs to no run, so that nothing waits for it: a call that fails is made again by the relay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count

import msgspec

from toque.engine.inputs import AttemptFailed, AttemptStarted, AttemptSucceeded
from toque.engine.values import TaskKey, Token
from toque.errors import ToqueError
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, TaskNode, TaskPolicy
from toque.ports.executor import AttemptSpec, Executor, WorkItem
from toque.runtime.messages import Message
from toque.runtime.options import RuntimeOptions
from toque.runtime.outgoing import StopOrder
from toque.runtime.versions import Versions
from toque.worker.log import log_path

TIMEOUT_S = 300.0
"""A call that takes longer is ended, and made again."""


class NotStopped(ToqueError):
    """The job may still run."""


class ExternalJobs:
    """Calls of `on_cancel` under way, by token."""

    def __init__(self, executors: Mapping[str, Executor], versions: Versions, options: RuntimeOptions) -> None:
        self._executors = executors
        self._versions = versions
        self._options = options
        self._numbers = count(1)
        self._calls: dict[Token, asyncio.Future[Message]] = {}

    async def stop(self, order: StopOrder) -> None:
        """Return once `on_cancel` has. Raises `NotStopped`, and `ToqueError` when its code is not on this machine."""
        if order.executor not in self._executors:
            raise NotStopped(f"executor {order.executor!r} is not available here")
        _, bundle = await self._versions.get(order.version)
        token = Token(-1, next(self._numbers))
        code = msgspec.convert(order.code, CodeRef)
        key = TaskKey(order.task, order.map_index)
        spec = AttemptSpec(
            run_id="",
            task=order.task,
            map_index=order.map_index,
            attempt=0,
            token=token,
            node=TaskNode(
                id=order.task,
                code=code,
                args=(Const(value=order.handle),),
                policy=TaskPolicy(timeout_s=TIMEOUT_S),
            ),
            version=order.version,
            pipeline=order.pipeline,
            log_path=log_path(self._options.logs, order.run_id, key, 0) if self._options.logs else "",
        )
        ended = self._calls[token] = asyncio.get_running_loop().create_future()
        executor = self._executors[order.executor]
        try:
            executor.submit(WorkItem(bundle=bundle, environment=order.environment, attempts=(spec,)))
            report = await ended
        finally:
            del self._calls[token]
        if isinstance(report, AttemptFailed):
            raise NotStopped(f"on_cancel of {key} raised {report.error.type}: {report.error.message}")
        if not isinstance(report, AttemptSucceeded):
            raise NotStopped(f"on_cancel of {key} did not come to its end")

    def heard(self, message: Message) -> None:
        """A report that is about no run may be about a call."""
        call = self._calls.get(getattr(message, "token", None))  # type: ignore[arg-type]
        if call is not None and not call.done() and not isinstance(message, AttemptStarted):
            call.set_result(message)

"""What no body of a flow may do, since it could end in another way the next time; each refusal names the fix."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, TypeVarTuple

from toque.errors import UserError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class RefusingLoop(asyncio.BaseEventLoop):
    """An event loop without threads, sockets and subprocesses."""

    def run_in_executor(self, executor: Any, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        return self.refuse(f"run {getattr(func, '__qualname__', func)} in a thread")

    async def create_connection(self, *args: Any, **kwargs: Any) -> Any:
        return self.refuse("open a connection")

    async def create_datagram_endpoint(self, *args: Any, **kwargs: Any) -> Any:
        return self.refuse("open a connection")

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        return self.refuse("listen for connections")

    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> Any:
        return self.refuse("start a subprocess")

    subprocess_shell = subprocess_exec

    def refuse(self, what: str) -> NoReturn:
        """Raise the refusal."""
        raise UserError(
            f"the body of a flow cannot {what}: it would not repeat itself in a replay",
            fix="do it in a task, and await task.submit(…) here",
        )

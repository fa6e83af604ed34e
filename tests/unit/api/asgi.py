"""An ASGI application asked without a server."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Said:
    """What an application answered."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Clock:
    """A clock that stands still."""

    def __init__(self, now_us: int = 1_000_000_000_000_000) -> None:
        self.us = now_us

    def now_us(self) -> int:
        return self.us

    async def wait_until(self, due_us: int) -> None:
        self.us = max(self.us, due_us)


async def ask(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    *,
    headers: dict[str, str] | None = None,
    body: bytes | list[bytes] = b"",
    query: str = "",
    actor: str = "",
) -> Said:
    """One request; the body may come in pieces."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    waiting = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin1")) for name, value in (headers or {}).items()],
        "http_version": "1.1",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8787),
        "root_path": "",
        "toque.actor": actor,
    }
    said = Said()

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            said.status = message["status"]
            said.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            said.body += message.get("body", b"")

    await app(scope, receive, send)
    return said


class Echo:
    """Answers with what it was asked, and counts."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.bodies: list[bytes] = []
        self.actors: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        self.actors.append(scope.get("toque.actor", ""))
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"x-count", b"1")]})
        await send({"type": "http.response.body", "body": b"%d:%s" % (len(self.bodies), body)})

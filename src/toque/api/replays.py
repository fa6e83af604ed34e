"""`Idempotency-Key`: a write that is sent again has no second effect, and gets the first answer.

What starts something durable (runs, backfills) is kept once by the store as well, and so holds across restarts; all
other writes are the same when they are done twice. This remembers the answers, and lets a repetition that comes while
the first is under way wait for it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toque.api.errors import problem

REMEMBERED = 2000
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class _Answer:
    body_digest: bytes
    messages: tuple[Message, ...]


class Replays:
    """ASGI middleware, behind the guard: a key belongs to whoever sent it, for one path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answers: OrderedDict[tuple[str, str, str, str], asyncio.Future[_Answer]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get("idempotency-key", "") if scope["type"] == "http" else ""
        if not key or scope["method"] not in WRITES:
            await self._app(scope, receive, send)
            return
        if len(key) > 200:
            await problem(400, "an Idempotency-Key has at most 200 characters")(scope, receive, send)
            return
        body = await _whole(receive)
        if body is None:
            return
        digest = hashlib.sha256(body).digest()
        name = (scope.get("toque.actor", ""), scope["method"], scope["path"], key)
        while (known := self._answers.get(name)) is not None:
            answer = await asyncio.shield(known)
            if not answer.messages:
                continue  # it failed: the next one that was waiting is the first now, and the others wait for that
            if answer.body_digest != digest:
                refusal = problem(
                    422, "this Idempotency-Key was sent with another body before", fix="use a new key for each write"
                )
                await refusal(scope, receive, send)
                return
            for message in answer.messages:
                await send(message)
            return
        await self._first(name, digest, body, scope, send)

    async def _first(
        self, name: tuple[str, str, str, str], digest: bytes, body: bytes, scope: Scope, send: Send
    ) -> None:
        waiting: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._answers[name] = waiting
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)
            await send(message)

        try:
            await self._app(scope, _given(body), keep)
        finally:
            done = bool(sent) and sent[0].get("status", 500) < 500 and not sent[-1].get("more_body", False)
            if not done and self._answers.get(name) is waiting:
                del self._answers[name]
            waiting.set_result(_Answer(digest, tuple(sent) if done else ()))
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)


async def _whole(receive: Receive) -> bytes | None:
    """The body; None when the client went away."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(body: bytes) -> Receive:
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            await asyncio.Event().wait()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive

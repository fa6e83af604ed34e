"""`GET /stream`: mounted beside the other routes, behind the same guard. `app.state.stream` is the hub."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, cast

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from toque.api.errors import documented, problem
from toque.api.stream.connection import Stream
from toque.api.stream.cursor import from_text
from toque.api.stream.hub import Hub
from toque.api.stream.topics import UnknownTopic, parse
from toque.ports.store import StoreUnavailable

router = APIRouter(tags=["stream"])

MEDIA_TYPE = "text/event-stream"


class Events(Response):
    """Sends the events of a stream, and frees it as soon as the client is gone."""

    media_type = MEDIA_TYPE

    def __init__(self, stream: Stream) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        gone = asyncio.create_task(self._until_gone(receive))
        sending = asyncio.create_task(self._send(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            sending.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _send(self, send: Send) -> None:
        async with contextlib.aclosing(self._stream.events()) as events:
            # The client comes back by itself, with its cursor, when the store could not be read.
            with contextlib.suppress(StoreUnavailable, OSError):
                async for event in events:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            with contextlib.suppress(OSError):
                await send({"type": "http.response.body", "body": b"", "more_body": False})


@router.get(
    "/stream",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}, **documented(400)},
)
async def stream(
    request: Request,
    topics: Annotated[list[str], Query(min_length=1, max_length=50)],
    since: Annotated[str, Query(max_length=16_000)] = "",
    last_event_id: Annotated[str, Header(max_length=16_000)] = "",
) -> Response:
    """What changes, as rows: `hello`, then `patch` events (see the page about the stream).

    `topics`, separated by commas: `home`, `pipeline:NAME`, `run:ID`, `tasks:ID:TASK`, `logs:ID:TASK:INDEX:ATTEMPT`,
    `assets`, `asset:KEY`.
    """
    hub = cast(Hub | None, getattr(request.app.state, "stream", None))
    if hub is None or hub.is_closed:
        return problem(503, "the server is starting or stopping", fix="ask again")
    try:
        wanted = parse(topics)
    except UnknownTopic as unknown:
        return problem(400, str(unknown), fix="see the description of GET /api/v1/stream")
    cursor = from_text(last_event_id or since)
    return Events(Stream(hub, wanted, cursor))

"""Small real servers that take messages: HTTP and SMTP, on a port of this machine, with answers as told."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any


@dataclass
class Request:
    """What an HTTP client sent."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpReceiver:
    """Answers `answers` in turn, then 200."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[Request] = field(default_factory=list)
    silent: bool = False
    """Takes requests and never answers."""

    def __post_init__(self) -> None:
        self._arrived = asyncio.Event()

    async def until(self, count: int) -> list[Request]:
        """The requests, once there are so many."""
        while len(self.got) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.got

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        lower = {name.lower(): text for name, text in headers.items()}
        body = await reader.readexactly(int(lower.get("content-length", 0)))
        self.got.append(Request(head[0].split()[1], lower, body))
        self._arrived.set()
        if self.silent:
            await reader.read()
        else:
            status, extra = self.answers.pop(0) if self.answers else (200, {})
            lines = [f"HTTP/1.1 {status} X", "Connection: close", "Content-Length: 2"]
            lines += [f"{name}: {text}" for name, text in extra.items()]
            writer.write("\r\n".join([*lines, "", "ok"]).encode())
        writer.close()


@asynccontextmanager
async def http_receiver() -> AsyncIterator[HttpReceiver]:
    """A running one."""
    receiver = HttpReceiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook/s3cret-path"
    try:
        yield receiver
    finally:
        server.close()


@dataclass
class SmtpReceiver:
    """Speaks enough of RFC 5321. `refusals` maps a command to the answer that it gets instead."""

    port: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            self.said.append(line)
            verb = line.split(maxsplit=1)[0].upper()
            if verb in self.refusals:
                writer.write(f"{self.refusals[verb]}\r\n".encode())
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-5]
                mail = email.message_from_bytes(raw, policy=email.policy.default)
                assert isinstance(mail, EmailMessage)
                self.mails.append(mail)
                writer.write(b"250 taken\r\n")
            elif verb == "EHLO":
                writer.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            elif verb == "AUTH":
                writer.write(b"235 welcome\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()


@asynccontextmanager
async def smtp_receiver() -> AsyncIterator[SmtpReceiver]:
    """A running one."""
    receiver = SmtpReceiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()

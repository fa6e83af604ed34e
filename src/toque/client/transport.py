"""Requests and answers over one kept connection, by the standard library: a command pays for no HTTP package."""

from __future__ import annotations

import http.client
import secrets
import socket
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from toque.errors import ToqueError, UserError

PREFIX = "/api/v1"
TIMEOUT_S = 60.0
Query: TypeAlias = Mapping[str, object]
"""Text, numbers, booleans and lists of text; what is empty or None is left out."""


class Refused(UserError):
    """The server refused the request: `status` is that of HTTP, `errors` names fields."""

    def __init__(
        self, message: str, *, fix: str = "", status: int = 0, errors: Sequence[Mapping[str, str]] = ()
    ) -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.errors = list(errors)


class ServerGone(ToqueError):
    """Nobody answers at the address of the server. A write may have happened, unless the connection was refused."""

    def __init__(self, message: str, *, was_sent: bool) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class Transport:
    """One server. Not for several threads at once."""

    def __init__(self, url: str, token: str, *, actor: str = "", timeout_s: float = TIMEOUT_S) -> None:
        split = urlsplit(url)
        if split.scheme not in ("http", "https") or not split.hostname:
            raise UserError(f"{url!r} is no address of a server", fix="http://127.0.0.1:8787")
        kind = http.client.HTTPSConnection if split.scheme == "https" else http.client.HTTPConnection
        self.url = url.rstrip("/")
        self._connection = kind(split.hostname, split.port, timeout=timeout_s)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if actor:
            self._headers["X-Toque-Actor"] = actor.encode("ascii", "replace").decode()

    def get(self, *path: str, query: Query | None = None) -> Any:
        """The answer's JSON. Each part of the path is quoted. Raises `Refused`, `ServerGone`."""
        return self._json("GET", path, query, None, {})

    def text(self, *path: str, query: Query | None = None) -> str:
        """The answer as text."""
        return self._sent("GET", path, query, None, {}).decode()

    def post(self, *path: str, body: Any = None, key: str = "") -> Any:
        """A write, with an `Idempotency-Key`: a connection that breaks is tried once more without doing it twice."""
        return self._json("POST", path, None, body, {"Idempotency-Key": key or secrets.token_urlsafe(12)})

    def delete(self, *path: str) -> None:
        """A write without an answer."""
        self._sent("DELETE", path, None, None, {"Idempotency-Key": secrets.token_urlsafe(12)})

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _json(
        self, method: str, path: Sequence[str], query: Query | None, body: Any, headers: Mapping[str, str]
    ) -> Any:
        data = self._sent(method, path, query, body, headers)
        return msgspec.json.decode(data) if data else None

    def _sent(
        self, method: str, path: Sequence[str], query: Query | None, body: Any, headers: Mapping[str, str]
    ) -> bytes:
        target = _target(path, query)
        content = None if body is None else msgspec.json.encode(body)
        whole = {**self._headers, **headers}
        if content is not None:
            whole["Content-Type"] = "application/json"
        for last_try in (False, True):
            try:
                self._connection.request(method, target, content, whole)
                answer = self._connection.getresponse()
                data = answer.read()
                break
            except (ConnectionRefusedError, socket.gaierror) as error:
                self._connection.close()
                raise ServerGone(f"no server answers at {self.url}: {error}", was_sent=False) from error
            except (OSError, http.client.HTTPException) as error:
                # A kept connection may have been closed by the other side; the key makes a second try harmless.
                self._connection.close()
                if last_try:
                    raise ServerGone(f"the server at {self.url} did not answer: {error!r}", was_sent=True) from error
        if answer.status >= 400:
            raise _refused(answer.status, data)
        return data


def _target(path: Sequence[str], query: Query | None) -> str:
    target = PREFIX + "".join(f"/{quote(part, safe='')}" for part in path)
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        if isinstance(value, list | tuple):
            values = [str(each) for each in value]
        else:
            values = ["" if value is None else str(value).lower() if isinstance(value, bool) else str(value)]
        pairs += [(name, each) for each in values if each != ""]
    return f"{target}?{urlencode(pairs)}" if pairs else target


def _refused(status: int, data: bytes) -> Refused:
    try:
        problem = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError:
        return Refused(f"the server answered {status}", status=status)
    return Refused(
        problem.get("detail") or problem.get("title", ""),
        fix=problem.get("fix", ""),
        status=status,
        errors=problem.get("errors", ()),
    )

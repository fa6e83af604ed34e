"""The guard: every request passes here first. Who may ask, from where, and what browsers are told.

| Threat | What stops it |
|---|---|
| other users of this machine | the token, even on loopback |
| a page of another site asks (CSRF) | SameSite=Strict, `X-Toque: 1`, a fitting Origin |
| a name of another site leads here (DNS rebinding) | Host must be `localhost`, an IP address or a name of this server |
| text of a run as script in the page (XSS) | a CSP without inline scripts or other origins, `nosniff` |
| a page of another site frames this one | `frame-ancestors 'none'` |

Not prevented: a token that is read on its way over plain HTTP; another machine is reached through a proxy with TLS.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toque.api.access import Access
from toque.api.errors import problem
from toque.ports.clock import Clock

API = "/api/"
OPEN = frozenset({("POST", "/api/v1/session"), ("GET", "/api/v1/openapi.json")})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY_BYTES = 4 * 1024 * 1024
CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refused(Exception):
    """The request is not let in."""

    def __init__(self, status: int, detail: str, fix: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.fix = fix


class Guard:
    """ASGI middleware; sets `toque.actor` in the scope of those let in."""

    def __init__(self, app: ASGIApp, access: Access, clock: Clock) -> None:
        self._app = app
        self._access = access
        self._clock = clock
        self._hosts = own_names() | access.hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if path.startswith(API):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            scope["toque.actor"] = self._admitted(scope)
        except Refused as refused:
            response = problem(refused.status, refused.detail, fix=refused.fix)
            if refused.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            await response(scope, receive, answer)
            return
        await self._app(scope, _bounded(receive), answer)

    def _admitted(self, scope: Scope) -> str:
        """Who asks. Raises `Refused`."""
        headers = Headers(scope=scope)
        method, path = scope["method"], scope["path"]
        host = headers.get("host", "")
        self._check_host(host)
        if "\0" in path or b"%00" in scope.get("query_string", b""):
            raise Refused(400, "a NUL character has no meaning here")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            raise Refused(413, f"the body has more than {MAX_BODY_BYTES} bytes")
        if not path.startswith(API):
            return ""
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            raise Refused(403, f"requests from pages of {origin} are refused")
        if headers.get("sec-fetch-site") == "cross-site":
            raise Refused(403, "requests from pages of another site are refused")
        if (method, path) in OPEN:
            return ""
        return self._authenticated(method, headers, has_origin=origin is not None)

    def _authenticated(self, method: str, headers: Headers, *, has_origin: bool) -> str:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:
            if scheme.lower() == "bearer" and self._access.is_token(token.strip()):
                return headers.get("x-toque-actor", "")[:200] or self._access.actor
            raise Refused(401, "this is not the token of the project", "toque token prints it")
        if not self._access.is_session(_cookie(headers, self._access.cookie), self._clock.now_us()):
            raise Refused(401, "not signed in", "toque open prints a URL that signs in; scripts send a bearer token")
        if method not in SAFE:
            if headers.get("x-toque") != "1":
                raise Refused(403, "a write that is signed in by cookie needs the header `X-Toque: 1`")
            if not has_origin and headers.get("sec-fetch-site") != "same-origin":
                raise Refused(403, "a write that is signed in by cookie needs the header `Origin`")
        return self._access.actor

    def _check_host(self, host: str) -> None:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        if name not in self._hosts and not _is_address(name):
            raise Refused(
                421,
                f"this server does not answer to the name {name!r}",
                "use its IP address, or name it: toque server --host NAME",
            )


def own_names() -> frozenset[str]:
    """What this machine is called."""
    return frozenset({"localhost", socket.gethostname().lower()})


def _is_address(name: str) -> bool:
    """A page of another site is reached by a name, so that an address in Host cannot be rebinding."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _bounded(receive: Receive) -> Receive:
    """A body without a length must not fill the memory either: what is too much is cut off as a lost connection."""
    left = MAX_BODY_BYTES

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                return {"type": "http.disconnect"}
        return message

    return bounded


def names_of(hosts: Iterable[str]) -> frozenset[str]:
    """Host names that a server was told to bind to."""
    return frozenset(host.lower() for host in hosts if host and not _is_address(host))

"""The web side of a server: the HTTP API and the UI, in the engine's event loop.

The engine comes first: it has adopted its runs before FastAPI is even imported (in a thread, since that takes longer
than a recovery may). The port is taken before that, so that a taken one is said at once.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toque.errors import UserError
from toque.local.site import Site
from toque.ports.project import ProjectIndex
from toque.settings import tokens

if TYPE_CHECKING:
    from toque.local.triggers import Triggering
    from toque.local.web_app import WebServer

log = logging.getLogger("toque.server")

PORT = 8787
TRIES = 20
"""Ports after the wanted one that are tried when nobody named one."""
STOP_S = 2
"""For answers under way; streams are cut, and resume by themselves."""


@dataclass(frozen=True, kw_only=True)
class WebOptions:
    """Where to listen."""

    host: str = "127.0.0.1"
    port: int = PORT
    port_is_given: bool = False
    """Somebody asked for this port, so that another one will not do."""


@dataclass(frozen=True)
class Address:
    """Where the web side listens."""

    url: str
    sign_in_url: str
    """Good for one sign-in, for ten minutes."""


def bind(options: WebOptions, token_is_known: bool) -> socket.socket:
    """The listening socket. Raises `UserError` for a taken port, and for a public bind with a token nobody knows."""
    if not _is_loopback(options.host) and not token_is_known:
        raise UserError(
            f"{options.host} can be reached from other machines, and there is no token yet that you could know",
            fix=f"`toque token` makes one and prints it; or set {tokens.VARIABLE}",
        )
    last = options.port if options.port_is_given or not options.port else min(options.port + TRIES, 65535)
    for port in range(options.port, last + 1):
        try:
            found = _listening(options.host, port)
        except OSError as error:
            problem = error
            continue
        if port != options.port:
            log.warning("port %d is taken, listening on %d instead", options.port, found.getsockname()[1])
        return found
    raise UserError(
        f"cannot listen on {options.host}:{options.port}: {problem.strerror}",
        fix="stop the other program, or choose another port: toque server --port N",
    )


@asynccontextmanager
async def web(
    site: Site,
    listening: socket.socket,
    project: ProjectIndex,
    triggers: Triggering | None = None,
    *,
    host: str,
) -> AsyncIterator[Address]:
    """The API and the UI, until the end of the block."""
    token = await asyncio.to_thread(tokens.make_token, site.settings.home)
    made = await asyncio.to_thread(_make, site, token, project, triggers, host)
    gc.freeze()  # what was imported meanwhile is as permanent as what was there before
    url = f"http://{_shown(host)}:{listening.getsockname()[1]}"
    made.hub.start()
    serving = asyncio.create_task(made.server.serve([listening]), name="toque-web")
    serving.add_done_callback(_told)
    tokens.write_server_file(
        site.settings.home,
        tokens.ServerFile(pid=os.getpid(), url=url, instance=site.runtime.instance, started_us=site.clock.now_us()),
    )
    try:
        yield Address(url, f"{url}/sign-in?key={made.access.new_key(site.clock.now_us())}")
    finally:
        tokens.remove_server_file(site.settings.home, os.getpid())
        await made.hub.close()
        made.server.should_exit = True
        await asyncio.wait([serving], timeout=STOP_S + 3)
        listening.close()


def _make(site: Site, token: str, project: ProjectIndex, triggers: Triggering | None, host: str) -> WebServer:
    """Runs in a thread: imports what only the web side needs."""
    from toque.local.streaming import tell_triggers
    from toque.local.web_app import make

    made = make(site, token, project, host, stop_s=STOP_S)
    if triggers is not None:
        tell_triggers(made.hub, triggers)
    return made


def _told(serving: asyncio.Task[None]) -> None:
    if not serving.cancelled() and serving.exception() is not None:
        log.error("the web side ended, runs go on without it", exc_info=serving.exception())


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named: asyncio sends small answers at once (TCP_NODELAY) only on sockets that say they are TCP,
    # and without that a kept connection waits 40 ms for each.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        # Whoever connects from now on waits until the API is up, instead of being turned away.
        found.listen(128)
        found.setblocking(False)
    except OSError:
        found.close()
        raise
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    """As it is written in a URL; "all addresses" is none."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host

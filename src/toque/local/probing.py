"""Trying connections: their secrets are opened, what they lead to is reached, and what a client says is masked."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from toque.errors import ToqueError, UserError
from toque.integrations.probes import probe_for
from toque.ports.connections import Trial
from toque.settings import Connection, Secret


def tried(connection: Connection) -> Trial:
    """What trying it in this process comes to. A client may hang: whoever cannot wait uses a process of its own."""
    began_s = time.perf_counter()
    try:
        options = connection.revealed()
        probe = probe_for(connection.type)
        if probe is None:
            message = f"its secrets are there; nothing installed can test a {connection.type!r} connection"
            return Trial(outcome="unknown", message=message)
        began_s = time.perf_counter()
        return Trial(outcome="ok", message=probe(options), latency_us=_since(began_s))
    except Exception as error:  # whatever a client raises is the answer
        secrets = [secret.reveal() for secret in connection.secrets() if opens(secret)]
        message, fix = _words(error, str(connection.options.get("url", "")))
        return Trial(
            outcome="failed",
            message=_masked(message, secrets).strip().partition("\n")[0],
            fix=_masked(fix, secrets),
            latency_us=_since(began_s),
        )


def opens(secret: Secret) -> bool:
    """Whether it is there, and not empty."""
    try:
        return bool(secret.reveal())
    except ToqueError:
        return False


def _words(error: BaseException, url: str) -> tuple[str, str]:
    """What went wrong, and what to do. Clients wrap what the network said in pages of their own words."""
    if isinstance(error, UserError):
        return error.message, error.fix
    for each in _causes(error):
        if isinstance(each, ConnectionRefusedError | socket.gaierror | TimeoutError) and url:
            place = urlsplit(url)
            where = f"{place.hostname}:{place.port}" if place.port else place.hostname or url
            why = each.strerror or str(each) or "no answer in time"
            return f"{where} cannot be reached: {why}", "is it running, and is this the right address?"
    return str(error) if isinstance(error, ToqueError) else f"{type(error).__name__}: {error}", ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _since(began_s: float) -> int:
    return round((time.perf_counter() - began_s) * 1_000_000)


def _masked(text: str, secrets: list[str]) -> str:
    """Clients like to quote what they were given."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text

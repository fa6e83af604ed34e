"""Trying connections: their secrets are opened, what they lead to is reached, and what a client says is masked."""

from __future__ import annotations

import time

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
        said = error.message if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        return Trial(
            outcome="failed",
            message=_masked(said, secrets).strip().partition("\n")[0],
            fix=_masked(error.fix if isinstance(error, UserError) else "", secrets),
            latency_us=_since(began_s),
        )


def opens(secret: Secret) -> bool:
    """Whether it is there, and not empty."""
    try:
        return bool(secret.reveal())
    except ToqueError:
        return False


def _since(began_s: float) -> int:
    return round((time.perf_counter() - began_s) * 1_000_000)


def _masked(text: str, secrets: list[str]) -> str:
    """Clients like to quote what they were given."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text

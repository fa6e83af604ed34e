"""Who asks, and who answers."""

from __future__ import annotations

from toque.api.wire.model import Text, Wire


class SignIn(Wire):
    """A one-time key from the printed URL, or the token of the project."""

    key: Text


class ServerInfo(Wire):
    """The server that answers."""

    version: str
    instance: str
    boot: int
    project: str
    """Name of the project."""
    profile: str
    now_us: int
    role: str


class Session(Wire):
    """Who is signed in, at which server."""

    actor: str
    server: ServerInfo


class Health(Wire):
    """Answer of `/healthz` and `/readyz`."""

    status: str
    detail: str = ""

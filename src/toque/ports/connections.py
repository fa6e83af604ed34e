"""The connections of the project, as a server shows them: what is declared, what could be, and whether one leads
anywhere. Secrets are references here, never values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

Outcome = Literal["ok", "failed", "unknown"]


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a connection."""

    name: str
    """Of a table in it: `headers.X-Key`."""
    value: Any = None
    """JSON; None of a secret."""
    secret: str = ""
    """Where it is kept: `env:NAME`, `file:path`, or `written in toque.toml`."""
    resolves: bool = True
    """A secret is there."""


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """One connection under the profile of the server."""

    name: str
    type: str
    slots: int | None = None
    line: int = 0
    """Of `toque.toml`; 0: the environment declares it."""
    options: tuple[Option, ...] = ()
    told_of: tuple[str, ...] = ()
    """What its notifications are about: `failure`, `late`, …"""


class ConnectionType(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection can be."""

    type: str
    title: str
    doc: str
    options: dict[str, Any]
    """JSON Schema (object). A property of format `secret` holds a reference."""
    testable: bool = False


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What trying a connection came to."""

    outcome: Outcome
    """`unknown`: nothing installed can try it."""
    message: str
    fix: str = ""
    latency_us: int = 0
    """Of the attempt, the start of a process left out."""


class Connections(Protocol):
    """What a composition root offers to the API."""

    def declared(self) -> Sequence[Declared]:
        """As `toque.toml` says it now, by name. May block. Raises `UserError` when it cannot be read."""
        ...

    def types(self) -> Sequence[ConnectionType]:
        """Those that something installed knows. May block."""
        ...

    async def test(self, name: str) -> Trial:
        """Open its secrets and reach what it leads to, outside of this process. Raises `NotFound`."""
        ...

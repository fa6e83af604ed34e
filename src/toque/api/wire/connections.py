"""Connections: what tasks reach outside, without any secret."""

from __future__ import annotations

from typing import Any, Literal

from toque.api.wire.model import Wire
from toque.api.wire.system import PoolUser


class ConnectionOption(Wire):
    """One field of a connection."""

    name: str
    """Of a table in it: `headers.X-Team`."""
    value: Any
    """null where it is a secret."""
    secret: str
    """Where it is kept: `env:NAME`, `file:path`; "" for what is no secret."""
    resolves: bool
    """The secret is there, as this server sees it."""


class ConnectionUse(Wire):
    """A pipeline whose tasks use it."""

    pipeline: str
    tasks: list[str]
    """By id."""


class Connection(Wire):
    """Named access to something outside."""

    name: str
    type: str
    title: str
    """Of the type, for people; the type itself where nothing installed knows it."""
    testable: bool
    file: str
    """Where it is declared; "" for one that the environment declares."""
    line: int
    options: list[ConnectionOption]
    used_by: list[ConnectionUse]
    assets: list[str]
    """Those that are kept in it: their keys begin with its name."""
    told_of: list[str]
    """What its notifications are about."""
    slots: int | None
    """How many task runs may use it at once; null for any number."""
    holders: list[PoolUser]
    waiters: list[PoolUser]


class ConnectionType(Wire):
    """What a connection can be."""

    type: str
    title: str
    doc: str
    testable: bool
    options: dict[str, Any]
    """JSON Schema (object); a property of format `secret` takes a reference, `env:NAME` or `file:path`."""


class ConnectionTested(Wire):
    """What trying a connection came to."""

    outcome: Literal["ok", "failed", "unknown"]
    """`unknown`: nothing installed can try it; its secrets are there."""
    message: str
    fix: str
    latency_us: int

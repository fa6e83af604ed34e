"""Who one is to an HTTP API, as values: a token, a password, a key, or a client that fetches tokens."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Bearer(msgspec.Struct, frozen=True, tag_field="auth", tag="bearer"):
    """`Authorization: Bearer …`"""

    token: str


class Basic(msgspec.Struct, frozen=True, tag_field="auth", tag="basic"):
    """User and password."""

    username: str
    password: str


class ApiKey(msgspec.Struct, frozen=True, tag_field="auth", tag="api_key"):
    """A key in a header of its own, or in the query."""

    key: str
    header: str = "X-Api-Key"
    query: str = ""
    """Name of a parameter; then the header is not sent."""


class ClientCredentials(msgspec.Struct, frozen=True, tag_field="auth", tag="client_credentials"):
    """OAuth 2 (RFC 6749, 4.4): tokens are fetched from `token_url`, and anew when one has expired."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str = ""


AnyAuth: TypeAlias = Bearer | Basic | ApiKey | ClientCredentials

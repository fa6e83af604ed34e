"""Options of a connection, looked at before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from toque.errors import UserError


def required(options: Mapping[str, Any], key: str, example: str) -> str:
    """A text that must be there. Raises `UserError`."""
    value = options.get(key)
    if not isinstance(value, str) or not value:
        raise UserError(f"the connection has no {key!r}", fix=f"{key} = {example}")
    return value


def address(options: Mapping[str, Any], example: str) -> str:
    """Its `url`, which is never quoted: the address of a webhook is a secret. Raises `UserError`."""
    url = required(options, "url", example)
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError("the url of the connection is no address of an HTTP server", fix=f"url = {example}")
    return url


def allowed(options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse what is not known: a misspelt option would be a message that goes astray. Raises `UserError`."""
    for key in options:
        if key not in known:
            raise UserError(
                f"the connection has an option {key!r}, which means nothing", fix=f"one of {', '.join(known)}"
            )

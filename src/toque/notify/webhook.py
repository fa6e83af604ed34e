"""Webhook: the message as JSON, signed.

Headers: `Toque-Delivery` is the dedup id, `Toque-Timestamp` the time of sending in seconds, `Toque-Signature` is
`sha256=` and the HMAC-SHA256 of `<timestamp>.<body>` under the `secret` of the connection, in hex: with the time under
the signature a receiver can refuse what was recorded and played again.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from toque.errors import UserError
from toque.notify import options as opts
from toque.notify.posting import post
from toque.ports.notifier import Message

EXAMPLE = '"https://example.com/hook"'


class WebhookNotifier:
    """Posts to one address. Implements `toque.ports.notifier.Notifier`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        opts.allowed(options, ("url", "secret", "headers"))
        self._url = opts.address(options, EXAMPLE)
        self._secret = str(options.get("secret", ""))
        headers = options.get("headers", {})
        if not isinstance(headers, Mapping):
            raise UserError("headers is no table", fix='headers = { Authorization = { secret = "env:HOOK_TOKEN" } }')
        self._headers = {str(name): str(value) for name, value in headers.items()}

    async def send(self, message: Message) -> None:
        """See `Notifier.send`."""
        body = payload(message)
        timestamp = str(int(time.time()))
        headers = {**self._headers, "Toque-Delivery": message.dedup, "Toque-Timestamp": timestamp}
        if self._secret:
            headers["Toque-Signature"] = signature(self._secret, timestamp, body)
        await post(self._url, body, headers)


def payload(message: Message) -> bytes:
    """All fields, also the empty ones: a receiver need not know which may be missing."""
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    return msgspec.json.encode(fields)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What a receiver computes as well, and compares in constant time.

    >>> signature("s", "1", b"{}")
    'sha256=b253639bcd705ed1cda3073f66104f16988bd40272584dea7d0d345ae93e61cc'
    """
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()

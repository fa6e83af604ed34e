"""Access: the token of the project, one-time sign-in keys, and the sessions that they open.

One secret, the token, lies in a file that only its owner can read. Sessions are derived from it by HMAC and hold no
state, so that they outlive a restart of the server and end when the token is changed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

COOKIE = "toque_session_"
"""Followed by a digest of the token: browsers keep one cookie jar for all ports of a host, and a machine may have a
server for each project."""
SESSION_S = 30 * 86400
KEY_S = 10 * 60
"""How long a printed sign-in key can be used."""


@dataclass
class Access:
    """Who may ask."""

    token: str
    actor: str = ""
    """What people who hold the token are called."""
    hosts: frozenset[str] = frozenset()
    """Names that this server answers to, beside IP addresses of loopback and `localhost`."""
    _keys: dict[str, int] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        """Name of the session cookie."""
        return COOKIE + hashlib.sha256(self.token.encode()).hexdigest()[:8]

    def new_key(self, now_us: int) -> str:
        """A key for the printed URL: good for one sign-in."""
        self._keys = {key: due_us for key, due_us in self._keys.items() if due_us > now_us}
        key = secrets.token_urlsafe(18)
        self._keys[key] = now_us + KEY_S * 1_000_000
        return key

    def sign_in(self, key: str, now_us: int) -> str | None:
        """A cookie's value for a one-time key or the token itself."""
        if self.is_token(key):
            return self._session(now_us)
        for known, due_us in list(self._keys.items()):
            if hmac.compare_digest(known.encode(), key.encode()):
                del self._keys[known]
                return self._session(now_us) if due_us > now_us else None
        return None

    def is_token(self, given: str) -> bool:
        """Compared in constant time."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def is_session(self, cookie: str, now_us: int) -> bool:
        """Made by `sign_in` with this token, and not too old."""
        until, _, signature = cookie.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 20):
            return False
        return (
            hmac.compare_digest(self._signature(until).encode(), signature.encode()) and int(until) * 1_000_000 > now_us
        )

    def _session(self, now_us: int) -> str:
        until = str(now_us // 1_000_000 + SESSION_S)
        return f"{until}.{self._signature(until)}"

    def _signature(self, until: str) -> str:
        return hmac.new(self.token.encode(), f"session:{until}".encode(), hashlib.sha256).hexdigest()

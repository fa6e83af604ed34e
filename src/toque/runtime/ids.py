"""Ids that are drawn: of runs and of instances. Everything else derives from them."""

from __future__ import annotations

import os
import secrets

from toque.engine.values import RunId

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u


def new_run_id(now_us: int) -> RunId:
    """18 characters that sort by time of creation: 45 bits of milliseconds, 45 random bits."""
    return RunId(_base32(now_us // 1000, 9) + _base32(secrets.randbits(45), 9))


def new_instance(role: str) -> str:
    """Name of this process among those that share a store."""
    return f"{role}-{os.getpid()}-{_base32(secrets.randbits(30), 6)}"


def _base32(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))

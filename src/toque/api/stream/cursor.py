"""The cursor of a stream: how much of each topic its client has.

`n` counts the changes that one server process has seen, so it means something to that process only, which its boot
number tells. The position outlives it: the last fact of a run, the offset in a log.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec


class Place(NamedTuple):
    """How far a client is in one topic."""

    n: int
    position: int


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Everything up to here was sent."""

    boot: int
    topics: dict[str, Place]


_decode = msgspec.msgpack.Decoder(Cursor).decode
_encode = msgspec.msgpack.Encoder().encode


def to_text(cursor: Cursor) -> bytes:
    """Fit for a header and a URL."""
    return base64.urlsafe_b64encode(_encode(cursor)).rstrip(b"=")


def from_text(text: str) -> Cursor | None:
    """None for what no `to_text` made: the client gets the whole state."""
    try:
        return _decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None

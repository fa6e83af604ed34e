"""Frames on a stream socket: four bytes of length, then msgpack."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

_LENGTH = struct.Struct("<I")
READ_BYTES = 256 * 1024


def framed(payload: bytes) -> bytes:
    """One frame."""
    return _LENGTH.pack(len(payload)) + payload


class Unframer:
    """Cuts what was read into payloads; keeps what is not whole yet."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that are complete now."""
        self._data += data
        start, size = 0, len(self._data)
        while size - start >= 4:
            end = start + 4 + _LENGTH.unpack_from(self._data, start)[0]
            if end > size:
                break
            yield bytes(self._data[start + 4 : end])
            start = end
        if start:
            del self._data[:start]


def read_now(connection: socket.socket) -> bytes | None:
    """What has arrived, without waiting: b"" at the end of the stream, None if nothing has arrived."""
    try:
        return connection.recv(READ_BYTES, socket.MSG_DONTWAIT)
    except (BlockingIOError, InterruptedError):
        return None
    except ConnectionError:
        return b""

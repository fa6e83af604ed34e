"""Pickles of plain data, opened without running code; all others stay closed.

An unpickler runs whatever its stream names, so this one knows a dozen names of the standard library and no other.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from toque.api.plain import shown
from toque.engine.values import ValueRef
from toque.ports.blobs import Blobs
from toque.worker import pickles

MAX_BYTES = 16 * 1024 * 1024
"""A larger one is not opened for a look at it."""
HARMLESS = {
    "builtins": {"set", "frozenset", "bytearray", "complex", "range"},
    "collections": {"OrderedDict"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "uuid": {"UUID"},
    "zoneinfo": {"ZoneInfo._unpickle"},
}


class Closed:
    """In place of an item that is no plain data."""


class _Careful(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in HARMLESS.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


def _carefully(data: bytes, *, buffers: Any = ()) -> Any:
    return _Careful(io.BytesIO(data), buffers=buffers).load()


def opened_value(ref: ValueRef, blobs: Blobs) -> Any:
    """A whole value as plain JSON, or `Closed`. Raises `KeyError` when its blob is gone."""
    found = _opened(ref, blobs)
    try:
        return found if found is Closed else _plain(found)
    except Exception:  # a list that holds itself, an item that cannot be shown
        return Closed


def opened_bytes(ref: ValueRef, blobs: Blobs) -> bytes | None:
    """A value that is bytes (an image), or None."""
    found = _opened(ref, blobs)
    return found if isinstance(found, bytes) else None


def _opened(ref: ValueRef, blobs: Blobs) -> Any:
    if ref.size_bytes > MAX_BYTES:
        return Closed
    data = ref.inline if ref.inline is not None else blobs.get(ref.blob or "")
    try:
        return pickles.loads(data, _carefully)
    except Exception:  # damaged, or not plain data: both stay closed
        return Closed


def opened_item(data: bytes) -> Any:
    """The item as plain JSON, or `Closed`."""
    try:
        return _plain(_carefully(data))
    except Exception:  # damaged, or not plain data: both stay closed
        return Closed


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return [_plain(item) for item in sorted(value, key=repr)]
        case bytes() | bytearray():
            return f"{len(value)} bytes"
        case _:
            return shown(value)

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
MOST_ITEMS = 1_000_000
"""A value is looked at up to here: what stands once in a pickle may be part of it many times over."""
HARMLESS = {
    "builtins": {"complex", "range"},
    "collections": {"OrderedDict"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "uuid": {"UUID"},
    "zoneinfo": {"ZoneInfo._unpickle"},
}


class Closed:
    """In place of an item that is no plain data."""


def _set(items: Any = ()) -> set[Any]:
    return set(_in_the_stream(items, list, tuple, set, frozenset))


def _frozenset(items: Any = ()) -> frozenset[Any]:
    return frozenset(_in_the_stream(items, list, tuple, set, frozenset))


def _bytearray(data: Any = b"", *coding: str) -> bytearray:
    return bytearray(_in_the_stream(data, bytes, bytearray, str), *coding)


def _in_the_stream(value: Any, *kinds: type) -> Any:
    """What is as large as the bytes that it came in: `set(range(10**12))` is a few, and would fill the memory."""
    if type(value) not in kinds:
        raise pickle.UnpicklingError(f"a {type(value).__name__} may be of any size")
    return value


_BOUNDED = {"set": _set, "frozenset": _frozenset, "bytearray": _bytearray}
"""Names that are harmless when they are given what stands in the stream."""


class _Careful(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "builtins" and name in _BOUNDED:
            return _BOUNDED[name]
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
    return _Looking().at(value)


class _Looking:
    """Makes plain JSON of a value, up to `MOST_ITEMS`. Raises `ValueError` beyond."""

    def __init__(self) -> None:
        self._left = MOST_ITEMS

    def at(self, value: Any) -> Any:
        """The value."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many items to be looked at")
        match value:
            case dict():
                return {self._key(key): self.at(item) for key, item in value.items()}
            case list() | tuple():
                return [self.at(item) for item in value]
            case set() | frozenset():
                return sorted((self.at(item) for item in value), key=repr)
            case bytes() | bytearray():
                return f"{len(value)} bytes"
            case _:
                return shown(value)

    def _key(self, key: Any) -> str:
        self.at(key)  # first, since the text of a small one may be endless
        return str(key)

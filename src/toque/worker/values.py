"""Results and other values on their way between tasks: inline when small, as blobs otherwise, the same type on the way
back. Only workers encode and decode; the server passes references on."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from types import GeneratorType
from typing import Any

import msgspec

from toque.engine.values import ValueRef
from toque.errors import UserError
from toque.graph import constants
from toque.ports.blobs import Blobs
from toque.worker import chunks, pickles, tables

INLINE_BYTES = 8 * 1024
MAPPED_INLINE_BYTES = 1024
"""A list that a map iterates travels with every index of it, so it becomes a blob earlier."""

_json = msgspec.json.Encoder()
_parse = msgspec.json.Decoder().decode
_read_chunk = msgspec.msgpack.Decoder(list[bytes]).decode
_SCALARS = frozenset({bool, int, float, str, type(None)})


def digest(*parts: bytes) -> str:
    """128 bits of SHA-256, in hex."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()[:32]


def _inline(codec: str, data: bytes) -> ValueRef:
    return ValueRef(codec, data, None, len(data), digest(codec.encode(), b":", data))


NONE = _inline("json", b"null")


class Place:
    """Where the blobs of a value go, should it need any: `key` (made when it is asked for) and an ending."""

    __slots__ = ("_make_key", "blobs")

    def __init__(self, blobs: Blobs, make_key: Callable[[], str]) -> None:
        self.blobs = blobs
        self._make_key = make_key

    @property
    def key(self) -> str:
        """Without ending."""
        return self._make_key()


def encode(
    value: Any, place: Place, *, mapped: bool = False, max_pickle_bytes: int = pickles.MAX_PICKLE_BYTES
) -> ValueRef:
    """Store `value`. `mapped`: a list (or generator) is made readable by offset.

    Raises `pickles.Unpicklable`, `pickles.TooLarge`, and `OSError` of the blob store.
    """
    if value is None:
        return NONE
    kind = type(value)
    if kind is GeneratorType:
        return _as_chunks(value, "list", place)
    limit = MAPPED_INLINE_BYTES if mapped else INLINE_BYTES
    if kind in _SCALARS or _may_fit(value, limit):
        data = _tagged(value)
        if data is not None and len(data) <= limit:
            return _inline("json", data)
    if getattr(kind, "__toque_lazy_list__", False):
        return _as_chunks(value, "list", place)
    if mapped and kind in (list, tuple):
        return _as_chunks(value, kind.__name__, place)
    table = tables.as_arrow(value)
    if table is not None:
        return _as_table(table, place)
    return _as_pickle(value, place, max_pickle_bytes)


def decode(ref: ValueRef, blobs: Blobs) -> Any:
    """The value that `encode` was given. Raises `KeyError` if its blob is gone."""
    match ref.codec:
        case "json":
            data = _parse(ref.inline if ref.inline is not None else blobs.get(_blob(ref)))
            return data if type(data) in _SCALARS else constants.decode(data)
        case "pickle":
            return pickles.loads(ref.inline) if ref.inline is not None else _load_pickle(_blob(ref), blobs)
        case "arrow":
            if ref.inline is not None:
                return tables.load(ref.inline, None)
            path = blobs.local_path(_blob(ref))
            return tables.load(None if path else blobs.get(_blob(ref)), path)
        case "chunks":
            reader = open_chunks(ref, blobs)
            whole = map(pickle.loads, reader)
            return tuple(whole) if reader.kind == "tuple" else list(whole)
        case _:
            raise ValueError(f"a value in the form {ref.codec!r}: written by a newer Toque?")


def open_chunks(ref: ValueRef, blobs: Blobs) -> chunks.Reader:
    """The items of a `chunks` value, one at a time, each still pickled."""
    return chunks.Reader(blobs, _blob(ref), _read_chunk)


def pickled_items(items: list[Any]) -> list[bytes]:
    """Each item by itself, so that one can be read without the others. Raises `pickles.Unpicklable`."""
    try:
        return [pickle.dumps(item, 5) for item in items]
    except Exception:  # cloudpickle may do better; if not, it is known how to say what is wrong
        return [pickles.dump_item(item) for item in items]


def digest_of(value: Any) -> str:
    """A digest of a value that is not stored: equal values of plain data have equal digests."""
    data = _tagged(value)
    if data is not None:
        return digest(b"json:", data)
    table = tables.as_arrow(value)
    if table is not None:
        return digest(b"arrow:", *tables.pieces(table))
    return digest(b"pickle:", *pickles.dump(value).pieces())


def length(value: Any) -> int:
    """How many items a map over `value` has. Raises `UserError` for what is not iterated item by item."""
    if isinstance(value, Sequence | dict | set | frozenset) and not isinstance(value, str | bytes | bytearray):
        return len(value)
    raise UserError(
        f"a map cannot iterate a value of type {type(value).__module__}.{type(value).__qualname__}",
        fix="return a list (of a data frame: df.to_dict('records'), of a table: table.to_pylist())",
    )


def item(value: Any, position: int) -> Any:
    """The item at `position`; sets in sorted order, dicts by key."""
    if isinstance(value, set | frozenset):
        try:
            return sorted(value)[position]
        except (TypeError, ArithmeticError):
            return sorted(value, key=repr)[position]
    length(value)
    return list(value)[position] if isinstance(value, dict) else value[position]


def _blob(ref: ValueRef) -> str:
    if ref.blob is None:
        raise ValueError("a value reference without a value")
    return ref.blob


def _tagged(value: Any) -> bytes | None:
    try:
        return _json.encode(value if type(value) in (str, bool, type(None)) else constants.encode(value))
    except (constants.NotTagged, RecursionError, UnicodeEncodeError):
        return None


def _may_fit(value: Any, limit: int) -> bool:
    """False as soon as `value` is certainly larger: spares the encoding of a million rows just to measure it."""
    stack = [value]
    left = limit
    while stack:
        part = stack.pop()
        if isinstance(part, str | bytes | bytearray):
            left -= len(part)
        elif isinstance(part, dict):
            left -= 5 * len(part)
            if left >= 0:
                stack.extend(part.keys())
                stack.extend(part.values())
        elif isinstance(part, list | tuple | set | frozenset):
            left -= 2 * len(part)
            if left >= 0:
                stack.extend(part)
        if left < 0:
            return False
    return True


class _Counted:
    """Passes pieces through while it takes their digest and size."""

    def __init__(self, codec: str, source: Iterable[bytes]) -> None:
        self._hash = hashlib.sha256(codec.encode() + b":")
        self._source = source
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._source:
            self._hash.update(piece)
            self.size_bytes += len(piece)
            yield piece

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:32]


def _store(codec: str, source: Iterable[bytes], place: Place, ending: str) -> ValueRef:
    counted = _Counted(codec, source)
    key = f"{place.key}.{ending}"
    place.blobs.put(key, counted)
    return ValueRef(codec, None, key, counted.size_bytes, counted.digest)


def _as_table(table: Any, place: Place) -> ValueRef:
    if table.nbytes < INLINE_BYTES // 2:
        data = b"".join(tables.pieces(table))
        if len(data) <= INLINE_BYTES:
            return _inline("arrow", data)
    return _store("arrow", tables.pieces(table), place, "arrow")


def _as_pickle(value: Any, place: Place, limit_bytes: int) -> ValueRef:
    pickled = pickles.dump(value, limit_bytes=limit_bytes)
    if pickled.size_bytes <= INLINE_BYTES:
        return _inline("pickle", b"".join(pickled.pieces()))
    return _store("pickle", pickled.pieces(), place, "pickle")


def _as_chunks(items: Iterable[Any] | Generator[Any, Any, Any], kind: str, place: Place) -> ValueRef:
    writer = chunks.Writer(items, _chunk, kind)
    ref = _store("chunks", writer, place, "chunks")
    writer.finish(place.blobs, _blob(ref))
    return ref


def _chunk(batch: list[Any]) -> bytes:
    return msgspec.msgpack.encode(pickled_items(batch))


def _load_pickle(key: str, blobs: Blobs) -> Any:
    path = blobs.local_path(key)
    if path is None:
        return pickles.loads(blobs.get(key))
    with open(path, "rb") as file:

        def readinto(view: memoryview) -> None:
            filled = 0
            while filled < len(view):
                count = file.readinto(view[filled:])
                if not count:
                    raise pickle.UnpicklingError(f"the blob {key} is cut short")
                filled += count

        return pickles.load(file.read, readinto)

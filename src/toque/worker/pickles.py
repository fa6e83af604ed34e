"""Objects that have no better form, by pickle protocol 5: large buffers (bytes, arrays) are streamed beside the pickle
instead of copied into it. `cloudpickle` helps out for what is defined in functions, and is imported only then."""

from __future__ import annotations

import io
import pickle
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from toque.errors import UserError

MAX_PICKLE_BYTES = 512 * 1024 * 1024
"""Of the pickle itself; buffers beside it are bounded by the disk only."""
_IN_MEMORY = 32 * 1024 * 1024
_PIECE = 8 * 1024 * 1024
_OUT_OF_BAND = 1024 * 1024
_HEAD = struct.Struct("<4sBIQ")
_MAGIC = b"TQP1"
_OBJECT, _BYTES, _BYTEARRAY = 0, 1, 2
_LENGTH = struct.Struct("<Q")


class Unpicklable(UserError):
    """A result that cannot be stored; the message names the type and where it is."""


class TooLarge(UserError):
    """A result whose pickle is above the limit."""


@dataclass(frozen=True)
class Pickled:
    """An encoded object: small parts in memory, buffers as views of the object's own memory."""

    head: bytes
    body: IO[bytes]
    buffers: list[memoryview]
    size_bytes: int

    def pieces(self) -> Iterator[bytes]:
        """All bytes in order, in pieces that no consumer needs to copy."""
        yield self.head
        self.body.seek(0)
        while piece := self.body.read(_PIECE):
            yield piece
        for buffer in self.buffers:
            for start in range(0, len(buffer), _PIECE):
                yield buffer[start : start + _PIECE]  # type: ignore[misc]  # bytes-like is all that writers need


def dump(value: Any, *, limit_bytes: int = MAX_PICKLE_BYTES) -> Pickled:
    """Encode `value`. Raises `Unpicklable` or `TooLarge`."""
    if type(value) in (bytes, bytearray) and len(value) >= _OUT_OF_BAND:
        kind = _BYTES if type(value) is bytes else _BYTEARRAY
        return _assemble(kind, io.BytesIO(), [memoryview(value)])
    try:
        return _attempt(value, pickle.Pickler, limit_bytes)
    except TooLarge:
        raise
    except Exception as first:
        import cloudpickle

        try:
            return _attempt(value, cloudpickle.Pickler, limit_bytes)
        except TooLarge:
            raise
        except Exception as error:
            raise _refusal(value, error) from first


def dump_item(value: Any) -> bytes:
    """A small object as a plain pickle. Raises `Unpicklable`."""
    import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(value, protocol=5)
    except Exception as error:
        raise _refusal(value, error) from error
    return data


def load(
    read: Callable[[int], bytes],
    readinto: Callable[[memoryview], None],
    unpickle: Callable[..., Any] = pickle.loads,
) -> Any:
    """Decode from a stream: `read(n)` gives exactly n bytes, `readinto` fills a view.

    Buffers come back writable, as they went in. `unpickle`: what opens the pickle itself.
    """
    magic, kind, count, body_size = _HEAD.unpack(read(_HEAD.size))
    if magic != _MAGIC:
        raise ValueError("this is no pickled value of Toque, or it was written by a newer one")
    lengths = [_LENGTH.unpack(read(_LENGTH.size))[0] for _ in range(count)]
    body = read(body_size)
    buffers = []
    for length in lengths:
        buffer = bytearray(length)
        readinto(memoryview(buffer))
        buffers.append(buffer)
    if kind == _BYTES:
        return bytes(buffers[0])
    return buffers[0] if kind == _BYTEARRAY else unpickle(body, buffers=buffers)


def loads(data: bytes, unpickle: Callable[..., Any] = pickle.loads) -> Any:
    """Decode what is in memory already."""
    source = io.BytesIO(data)

    def readinto(view: memoryview) -> None:
        source.readinto(view)

    return load(source.read, readinto, unpickle)


def _attempt(value: Any, pickler: Callable[..., Any], limit_bytes: int) -> Pickled:
    buffers: list[memoryview] = []

    def keep_in_band(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < _OUT_OF_BAND:
            return True
        buffers.append(view)
        return False

    body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # lives as long as the result
    pickler(_Bounded(body, limit_bytes), protocol=5, buffer_callback=keep_in_band).dump(value)
    return _assemble(_OBJECT, body, buffers)


def _assemble(kind: int, body: Any, buffers: list[memoryview]) -> Pickled:
    body.seek(0, io.SEEK_END)
    size = body.tell()
    head = _HEAD.pack(_MAGIC, kind, len(buffers), size) + b"".join(_LENGTH.pack(view.nbytes) for view in buffers)
    return Pickled(head, body, buffers, len(head) + size + sum(view.nbytes for view in buffers))


class _Bounded:
    """A file that refuses to grow above a limit."""

    def __init__(self, file: Any, limit_bytes: int) -> None:
        self._file = file
        self._left = limit_bytes
        self._limit = limit_bytes

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._left -= size
        if self._left < 0:
            raise TooLarge(
                f"the result is larger than {self._limit // 2**20} MB when pickled",
                fix="return an Arrow table or a data frame (stored as columns, of any size), or write it to a file "
                "or table and return its path",
            )
        self._file.write(data)
        return size


_ADVICE = {
    "duckdb": "fetch the rows: return relation.arrow() or relation.df()",
    "sqlite3": "return the rows; open connections in a @resource",
    "psycopg": "return the rows; open connections in a @resource",
    "generator": "return a list",
    "async_generator": "collect it into a list before you return it",
    "coroutine": "await it before you return it",
    "lock": "return data; keep locks in the process that made them",
    "module": "return data, not a module",
}


def _refusal(value: Any, error: Exception) -> Unpicklable:
    path, kind = culprit(value)
    name = f"{kind.__module__}.{kind.__qualname__}" if kind.__module__ != "builtins" else kind.__qualname__
    advice = _ADVICE.get(kind.__qualname__) or _ADVICE.get(kind.__module__.partition(".")[0].lstrip("_"))
    where = f"result{path}" if path else "the result"
    return Unpicklable(
        f"{where} is of type {name}, which cannot be stored ({_first_line(error)})",
        fix=advice or "return data: built-in types, dataclasses, pydantic models, data frames or Arrow tables",
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__


def culprit(value: Any, *, depth: int = 8) -> tuple[str, type]:
    """Path to, and type of, the innermost part of `value` that does not pickle by itself."""
    if depth:
        for path, part in _parts(value):
            if not _picklable(part):
                inner, kind = culprit(part, depth=depth - 1)
                return path + inner, kind
    return "", type(value)


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"[{key!r}]", item) for key, item in list(value.items())[:1000]]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"[{position}]", item) for position, item in enumerate(list(value)[:1000])]
    state = getattr(value, "__dict__", None)
    if isinstance(state, dict) and not isinstance(value, type):
        return [(f".{name}", item) for name, item in list(state.items())[:1000]]
    return []


def _picklable(value: Any) -> bool:
    import cloudpickle

    try:
        cloudpickle.Pickler(_Bounded(io.BytesIO(), _IN_MEMORY), protocol=5).dump(value)
    except TooLarge:
        return True
    except Exception:
        return False
    return True

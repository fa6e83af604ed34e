"""Gathered results of a mapped task: a sequence that opens each value when it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, TypeAlias, overload

import msgspec

from toque.engine.values import Entry, Hole, Spilled, Value, Values
from toque.errors import ToqueBug
from toque.ports.blobs import Blobs
from toque.worker import chunks, values
from toque.worker.outcomes import Failure, Ok, Skipped

Holes: TypeAlias = Literal["forbid", "ok", "failures", "outcome"]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode


def spill(entries: Iterable[Entry], blobs: Blobs, key: str) -> Spilled:
    """Store gathered entries that are too many for a message."""
    writer = chunks.Writer(entries, _encode)
    blobs.put(key, writer)
    writer.finish(blobs, key)
    return Spilled(key, writer.count)


def open_spilled(spilled: Spilled, blobs: Blobs) -> chunks.Reader:
    """Its entries, one at a time."""
    return chunks.Reader(blobs, spilled.blob, _decode)


def gather(entry: Entry, blobs: Blobs, holes: Holes, *, as_list: bool) -> Sequence[Any]:
    """What an argument becomes that gathers the results of a map: a list if it was asked for, else pages."""
    source = _entries(entry, blobs)
    match holes:
        case "ok":
            source = _Listed([found for found in source if not isinstance(found, Hole)])
        case "failures":
            listed = [(position, found) for position, found in enumerate(source) if isinstance(found, Hole)]
            return [as_outcome(found, position) for position, found in listed if found.state != "skipped"]
        case "forbid" | "outcome":
            pass
    pages = Pages(source, lambda found, position: open_entry(found, position, blobs, holes, as_list=as_list))
    return list(pages) if as_list else pages


def as_outcome(hole: Hole, position: int | None) -> Failure | Skipped:
    """A typed hole."""
    if hole.state == "skipped":
        return Skipped(reason=hole.error.message if hole.error else "", index=position)
    error = hole.error
    if error is not None:
        return Failure(error.type, error.message, error.kind, position, tuple(error.sample))
    kind = "cancelled" if hole.state == "cancelled" else "code"
    name = {"cancelled": "Cancelled", "upstream_failed": "UpstreamFailed"}.get(hole.state, "Failed")
    return Failure(name, hole.state.replace("_", " "), kind, position)


def open_entry(entry: Entry, position: int, blobs: Blobs, holes: Holes, *, as_list: bool) -> Any:
    """The value of one gathered result, or its typed hole."""
    match entry:
        case Value(ref=ref):
            value = values.decode(ref, blobs)
            return Ok(value) if holes == "outcome" else value
        case Hole():
            if holes == "outcome":
                return as_outcome(entry, position)
            raise ToqueBug(f"index {position} has no value ({entry.state}), and nobody declared to tolerate that")
        case _:
            return gather(entry, blobs, holes, as_list=as_list)


class _Listed:
    """Entries in memory."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def item(self, position: int) -> Entry:
        return self._entries[position]


_Source: TypeAlias = _Listed | chunks.Reader


def _entries(entry: Entry, blobs: Blobs) -> _Source:
    match entry:
        case Values(items=items):
            return _Listed(items)
        case Spilled():
            return open_spilled(entry, blobs)
        case _:
            raise ToqueBug(f"gathered results expected, not {type(entry).__name__}")


class Pages(Sequence[Any]):
    """A read-only sequence of results in index order. Each value is loaded when it is looked at and not kept, so that
    a thousand tables can be visited in the memory of one. A slice is a list."""

    __toque_lazy_list__ = True

    def __init__(self, source: _Source, open_entry: Callable[[Entry, int], Any]) -> None:
        self._source = source
        self._open = open_entry

    def __len__(self) -> int:
        return len(self._source)

    @overload
    def __getitem__(self, position: int) -> Any: ...

    @overload
    def __getitem__(self, position: slice) -> list[Any]: ...

    def __getitem__(self, position: int | slice) -> Any:
        if isinstance(position, slice):
            return [self[at] for at in range(*position.indices(len(self)))]
        at = position + len(self) if position < 0 else position
        if not 0 <= at < len(self):
            raise IndexError(f"index {position} of {len(self)} results")
        return self._open(self._source.item(at), at)

    def __iter__(self) -> Iterator[Any]:
        for position, entry in enumerate(self._source):
            yield self._open(entry, position)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Pages | list):
            return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} results>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Handed on or returned, it is the list that it stands for.
        return (list, (list(self),))

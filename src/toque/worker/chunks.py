"""A list as a blob that is read by offset: chunks of at most 1,000 items, and beside it a small index of where each
chunk begins. A mapped task run reads one chunk, never the list. Gathered results too large for a message use the
same layout."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from toque.ports.blobs import Blobs

ITEMS_A_CHUNK = 1000
FIRST_CHUNK = 32
"""Nobody knows yet how large the items are."""
BYTES_A_CHUNK = 4 * 1024 * 1024
"""A chunk ends earlier when its items are large: one item is read at the cost of its chunk."""


class Index(msgspec.Struct, frozen=True, array_like=True):
    """Where the chunks are: chunk `i` holds the items from `first[i]` on, in the bytes from `offset[i]` on."""

    kind: str
    """`list` or `tuple`: what the reader of the whole is given."""
    count: int
    first: list[int]
    offset: list[int]
    """One more than there are chunks: the last is the size."""


def index_key(key: str) -> str:
    """Key of the index of the chunks under `key`."""
    return f"{key}.index"


class Writer:
    """Cuts items into encoded chunks; iterate it once, then `finish` stores the index."""

    def __init__(self, items: Iterable[Any], dump: Callable[[list[Any]], bytes], kind: str = "list") -> None:
        self._items = items
        self._dump = dump
        self._kind = kind
        self._first: list[int] = []
        self._offset = [0]
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        items = iter(self._items)
        size = FIRST_CHUNK
        while batch := list(itertools.islice(items, size)):
            data = self._dump(batch)
            # Items tend to be alike: the next chunk is cut to what this one was worth.
            size = max(1, min(ITEMS_A_CHUNK, BYTES_A_CHUNK * len(batch) // max(1, len(data))))
            self._first.append(self.count)
            self.count += len(batch)
            self._offset.append(self._offset[-1] + len(data))
            yield data

    def finish(self, blobs: Blobs, key: str) -> int:
        """Store the index beside the chunks, which are complete by now; returns the size of the chunks."""
        index = Index(self._kind, self.count, self._first, self._offset)
        blobs.put(index_key(key), [msgspec.msgpack.encode(index)])
        return self._offset[-1]


class Reader:
    """Random access to the items under `key`. Keeps the chunk last read, so that reading in order costs one read a
    chunk."""

    def __init__(self, blobs: Blobs, key: str, load: Callable[[bytes], list[Any]]) -> None:
        self._blobs = blobs
        self._key = key
        self._load = load
        self._index = msgspec.msgpack.decode(blobs.get(index_key(key)), type=Index)
        self._held: tuple[int, list[Any]] = (-1, [])

    def __len__(self) -> int:
        return self._index.count

    @property
    def kind(self) -> str:
        """`list` or `tuple`."""
        return self._index.kind

    def item(self, position: int) -> Any:
        """The item at `position`, from 0. Raises `IndexError`."""
        if not 0 <= position < self._index.count:
            raise IndexError(f"item {position} of {self._index.count}")
        number = bisect_right(self._index.first, position) - 1
        return self._chunk(number)[position - self._index.first[number]]

    def __iter__(self) -> Iterator[Any]:
        for number in range(len(self._index.first)):
            yield from self._chunk(number)

    def _chunk(self, number: int) -> list[Any]:
        if self._held[0] != number:
            start, end = self._index.offset[number], self._index.offset[number + 1]
            self._held = (number, self._load(self._blobs.get_range(self._key, start, end - start)))
        return self._held[1]

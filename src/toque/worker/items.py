"""The items of lists that are mapped, one at a time. A worker makes many attempts at one map, so what they all read is
kept: encoded, since an attempt may change the item that it is given, and its retry must not see that."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from toque.engine.values import Entry, Spilled, ValueRef
from toque.graph.expr import Access
from toque.ports.blobs import Blobs
from toque.worker import chunks, pages, values
from toque.worker.projection import project, written

MAX_LISTS = 8


class Items:
    """What is kept in one process."""

    def __init__(self) -> None:
        self._readers: dict[str, chunks.Reader] = {}
        self._pickled: dict[str, list[bytes]] = {}

    def of_value(self, ref: ValueRef, path: Sequence[Access], position: int, blobs: Blobs) -> Any:
        """The item at `position` of the list at `path` in a value."""
        if ref.codec == "chunks" and not path and ref.blob is not None:
            reader = self._readers.get(ref.blob)
            if reader is None:
                reader = _keep(self._readers, ref.blob, values.open_chunks(ref, blobs))
            return pickle.loads(reader.item(position))
        if ref.inline is not None:
            return values.item(_list_at(ref, path, blobs), position)
        key = f"{ref.digest}{written(path)}"
        pickled = self._pickled.get(key)
        if pickled is None:
            found = _list_at(ref, path, blobs)
            pickled = values.pickled_items([values.item(found, n) for n in range(values.length(found))])
            _keep(self._pickled, key, pickled)
        return pickle.loads(pickled[position])

    def of_spilled(self, spilled: Spilled, position: int, blobs: Blobs) -> Entry:
        """The gathered result at `position`."""
        reader = self._readers.get(spilled.blob)
        if reader is None:
            reader = _keep(self._readers, spilled.blob, pages.open_spilled(spilled, blobs))
        entry: Entry = reader.item(position)
        return entry


def _list_at(ref: ValueRef, path: Sequence[Access], blobs: Blobs) -> Any:
    return project(values.decode(ref, blobs), path, "the result that is mapped")


def _keep(kept: dict[str, Any], key: str, value: Any) -> Any:
    if len(kept) >= MAX_LISTS:
        kept.clear()
    kept[key] = value
    return value

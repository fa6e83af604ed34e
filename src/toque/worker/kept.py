"""How values of assets are kept unless their author says otherwise: in the blob store, as the results of tasks are.

Each slice has a folder with its content, named by the attempt that wrote it, and a pointer to it. The pointer is
replaced last, so a reader finds the old value or the new one; the old content goes after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from toque.engine.values import ValueRef
from toque.worker import frames, values
from toque.worker.environment import safe
from toque.worker.slices import NothingThere, Saved, Site, Slice

ROOT = "assets/"


class Kept:
    """The default IO manager: any value that a task could return."""

    def save(self, target: Slice, value: Any, site: Site) -> Saved:
        """See `IOManager.save`."""
        folder = _folder(target)
        before = _pointer(target, site)
        ref = values.encode(value, values.Place(site.blobs, lambda: f"{folder}{site.attempt}"))
        site.blobs.put(f"{folder}current", [msgspec.msgpack.encode(ref)])
        if before is not None and before.blob and before.blob != ref.blob:
            site.blobs.delete_prefix(before.blob)
        return Saved(
            data_version=ref.digest,
            rows=frames.rows(value),
            size_bytes=ref.size_bytes,
            columns=frames.columns(value),
        )

    def load(self, slices: Sequence[Slice], kind: Any, site: Site) -> Any:
        """See `IOManager.load`. Tables of several slices come below each other, other values as a dict by key."""
        found = [_read(each, site) for each in slices]
        if len(slices) == 1 and not _wants_dict(kind, slices):
            return found[0]
        if not _wants_dict(kind, slices):
            whole = frames.joined(found) if found else None
            if whole is not None:
                return whole
        return {each.partition: value for each, value in zip(slices, found, strict=True)}

    def __repr__(self) -> str:
        return "blob store"


def _wants_dict(kind: Any, slices: Sequence[Slice]) -> bool:
    return (kind is dict or getattr(kind, "__origin__", None) is dict) and any(each.partition for each in slices)


def _read(of: Slice, site: Site) -> Any:
    for _ in range(2):
        ref = _pointer(of, site)
        if ref is None:
            break
        try:
            return values.decode(ref, site.blobs)
        except KeyError:
            continue  # replaced since the pointer was read: the pointer knows better now
    raise NothingThere(of)


def _pointer(of: Slice, site: Site) -> ValueRef | None:
    try:
        return msgspec.msgpack.decode(site.blobs.get(f"{_folder(of)}current"), type=ValueRef)
    except KeyError:
        return None


def _folder(of: Slice) -> str:
    return f"{ROOT}{safe(of.asset)}/{safe(of.partition) or '-'}/"

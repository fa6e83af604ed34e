"""External assets: data that something else makes, and that a pipeline reads."""

from __future__ import annotations

from typing import Any

from toque.authoring.assets import Source, checked_options
from toque.authoring.cutting import Partitions
from toque.authoring.freshness import Fresh
from toque.worker.slices import IOManager


def external(
    key: str,
    *,
    io: IOManager | None = None,
    partitions: Partitions | None = None,
    group: str = "",
    owner: str = "",
    doc: str = "",
    tags: tuple[str, ...] = (),
    freshness: Fresh | None = None,
) -> Source[Any]:
    """Data that something else makes: it is known, read and observed, never made."""
    given = {"io": io, "partitions": partitions, "group": group, "owner": owner, "doc": doc, "tags": tags}
    stated = {name: value for name, value in given.items() if value}
    return Source(key, checked_options(stated if freshness is None else {**stated, "freshness": freshness}))

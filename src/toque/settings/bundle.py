"""`[bundle]`: which files are the code; where connections keep data is none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from toque.settings.tree import BundleFiles, Connection, Section

_ON_DISK = frozenset({"file", "duckdb", "sqlite"})


class BundleTable(Section, frozen=True, kw_only=True):
    """As it is written."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def bundle_files(table: BundleTable, connections: Mapping[str, Connection], project: Path) -> BundleFiles:
    """With the folders and databases of the connections that lie in the project."""
    places = (_within(project, each.options.get("path")) for each in connections.values() if each.type in _ON_DISK)
    data = tuple(sorted({place for place in places if place}))
    return BundleFiles(include=table.include, exclude=table.exclude, data=data)


def _within(project: Path, path: object) -> str:
    """Relative to the project; "" for what is no path in it, or is all of it."""
    local = path.removeprefix("file://") if isinstance(path, str) else ""
    if not local or "://" in local:
        return ""
    place = os.path.relpath(os.path.join(project, local), project)
    return "" if place == "." or place.startswith("..") else place

"""What is installed beside the project: part of what a bundle is, without reading a single metadata file."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec


@dataclass(frozen=True)
class Editable:
    """A distribution installed in place: its code is copied into the bundle, since it may change under a run."""

    name: str
    roots: tuple[Path, ...]
    """Directories of it that lead `sys.path`."""


@dataclass(frozen=True)
class Installed:
    """Distributions that `import` can find."""

    versions: tuple[str, ...]
    """`name==version`, sorted, without the editable ones."""
    editables: tuple[Editable, ...] = ()


def python_version() -> str:
    """`cpython 3.11.7`"""
    return f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:3]))}"


def installed(search_path: Sequence[str] | None = None) -> Installed:
    """The distributions on `search_path` (`sys.path` by default); the first of a name wins, as in an import.

    Toque itself counts by its version even when it is editable: workers run the Toque of their server.
    """
    search = list(sys.path if search_path is None else search_path)
    versions: dict[str, str] = {}
    editables: dict[str, Editable] = {}
    for directory in search:
        for name, version, path in _metadata(directory):
            if name in versions or name in editables:
                continue
            root = None if name == "toque" else _editable_root(path)
            if root is None:
                versions[name] = version
            else:
                editables[name] = Editable(name, _import_roots(root, search))
    listed = tuple(f"{name}=={versions[name]}" for name in sorted(versions))
    return Installed(listed, tuple(editables[name] for name in sorted(editables)))


def _metadata(directory: str) -> list[tuple[str, str, str]]:
    """(normalised name, version, path) of each `name-version.dist-info`, which says both without being opened."""
    try:
        names = sorted(os.listdir(directory or "."))
    except OSError:
        return []
    found = []
    for name in names:
        if name.endswith(".dist-info"):
            project, _, version = name.removesuffix(".dist-info").rpartition("-")
            if project:
                found.append((re.sub(r"[-_.]+", "-", project).lower(), version, os.path.join(directory, name)))
    return found


def _editable_root(metadata: str) -> Path | None:
    """Root of a distribution installed with `pip install -e` (PEP 610)."""
    try:
        with open(os.path.join(metadata, "direct_url.json"), "rb") as file:
            origin = msgspec.json.decode(file.read())
    except (OSError, msgspec.DecodeError):
        return None
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlsplit(origin["url"]).path))


def _import_roots(root: Path, search: Sequence[str]) -> tuple[Path, ...]:
    """The directories of `root` that are imported from: on `sys.path`, or by the conventions of import hooks."""
    inside = [Path(entry) for entry in dict.fromkeys(search) if entry and Path(entry).is_relative_to(root)]
    environment = Path(sys.prefix)
    inside = [entry for entry in inside if not entry.is_relative_to(environment)]
    if inside:
        return tuple(inside)
    return (root / "src",) if (root / "src").is_dir() else (root,)

"""What is kept of dbt projects under `.toque/dbt`: manifests by the content that they were made of.

`<hash>/manifest.json` and `partial_parse.msgpack` are as dbt left them; `<name>.json` is the latest manifest of a
project with the SQL that its runs have compiled, for lineage and the pages.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from toque.worker.code import BUNDLE_MANIFEST

_IGNORED: Final = frozenset({"target", "logs", ".git", "__pycache__", ".user.yml", ".venv", ".toque"})
_KEPT: Final = 20
"""Parses of projects that stay."""
PARTIAL: Final = "partial_parse.msgpack"


def project_of(root: Path) -> Path:
    """The project that people work in, of its root or that of a snapshot of it (`.toque/bundles/<hash>`)."""
    is_snapshot = (root / BUNDLE_MANIFEST).exists() and root.parent.name == "bundles"
    return root.parents[2] if is_snapshot else root


def workdir_of(project: Path) -> Path:
    """Where people work on a dbt project, of its folder in a snapshot; the folder itself where there is no other.

    Relative paths, of its SQL and of a profile of its own, are meant from there.
    """
    for root in (project, *project.parents):
        if (root / BUNDLE_MANIFEST).exists():
            found = project_of(root) / project.relative_to(root)
            return found if found.is_dir() else project
    return project


def profiles_of(workdir: Path) -> str:
    """The profiles that dbt would find by itself, as text; "" if there are none."""
    stated = os.environ.get("DBT_PROFILES_DIR")
    for place in (Path(stated),) if stated else (workdir, Path.home() / ".dbt"):
        try:
            return (place / "profiles.yml").read_text()
        except OSError:
            continue
    return ""


def home_of(root: Path) -> Path:
    """Where manifests of a project are kept: a snapshot of it has none of its own."""
    return project_of(root) / ".toque" / "dbt"


def digest(project: Path, *more: Any) -> str:
    """Of what dbt would read: the files of its project, and whatever else its manifest depends on."""
    found = hashlib.sha256(msgspec.json.encode(more, order="deterministic"))
    for path in _files(project):
        found.update(f"\0{path.relative_to(project)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


@contextmanager
def locked(home: Path, name: str) -> Iterator[Path]:
    """The directory of one parse, with nobody else in it."""
    home.mkdir(parents=True, exist_ok=True)
    with open(home / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home / name


def slug(path: str) -> str:
    """The name of a project within `.toque/dbt`, of its path."""
    return "-".join(part for part in Path(path).parts if part not in ("/", ".", "..")) or "dbt"


def latest(home: Path, path: str) -> Path:
    """The manifest of the project at `path` with all that was compiled of it. It may not exist yet."""
    return home / f"{slug(path)}.json"


def remember(home: Path, path: str, manifest: bytes) -> None:
    """Make `manifest` the latest one. What it has not compiled keeps the SQL that the one before had, if the model is
    the same."""
    target = latest(home, path)
    with locked(home, slug(path)):
        new = msgspec.json.decode(manifest)
        try:
            old = msgspec.json.decode(target.read_bytes())
        except (OSError, msgspec.DecodeError):
            old = {"nodes": {}}
        for name, node in new["nodes"].items():
            before = old["nodes"].get(name, {})
            if not node.get("compiled_code") and before.get("checksum") == node.get("checksum"):
                node.update({key: before[key] for key in ("compiled_code", "compiled") if key in before})
        text = msgspec.json.encode(new)
        scratch = target.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_bytes(text)
        scratch.replace(target)


def manifests(home: Path) -> Mapping[str, Path]:
    """The latest manifests of all projects, by the name that `slug` gives them."""
    return {path.stem: path for path in sorted(home.glob("*.json"))}


def prune(home: Path) -> None:
    """Forget the parses that were used least recently."""
    found = sorted(
        (path for path in home.iterdir() if path.is_dir() and (path / "manifest.json").exists()),
        key=lambda path: path.stat().st_mtime,
    )
    for path in found[:-_KEPT]:
        shutil.rmtree(path, ignore_errors=True)
        path.with_suffix(".lock").unlink(missing_ok=True)


@contextmanager
def workplace(home: Path, name: str) -> Iterator[Path]:
    """A directory for one build, gone at its end; what a killed one left goes with the next."""
    root = home / "builds"
    root.mkdir(parents=True, exist_ok=True)
    for left in root.iterdir():
        if left.stat().st_mtime < time.time() - 86400:
            shutil.rmtree(left, ignore_errors=True)
    place = root / name
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _files(project: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(project):
        names[:] = sorted(name for name in names if name not in _IGNORED)
        for name in sorted(files):
            if name not in _IGNORED and not name.endswith((".pyc", ".duckdb", ".wal")):
                yield Path(directory, name)

"""Bundles: content-addressed, read-only snapshots of a project's code, so that an edit disturbs no run.

`<project>/.toque/bundles/` holds `objects/` (each content once, by its SHA-256), a directory for each bundle made
of hard links to them, and an index of (mtime, ctime, size, inode) → SHA-256, as git has one. Inside of a bundle,
`.toque-bundle.json` is its manifest: the files, and the import roots that lead `sys.path` beside the root itself
(`src/` of the project, `.editable/<name>/` of distributions installed in place).

Not prevented: after a power cut the newest bundle may have empty files, since nothing is synced here.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from toque.errors import ToqueError, UserError
from toque.ports.store import StoreUnavailable
from toque.settings import FILE_NAME, BundleFiles
from toque.store.distributions import Installed, installed, python_version
from toque.store.project_files import check_size, list_files
from toque.worker.code import BUNDLE_MANIFEST as MANIFEST

EDITABLE = ".editable"
SPARED_S = 3600.0
"""Younger bundles survive a prune: a run may be about to be created with them."""
_RACY_NS = 2_000_000_000
"""A file changed less than this before it was hashed may have changed again within the clock's tick: hash anew."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle consists of; its hash is that of this value."""

    files: dict[str, str]
    """Relative path → SHA-256 of the content, with an `x` behind it for an executable."""
    roots: tuple[str, ...]
    """Import roots inside of the bundle, in order; "" is the bundle itself."""
    python: str
    distributions: tuple[str, ...]


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot, and where git stood when it was asked for."""

    hash: str
    path: Path
    project: Path
    files: Mapping[str, str]
    roots: tuple[str, ...] = ("",)
    git_commit: str = ""
    git_dirty: bool = False


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """An entry of the index."""

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int
    hashed_ns: int
    object: str


def snapshot(project: Path, files: BundleFiles = BundleFiles()) -> Bundle:  # noqa: B008 - a frozen value
    """The bundle of what `project` contains now. Quick when nothing changed since the last call.

    Raises `UserError` when the project is too large to be code, unreadable, or its `.toque` cannot be written, and
    `StoreUnavailable` when the disk is full.
    """
    declared = (project / FILE_NAME).is_file()
    home = project / ".toque" / "bundles"
    try:
        home.mkdir(parents=True, exist_ok=True)
        _hide_from_git(home.parent)
    except OSError as error:
        raise _not_snapshotted(project, error) from error
    listing = list_files(project, files, declared=declared)
    distributions = installed()
    try:
        with _locked(home, fcntl.LOCK_SH):
            sources = {path: project / path for path in listing.paths} | _editable_files(distributions, project)
            objects = _Objects(home)
            stats = _stats(sources)
            check_size(project, sum(status.st_size for status in stats.values()), declared=declared)
            manifest = Manifest(
                files=objects.hashed(sources, stats),
                roots=_roots(project, distributions),
                python=python_version(),
                distributions=distributions.versions,
            )
            digest = hashlib.sha256(msgspec.json.encode(manifest, order="deterministic")).hexdigest()[:16]
            path = home / digest
            if (path / MANIFEST).exists():
                os.utime(path)
            else:
                _build(path, manifest, objects, sources)
            objects.save_index()
    except OSError as error:
        raise _not_snapshotted(project, error) from error
    return Bundle(
        hash=digest,
        path=path,
        project=project,
        files=manifest.files,
        roots=manifest.roots,
        git_commit=listing.git_commit,
        git_dirty=listing.git_dirty,
    )


def _not_snapshotted(project: Path, error: OSError) -> ToqueError:
    message = f"the code of {project} cannot be snapshotted: {error}"
    return StoreUnavailable(message) if error.errno in (errno.ENOSPC, errno.EDQUOT) else UserError(message)


def opened(project: Path, digest: str) -> Bundle | None:
    """An earlier bundle of `project`; None when it was pruned or belongs to another machine."""
    path = project / ".toque" / "bundles" / digest
    try:
        manifest = msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    return Bundle(hash=digest, path=path, project=project, files=manifest.files, roots=manifest.roots)


def prune(project: Path, keep: Collection[str], *, spared_s: float = SPARED_S) -> list[str]:
    """Remove all bundles but `keep` and those used in the last `spared_s`; returns the hashes of the removed."""
    home = project / ".toque" / "bundles"
    if not home.is_dir():
        return []
    removed = []
    oldest = time.time() - spared_s
    with _locked(home, fcntl.LOCK_EX):
        for path in home.iterdir():
            is_bundle = path.is_dir() and path.name != "objects"
            if is_bundle and path.name not in keep and path.stat().st_mtime <= oldest:
                shutil.rmtree(path)
                removed.append(path.name)
        if removed:
            for stored in (home / "objects").glob("*/*"):
                if stored.stat().st_nlink == 1:
                    stored.unlink()
    return sorted(removed)


def _hide_from_git(state: Path) -> None:
    """The state of runs is never committed, and does not make a repository dirty."""
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


@contextmanager
def _locked(home: Path, how: int) -> Iterator[None]:
    with open(home / "lock", "w") as file:
        fcntl.flock(file, how)
        yield


def _stats(sources: Mapping[str, Path]) -> dict[str, os.stat_result]:
    found = {}
    for relative in sorted(sources):
        try:
            found[relative] = os.stat(sources[relative])
        except FileNotFoundError:
            continue  # deleted since it was listed
    return found


def _editable_files(distributions: Installed, project: Path) -> dict[str, Path]:
    """Files of distributions installed in place, by their path in the bundle. Those of the project are in it anyway."""
    found = {}
    for editable in distributions.editables:
        for number, root in enumerate(editable.roots):
            if not root.is_relative_to(project):
                prefix = f"{EDITABLE}/{editable.name}" + (f".{number}" if number else "")
                found.update({f"{prefix}/{path}": root / path for path in list_files(root, declared=True).paths})
    return found


def _roots(project: Path, distributions: Installed) -> tuple[str, ...]:
    roots = [""]
    # An import root of the project (`src/`) is where it was found when the snapshot was taken.
    roots += [
        str(Path(entry).relative_to(project))
        for entry in sys.path
        if entry and Path(entry).is_relative_to(project) and not Path(entry).is_relative_to(sys.prefix)
    ]
    for editable in distributions.editables:
        for number, root in enumerate(editable.roots):
            if root.is_relative_to(project):
                roots.append(str(root.relative_to(project)))
            else:
                roots.append(f"{EDITABLE}/{editable.name}" + (f".{number}" if number else ""))
    return tuple("" if root == "." else root for root in dict.fromkeys(roots))


def _build(path: Path, manifest: Manifest, objects: _Objects, sources: Mapping[str, Path]) -> None:
    """Make the directory beside its final place and rename it: a bundle is there completely or not at all."""
    building = path.parent / f"building-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        for relative, name in manifest.files.items():
            target = building / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            objects.place(name, sources[relative], target)
        building.mkdir(exist_ok=True)
        (building / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        try:
            building.rename(path)
        except OSError:
            if not (path / MANIFEST).exists():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


class _Objects:
    """The contents, and the index that tells them from a `stat`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._index_file = home / "index.msgpack"
        self._old = self._load_index()
        self._new: dict[str, Seen] = {}

    def hashed(self, sources: Mapping[str, Path], stats: Mapping[str, os.stat_result]) -> dict[str, str]:
        """The object name of each file; contents seen for the first time are stored."""
        found = {}
        for relative, status in stats.items():
            seen = self._old.get(relative)
            key = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
            if (
                seen is None
                or (seen.mtime_ns, seen.ctime_ns, seen.size, seen.inode) != key
                or seen.hashed_ns - max(seen.mtime_ns, seen.ctime_ns) < _RACY_NS
            ):
                hashed_ns = time.time_ns()
                seen = Seen(*key, hashed_ns, self.store(sources[relative]))
            self._new[relative] = seen
            found[relative] = seen.object
        return found

    def store(self, source: Path) -> str:
        """Keep the content of `source`; returns its name."""
        content = source.read_bytes()
        executable = os.access(source, os.X_OK) and bool(source.stat().st_mode & 0o100)
        name = hashlib.sha256(content).hexdigest() + ("x" if executable else "")
        target = self._path(name)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f"{name}.{os.getpid()}-{secrets.token_hex(4)}")
            temporary.write_bytes(content)
            temporary.chmod(0o555 if executable else 0o444)
            temporary.rename(target)
        return name

    def place(self, name: str, source: Path, target: Path) -> None:
        """Make `target` the content `name`; from `source` if the object was pruned. Raises `OSError` if it changed."""
        stored = self._path(name)
        if not stored.exists() and self.store(source) != name:
            raise OSError(f"{source} changed while it was read; try again")
        try:
            os.link(stored, target)
        except OSError:  # a file system without hard links, or too many of them
            shutil.copy2(stored, target)

    def save_index(self) -> None:
        """Remember what was seen, unless nothing is new."""
        if self._new != self._old:
            temporary = self._index_file.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(msgspec.msgpack.encode(self._new))
            temporary.rename(self._index_file)

    def _path(self, name: str) -> Path:
        return self._home / "objects" / name[:2] / name

    def _load_index(self) -> dict[str, Seen]:
        try:
            return msgspec.msgpack.decode(self._index_file.read_bytes(), type=dict[str, Seen])
        except (OSError, msgspec.MsgspecError):
            return {}

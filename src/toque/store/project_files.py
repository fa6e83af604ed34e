"""Which files make up a project: what git would commit, or what a walk finds, within limits."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toque.errors import UserError
from toque.settings import BundleFiles

CODE_SUFFIXES = frozenset(
    [".py", ".pyi", ".sql", ".yaml", ".yml", ".toml", ".json", ".cfg", ".ini", ".txt", ".md", ".j2", ".jinja", ".sh"]
)
"""What is taken without a `toque.toml`: the directory may be anybody's, and full of data."""
OUTPUT_DIRECTORIES = frozenset({"out", "output", "outputs", "results", "logs", "tmp"})
"""Without git, such a directory of the project is what its tasks wrote, unless it holds Python files: in the bundle it
would make each run a new version. `[bundle] include` takes it in. Not `data`: code reads from there as often."""
STATE_FILE = re.compile(r".*\.(?:log|(?:db|duckdb|sqlite3?)(?:\.wal|-wal|-shm|-journal)?)")
"""Without git, no code either, wherever it lies: databases and logs."""
_DATABASE = ("", ".wal", "-wal", "-shm", "-journal")
_SOURCES = (".py", ".pyi", ".sql", ".yaml", ".yml", ".toml", ".j2", ".jinja", ".sh")
"""A folder of a connection that holds one of these is code as well."""


@dataclass(frozen=True)
class Limits:
    """What a bundle may hold, so that a forgotten data directory is an error and not a slow disk."""

    files: int
    size_bytes: int
    entries: int
    """Directory entries that a walk looks at."""


UNDECLARED = Limits(files=2_000, size_bytes=50 * 2**20, entries=20_000)
DECLARED = Limits(files=20_000, size_bytes=500 * 2**20, entries=500_000)


@dataclass(frozen=True)
class Listing:
    """The files of a project, relative with `/`, sorted; and where git stands."""

    paths: tuple[str, ...]
    git_commit: str = ""
    git_dirty: bool = False
    nested: tuple[str, ...] = ()
    """Directories with a `toque.toml` of their own: other projects, of which nothing is taken."""


def list_files(project: Path, files: BundleFiles = BundleFiles(), *, declared: bool) -> Listing:  # noqa: B008
    """The files of `project`. Raises `UserError` when it is too large to be code.

    In a git repository these are the files that it tracks or would track; elsewhere all but what looks written by tasks
    (`OUTPUT_DIRECTORIES`, `STATE_FILE`). Links to directories are left out, and where connections keep data: the
    working directory of tasks is the project, where both are still found. So are projects inside of this one. What
    `include` names is taken all the same.
    """
    limits = DECLARED if declared else UNDECLARED
    listing = _git_listing(project)
    paths = list(listing.paths) if listing else []
    if not paths:
        paths = [path for path in _walk(project, "", limits, project) if not STATE_FILE.fullmatch(path)]
    paths, nested = _without_nested(_expanded(project, paths, limits))
    paths = _without_data(paths, files.data)
    if not declared:
        paths = [path for path in paths if os.path.splitext(path)[1] in CODE_SUFFIXES]
    for pattern in files.include:
        paths.extend(str(path.relative_to(project)) for path in project.glob(pattern) if path.is_file())
    excluded = matcher(files.exclude)
    chosen = sorted({path for path in paths if not excluded(path)})
    if len(chosen) > limits.files:
        raise _too_large(project, f"{len(chosen):,} files (at most {limits.files:,})", declared)
    commit, is_dirty = (listing.git_commit, listing.git_dirty) if listing else ("", False)
    return Listing(tuple(chosen), commit, is_dirty, nested)


def check_size(project: Path, size_bytes: int, *, declared: bool) -> None:
    """Raises `UserError` when a bundle of `size_bytes` is too large to be code."""
    limit = (DECLARED if declared else UNDECLARED).size_bytes
    if size_bytes > limit:
        raise _too_large(project, f"{size_bytes / 2**20:,.0f} MB (at most {limit / 2**20:,.0f})", declared)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a relative path is matched by one of `patterns`, written as in `.gitignore` (without negation)."""
    if not patterns:
        return lambda path: False
    regex = re.compile("|".join(_regex(pattern) for pattern in patterns))
    return lambda path: regex.fullmatch(path) is not None


def _regex(pattern: str) -> str:
    body = pattern.strip("/")
    translated = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]*\])", body):
        match part:
            case "**/":
                translated += "(?:.*/)?"
            case "**":
                translated += ".*"
            case "*":
                translated += "[^/]*"
            case "?":
                translated += "[^/]"
            case _ if part.startswith("[") and part.endswith("]"):
                translated += "[^" + part[2:] if part.startswith("[!") else part
            case _:
                translated += re.escape(part)
    anchored = "/" in pattern.rstrip("/")
    inside = "/.*" if pattern.endswith("/") else "(?:/.*)?"
    return ("" if anchored else "(?:.*/)?") + translated + inside


def _git_listing(project: Path) -> Listing | None:
    """None outside of a repository, or where git is missing or refuses."""
    if not any((parent / ".git").exists() for parent in (project, *project.parents)):
        return None
    # No optional locks: looking must not disturb a commit that the user makes meanwhile.
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    commands = (
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        ["git", "status", "--porcelain=v2", "--branch", "-z", "--", "."],
    )
    try:
        processes = [
            subprocess.Popen(
                command, cwd=project, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            for command in commands
        ]
    except OSError:
        return None
    files, status = (process.communicate()[0] for process in processes)
    if any(process.returncode for process in processes):
        return None
    entries = [entry for entry in status.split("\0") if entry]
    commit = next((entry.split()[-1] for entry in entries if entry.startswith("# branch.oid ")), "")
    return Listing(
        tuple(name for name in files.split("\0") if name),
        "" if commit == "(initial)" else commit,
        any(not entry.startswith("#") for entry in entries),
    )


def _expanded(project: Path, paths: Sequence[str], limits: Limits) -> list[str]:
    """Existing files only; submodules and nested repositories, which git lists as one entry, are walked."""
    environments = [path.removesuffix("pyvenv.cfg") for path in paths if path.endswith("pyvenv.cfg")]
    found: list[str] = []
    for path in dict.fromkeys(paths):
        if path.startswith(".toque/") or _is_ignored(path) or any(path.startswith(prefix) for prefix in environments):
            continue
        full = os.path.join(project, path)
        if os.path.isfile(full):
            found.append(path)
        elif os.path.isdir(full) and not os.path.islink(full):
            found.extend(_walk(project, path.rstrip("/"), limits, project))
    return found


def _without_nested(paths: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Without the files of other projects, and where those lie."""
    nested = {path.removesuffix("toque.toml") for path in paths if path.endswith("/toque.toml")}
    outer = {each for each in nested if not any(each != other and each.startswith(other) for other in nested)}
    if not outer:
        return list(paths), ()
    own = [path for path in paths if not path.startswith(tuple(outer))]
    return own, tuple(sorted(each.rstrip("/") for each in outer))


def _without_data(paths: list[str], places: Sequence[str]) -> list[str]:
    """Without databases and what lies beside them, and without the folders that hold no code."""
    databases = {place + suffix for place in places for suffix in _DATABASE}
    below = tuple(
        folder
        for folder in (f"{place}{suffix}/" for place in places for suffix in ("", ".tmp"))
        if not any(path.startswith(folder) and path.endswith(_SOURCES) for path in paths)
    )
    return [path for path in paths if not path.startswith(below) and path not in databases]


def _is_ignored(path: str) -> bool:
    return path.endswith(".pyc") or "__pycache__/" in path or "node_modules/" in path


def _walk(project: Path, below: str, limits: Limits, root: Path) -> Iterator[str]:
    """Regular files, without hidden directories, caches and virtual environments."""
    seen = 0
    pending = [below]
    while pending:
        directory = pending.pop()
        with os.scandir(os.path.join(project, directory)) as entries:
            for entry in entries:
                seen += 1
                if seen > limits.entries:
                    raise _too_large(root, f"more than {limits.entries:,} files and directories", limits is DECLARED)
                path = f"{directory}/{entry.name}" if directory else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not _is_skipped(entry) and not (not directory and _is_output(entry)):
                        pending.append(path)
                elif entry.is_file() and not entry.name.endswith(".pyc"):
                    yield path


def _is_skipped(entry: os.DirEntry[str]) -> bool:
    return (
        entry.name.startswith(".")
        or entry.name in {"__pycache__", "node_modules"}
        or os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
    )


def _is_output(entry: os.DirEntry[str]) -> bool:
    return entry.name in OUTPUT_DIRECTORIES and not any(name.endswith(".py") for name in os.listdir(entry.path))


def _too_large(project: Path, what: str, declared: bool) -> UserError:
    if declared:
        return UserError(
            f"the project {project} is too large to be snapshotted: {what}",
            file=str(project / "toque.toml"),
            fix='keep data out of it: [bundle] exclude = ["data/"]',
        )
    return UserError(
        f"{project} is not a project yet and too large to be snapshotted: {what}",
        fix=f"run `toque init {project}` to make it one, or move the file into a directory of its own",
    )

"""What changed between two bundles, as unified text for each file."""

from __future__ import annotations

import difflib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toque.store.bundles import Bundle


@dataclass(frozen=True)
class FileDiff:
    """One file that differs."""

    path: str
    change: Literal["added", "removed", "changed"]
    text: str
    """Unified diff; one line that says so for binary content."""


def diff(old: Bundle, new: Bundle) -> list[FileDiff]:
    """The files that differ, by path."""
    found = []
    for path in sorted(old.files.keys() | new.files.keys()):
        before, after = old.files.get(path), new.files.get(path)
        if before != after:
            change: Literal["added", "removed", "changed"] = (
                "added" if before is None else "removed" if after is None else "changed"
            )
            found.append(FileDiff(path, change, _unified(path, _lines(old, path), _lines(new, path))))
    return found


def _lines(bundle: Bundle, path: str) -> list[str] | None:
    """Lines of a text file, with their ends; None for binary content, nothing for a file that is not there."""
    if path not in bundle.files:
        return []
    try:
        # Lines end at \n and nowhere else: a form feed is none, and other line ends are a change as well.
        return list(io.StringIO(Path(bundle.path, path).read_bytes().decode(), newline="\n"))
    except UnicodeDecodeError:
        return None


def _unified(path: str, before: list[str] | None, after: list[str] | None) -> str:
    if before is None or after is None:
        return f"binary file {path} differs\n"
    lines = difflib.unified_diff(before, after, f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

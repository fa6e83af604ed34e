"""The lineage process: parses the SQL of a project beside the server, which never imports sqlglot.

`python -P -m toque.local.lineage_process`: the question comes on standard input, the answer goes to standard output.
What was parsed before is kept in `.toque/lineage.cache`, so that an edit parses one model and not all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from toque.data.lineage.project import Declared, project_steps
from toque.data.lineage.sql import Cache
from toque.data.lineage.steps import Step

CACHE = "lineage.cache"
MOST_KEPT = 20_000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that lineage is made of."""

    project: str
    home: str
    """Where what was parsed is kept."""
    assets: tuple[Declared, ...]
    known: dict[str, tuple[tuple[str, str], ...]]
    """Columns of tables as they were last made."""
    manifests: dict[str, str]
    """Hash of the content by path relative to the project; "" where there is none."""
    parser: str = ""
    """Version of what answers."""


Kept = list[tuple[str, str, tuple[Step, ...]]]


def answered(question: Question) -> list[Step]:
    """The steps of the project."""
    file = Path(question.home) / CACHE
    before = _read(file)
    now = _Used(before)
    steps = project_steps(question.assets, question.known, lambda path: _manifest(question, path), now)
    if now.fresh:
        _write(file, now.used)
    return steps


class _Used(dict[tuple[str, str], tuple[Step, ...]]):
    """A cache that knows what of it was asked for: the rest is forgotten."""

    def __init__(self, before: Cache) -> None:
        super().__init__(before)
        self.used: Cache = {}
        self.fresh = False

    def __getitem__(self, key: tuple[str, str]) -> tuple[Step, ...]:
        self.used[key] = super().__getitem__(key)
        return self.used[key]

    def __setitem__(self, key: tuple[str, str], steps: tuple[Step, ...]) -> None:
        super().__setitem__(key, steps)
        self.used[key] = steps
        self.fresh = True


def _manifest(question: Question, path: str) -> Mapping[str, Any]:
    return msgspec.json.decode((Path(question.project) / path).read_bytes(), type=dict[str, Any])


def _read(file: Path) -> Cache:
    try:
        kept = msgspec.msgpack.decode(file.read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return {}
    return {(sql, schema): steps for sql, schema, steps in kept}


def _write(file: Path, cache: Cache) -> None:
    kept = [(sql, schema, steps) for (sql, schema), steps in list(cache.items())[:MOST_KEPT]]
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        temporary.write_bytes(msgspec.msgpack.encode(kept))
        temporary.rename(file)
    except OSError:
        temporary.unlink(missing_ok=True)  # it is only parsed again


def main() -> None:
    """Answer the one question."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    sys.stdout.buffer.write(msgspec.json.encode(answered(question)))


if __name__ == "__main__":
    main()

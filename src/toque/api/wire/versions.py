"""Versions of pipelines: their files, what changed between two, and going back."""

from __future__ import annotations

from typing import Literal

from toque.api.wire.model import Text, Wire


class Version(Wire):
    """A graph with its code."""

    version: str
    pipeline: str
    created_us: int
    actor: str
    git_commit: str
    git_dirty: bool
    file: str
    is_current: bool


class VersionFile(Wire):
    """A file of a version."""

    path: str
    size: int
    digest: str
    """Of its content: two versions have the same file if it is equal."""


class VersionFiles(Wire):
    """The code of a version."""

    files: list[VersionFile]


class FileText(Wire):
    """The text of one file."""

    path: str
    text: str


class GraphChange(Wire):
    """What happened to one node, or to the pipeline itself (`node` is "" then)."""

    kind: Literal["added", "removed", "changed", "pipeline", "parameter"]
    node: str
    text: str


class FileChange(Wire):
    """What happened to one file."""

    path: str
    status: Literal["added", "removed", "changed"]
    before: str
    after: str


class VersionDiff(Wire):
    """The difference between two versions."""

    graph: list[GraphChange]
    files: list[FileChange]


class Rollback(Wire):
    """Make an earlier version the current one."""

    version: Text
    reason: Text = ""

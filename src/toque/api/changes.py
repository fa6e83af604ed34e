"""The difference between two versions as a page shows it."""

from __future__ import annotations

from toque.api.services import Code
from toque.api.wire.versions import FileChange, GraphChange
from toque.errors import NotFound
from toque.graph.diff import Changes, FieldChange, NodeChange

MOST_FILES = 200
"""With their texts; more are named only."""


def graph_changes(changes: Changes) -> list[GraphChange]:
    """A line for each thing that changed."""
    found = [GraphChange(kind="pipeline", node="", text=_plain(change)) for change in changes.pipeline]
    found += [GraphChange(kind="parameter", node="", text=str(change)) for change in changes.parameters]
    for node in changes.nodes:
        found += [GraphChange(kind=node.kind, node=node.id, text=text) for text in _texts(node)]
    return found


def _plain(change: FieldChange) -> str:
    """Where a field stands in the graph's document is nobody's matter who reads a page."""
    return str(change).removeprefix("meta.")


def _texts(node: NodeChange) -> list[str]:
    if node.kind == "removed":
        return [""]
    if node.kind == "added":
        return [f"after {', '.join(node.edges_added)}" if node.edges_added else ""]
    found = ["code changed"] if node.code_changed else []
    found += [_plain(change) for change in node.fields]
    found += [f"now after {source}" for source in node.edges_added]
    found += [f"no longer after {source}" for source in node.edges_removed]
    return found


def file_changes(code: Code, old: str, new: str) -> list[FileChange]:
    """The files that differ. Raises `NotFound` when a bundle is not on this machine."""
    if old == new:
        return []
    before = {each.path: each.digest for each in code.files(old)}
    after = {each.path: each.digest for each in code.files(new)}
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    found = []
    for number, path in enumerate(paths):
        told = number < MOST_FILES
        found.append(
            FileChange(
                path=path,
                status="added" if path not in before else "removed" if path not in after else "changed",
                before=_text(code, old, path) if told and path in before else "",
                after=_text(code, new, path) if told and path in after else "",
            )
        )
    return found


def _text(code: Code, bundle: str, path: str) -> str:
    try:
        return code.text(bundle, path)
    except NotFound as gone:
        return f"({gone.message})"

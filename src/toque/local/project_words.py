"""What changed between two looks at a project, in words."""

from __future__ import annotations

from collections.abc import Iterator

from toque.graph.counting import tasks_of
from toque.graph.diff import Changes, NodeChange, diff
from toque.graph.ir import Pipeline
from toque.ports.project import ProjectChange, ProjectState
from toque.store.bundles import Bundle

NAMED = 3
"""So many nodes are named; of more, only the number is told."""


def changes_between(
    old: ProjectState, new: ProjectState, old_bundle: Bundle | None, new_bundle: Bundle
) -> list[ProjectChange]:
    """Pipelines first, then files. At the first look everything is `added`."""
    found = [*_of_pipelines(old, new), *_of_broken(old, new)]
    told = {change.file for change in found}
    return found + [change for change in _of_code(old_bundle, new_bundle) if change.file not in told]


def _of_pipelines(old: ProjectState, new: ProjectState) -> Iterator[ProjectChange]:
    for name, pipeline in new.pipelines.items():
        before = old.pipelines.get(name)
        if before is None:
            nodes = _count(len(tasks_of(pipeline.ir)), "task")
            yield ProjectChange(kind="added", pipeline=name, file=pipeline.file, words=f"new pipeline, {nodes}")
        elif before.ir is not pipeline.ir and (words := described(before.ir, pipeline.ir)):
            yield ProjectChange(kind="changed", pipeline=name, file=pipeline.file, words=words)
    for name, pipeline in old.pipelines.items():
        if name not in new.pipelines:
            yield ProjectChange(
                kind="removed", pipeline=name, file=pipeline.file, words="no longer defined; its history stays"
            )


def _of_broken(old: ProjectState, new: ProjectState) -> Iterator[ProjectChange]:
    before = {each.file: each for each in old.broken}
    now = {each.file: each for each in new.broken}
    for file, each in now.items():
        if file not in before or before[file].problems != each.problems:
            yield ProjectChange(kind="broken", file=file, words=each.problems[0].message, problems=each.problems)
    for file in before:
        if file not in now:
            yield ProjectChange(kind="mended", file=file, words="fine again")


def _of_code(old: Bundle | None, new: Bundle) -> Iterator[ProjectChange]:
    """Files whose change no graph shows: a module that tasks import, a query, a comment."""
    if old is None:
        return
    for file in sorted({*old.files, *new.files}):
        if old.files.get(file) != new.files.get(file):
            word = "removed" if file not in new.files else "added" if file not in old.files else "changed"
            yield ProjectChange(kind="changed", file=file, words=word)


def described(old: Pipeline, new: Pipeline) -> str:
    """`task clean changed, 1 new task`; "" when nothing differs."""
    changes = diff(old, new)
    parts = [
        _nodes([node for node in changes.nodes if node.kind == "changed"], "changed"),
        _nodes([node for node in changes.nodes if node.kind == "added"], "new"),
        _nodes([node for node in changes.nodes if node.kind == "removed"], "removed"),
        _options(changes),
    ]
    return ", ".join(part for part in parts if part)


def _nodes(nodes: list[NodeChange], word: str) -> str:
    names = list(dict.fromkeys(node.id.removesuffix("[]") for node in nodes))  # a map and its task are one
    if not names:
        return ""
    if word == "new":
        return _count(len(names), "new task")
    if len(names) > NAMED:
        return f"{_count(len(names), 'task')} {word}"
    return f"task{'s' if len(names) > 1 else ''} {', '.join(names)} {word}"


def _options(changes: Changes) -> str:
    names = [change.field.partition(".")[0] for change in changes.pipeline]
    names += ["parameter " + change.field.partition(".")[0] for change in changes.parameters]
    return f"{', '.join(dict.fromkeys(names))} changed" if names else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

"""Rows of grids: the tasks of a version do not change, and to write 10,000 of them takes a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from toque.api.bulk import GridRow, encoded
from toque.api.drawing import kind_of, label_of
from toque.graph.ir import AnyNode, MapNode, Pipeline

KEPT = 32
"""Of those that were asked for last."""


class GridRows:
    """The rows of one version."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._nodes = {node.id: node for node in pipeline.nodes if not isinstance(node, MapNode)}
        self._outer = {each.id: each.scope for each in pipeline.nodes if isinstance(each, MapNode)}
        self.tasks = list(self._nodes)
        """What to ask the store for."""
        self._last: tuple[Sequence[str], list[int], msgspec.Raw] | None = None

    def written(self, tasks: Sequence[str]) -> tuple[list[int], msgspec.Raw]:
        """The places of those `tasks` that have rows, and these rows. A map node says nothing that its members do
        not."""
        if self._last is None or self._last[0] != tasks:
            places = [number for number, task in enumerate(tasks) if not task.endswith("[]")]
            rows = [self._row(tasks[number]) for number in places]
            self._last = (tasks, places, msgspec.Raw(encoded(rows)))
        return self._last[1:]

    def _row(self, task: str) -> GridRow:
        """A row. Without a node: a step of a flow, or a task of an older version."""
        node: AnyNode | None = self._nodes.get(task)
        if node is None:
            body = task.partition("/")[0] if "/" in task else ""
            return GridRow(id=task, label=task.rpartition("/")[2], group=body, kind="step" if body else "task", depth=0)
        depth, scope = 0, node.scope
        while scope:
            depth, scope = depth + 1, self._outer.get(scope, "")
        return GridRow(id=task, label=label_of(node), group=node.meta.group, kind=kind_of(node), depth=depth)


class Grids:
    """By version, each made once."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._known: OrderedDict[str, GridRows] = OrderedDict()

    def rows(self, pipeline: Pipeline, version: str) -> GridRows:
        """Of a version, which never changes."""
        known = self._known.pop(version, None)
        self._known[version] = found = GridRows(pipeline) if known is None else known
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return found

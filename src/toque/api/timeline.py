"""Where the time of a run went: bars, and the chain of tasks that it could not have been faster than."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from toque.api.bulk import BarRow, TimelineRows
from toque.graph.ir import MapNode, Pipeline, TaskNode
from toque.ports.pages import NodeCounts, TimelineBar


def timeline(
    bars: Sequence[TimelineBar], nodes: Sequence[NodeCounts], upstream: Upstream, fact_seq: int = 0
) -> TimelineRows:
    """Bars of map nodes are left out: their members have bars. `fact_seq`: of the run, before it was looked at."""
    path = critical_path(nodes, upstream)
    on_path = set(path)
    return TimelineRows(
        bars=[
            BarRow(
                task=bar.task,
                index=bar.map_index,
                state=bar.state,
                ready_us=bar.ready_us,
                started_us=bar.started_us,
                finished_us=bar.finished_us,
                critical=bar.task in on_path,
                count=bar.count,
            )
            for bar in bars
            if not bar.task.endswith("[]")
        ],
        critical_path=path,
        fact_seq=fact_seq,
    )


def critical_path(nodes: Sequence[NodeCounts], upstream: Upstream) -> list[str]:
    """From the task that ended last, back along whichever upstream ended last: what each step waited for.

    Task runs of one mapped task count as one interval, from the first start to the last end.
    """
    ends = {each.task: each.finished_us for each in nodes if each.finished_us and each.task in upstream}
    counted = {task: end for task, end in ends.items() if task not in upstream.hooks} or ends
    path: dict[str, None] = {}
    _, task = max(zip(counted.values(), counted, strict=True), default=(0, ""))
    while task:
        path[task] = None
        before = {each: ends[each] for each in upstream.of(task) if each in ends and each not in path}
        task = max(before, key=lambda each: (before[each], each), default="")
    return [*path][::-1]


def upstream_tasks(pipeline: Pipeline) -> dict[str, set[str]]:
    """For each task or join: the tasks and joins that it waits for, through map nodes."""
    upstream = Upstream(pipeline)
    return {node.id: upstream.of(node.id) for node in pipeline.nodes if node.id in upstream}


class Upstream:
    """What tasks and joins wait for, of those that are asked about: to find it for 10,000 takes a while."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._nodes = {node.id: node for node in pipeline.nodes}
        self._members: dict[str, set[str]] = {}
        for node in pipeline.nodes:
            if node.scope:
                self._members.setdefault(node.scope, set()).add(node.id)
        self._tasks = frozenset(node.id for node in pipeline.nodes if not isinstance(node, MapNode))
        self.hooks = frozenset(
            node.id for node in pipeline.nodes if isinstance(node, TaskNode) and (node.hook or node.teardown_of)
        )
        """What runs after the work: no run waits for it."""

    def __contains__(self, name: str) -> bool:
        """Whether it is a task or join of the pipeline."""
        return name in self._tasks

    def of(self, name: str) -> set[str]:
        """The tasks and joins that this one waits for, through map nodes."""
        node = self._nodes[name]
        sources = {edge.source for edge in node.upstream} | {guard.node for guard in node.guards}
        scope = node.scope
        while scope in self._nodes:
            outer = self._nodes[scope]
            sources |= {edge.source for edge in outer.upstream} | {guard.node for guard in outer.guards}
            scope = outer.scope
        return {task for source in sources for task in self._inside(source)} - {name}

    def _inside(self, name: str) -> set[str]:
        """The tasks that a source stands for."""
        if not isinstance(self._nodes.get(name), MapNode):
            return {name}
        return {task for member in self._members.get(name, ()) for task in self._inside(member)}


KEPT = 32
"""Of those that were asked for last."""


class Upstreams:
    """By version, each made once."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._known: OrderedDict[str, Upstream] = OrderedDict()

    def of(self, pipeline: Pipeline, version: str) -> Upstream:
        """Of a version, which never changes."""
        known = self._known.pop(version, None)
        self._known[version] = found = Upstream(pipeline) if known is None else known
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return found

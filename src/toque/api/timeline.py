"""Where the time of a run went: bars, and the chain of tasks that it could not have been faster than."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.api.wire.tasks import Timeline, TimelineBar
from toque.graph.ir import MapNode, Pipeline, TaskNode
from toque.ports.pages import NodeCounts
from toque.ports.pages import TimelineBar as SeenBar


def timeline(bars: Sequence[SeenBar], nodes: Sequence[NodeCounts], pipeline: Pipeline) -> Timeline:
    """Bars of map nodes are left out: their members have bars."""
    path = critical_path({each.task: each for each in nodes}, pipeline)
    on_path = set(path)
    return Timeline(
        bars=[
            TimelineBar(
                task=bar.task,
                index=list(bar.map_index),
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
    )


def critical_path(nodes: Mapping[str, NodeCounts], pipeline: Pipeline) -> list[str]:
    """From the task that ended last, back along whichever upstream ended last: what each step waited for.

    Task runs of one mapped task count as one interval, from the first start to the last end.
    """
    upstream = upstream_tasks(pipeline)
    hooks = {node.id for node in pipeline.nodes if isinstance(node, TaskNode) and (node.hook or node.teardown_of)}
    ends = {task: each.finished_us for task, each in nodes.items() if each.finished_us and task in upstream}
    counted = {task: end for task, end in ends.items() if task not in hooks} or ends
    path: list[str] = []
    task = max(counted, key=lambda each: (counted[each], each), default="")
    while task:
        path.append(task)
        before = {each: ends[each] for each in upstream[task] if each in ends and each not in path}
        task = max(before, key=lambda each: (before[each], each), default="")
    return path[::-1]


def upstream_tasks(pipeline: Pipeline) -> dict[str, set[str]]:
    """For each task or join: the tasks and joins that it waits for, through map nodes."""
    members: dict[str, set[str]] = {}
    nodes = {node.id: node for node in pipeline.nodes}
    for node in pipeline.nodes:
        if node.scope:
            members.setdefault(node.scope, set()).add(node.id)

    def inside(name: str) -> set[str]:
        """The tasks that a source stands for."""
        if not isinstance(nodes.get(name), MapNode):
            return {name}
        return {task for member in members.get(name, ()) for task in inside(member)}

    found: dict[str, set[str]] = {}
    for node in pipeline.nodes:
        sources = {edge.source for edge in node.upstream} | {guard.node for guard in node.guards}
        scope = node.scope
        while scope in nodes:
            outer = nodes[scope]
            sources |= {edge.source for edge in outer.upstream} | {guard.node for guard in outer.guards}
            scope = outer.scope
        if not isinstance(node, MapNode):
            found[node.id] = {task for source in sources for task in inside(source)} - {node.id}
    return found

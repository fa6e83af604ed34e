"""The graph as it is drawn: nodes, edges and groups of a version, and the steps that flows of a run declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from toque.api.wire.graphs import Graph, GraphEdge, GraphGroup, GraphNode, Origin
from toque.graph.ir import AnyNode, Guard, MapNode, Pipeline, TaskNode
from toque.ports.pages import NodeCounts

MOST_STEPS = 1000
"""Steps of flows that are drawn; a loop of thousands is read in the list."""


def graph(pipeline: Pipeline, version: str, steps: Sequence[NodeCounts] = ()) -> Graph:
    """What is drawn. `steps`: what a run has beside the nodes of its version."""
    known = {node.id for node in pipeline.nodes}
    shown = sorted((step for step in steps if step.task not in known), key=lambda step: (step.ready_us, step.task))
    shown = shown[:MOST_STEPS]
    return Graph(
        pipeline=pipeline.name,
        version=version,
        nodes=[*map(_node, pipeline.nodes), *(_step(step, known) for step in shown)],
        edges=[*_edges(pipeline), *_step_edges(shown, known)],
        groups=_groups(pipeline),
    )


def label_of(node: AnyNode) -> str:
    """Its name within its group."""
    group = node.meta.group
    return node.id[len(group) + 1 :] if group and node.id.startswith(f"{group}.") else node.id


def kind_of(node: AnyNode) -> Literal["task", "flow", "map", "join"]:
    """What is drawn for it."""
    if isinstance(node, TaskNode):
        return node.kind
    return "map" if isinstance(node, MapNode) else "join"


def _node(node: AnyNode) -> GraphNode:
    policy = node.policy if isinstance(node, TaskNode) else None
    return GraphNode(
        id=node.id,
        label=label_of(node),
        kind=kind_of(node),
        group=node.meta.group,
        scope=node.scope,
        rule=node.rule,
        doc=node.meta.doc,
        retries=policy.retry.times if policy is not None and policy.retry is not None else 0,
        pools=[claim.pool for claim in policy.pools] if policy is not None else [],
        origin=Origin(file=node.origin.file, line=node.origin.line) if node.origin is not None else None,
        tags=list(node.meta.tags),
        hook=node.hook if isinstance(node, TaskNode) else "",
        teardown_of=node.teardown_of if isinstance(node, TaskNode) else "",
        host=node.host if isinstance(node, TaskNode) else "",
    )


def _edges(pipeline: Pipeline) -> Iterator[GraphEdge]:
    for node in pipeline.nodes:
        guards = {guard.node: guard for guard in node.guards}
        for edge in node.upstream:
            yield GraphEdge(
                source=edge.source, target=node.id, kind=edge.kind, label=_branch_text(guards.get(edge.source))
            )
        if isinstance(node, TaskNode) and node.host and not node.upstream:
            # Nothing holds it but that its host must begin: it is drawn behind that.
            yield GraphEdge(source=node.host, target=node.id, kind="order", label="")
        sources = {edge.source for edge in node.upstream}
        for source, guard in guards.items():
            if source not in sources:
                yield GraphEdge(source=source, target=node.id, kind="gate", label=_branch_text(guard))


def _branch_text(guard: Guard | None) -> str:
    if guard is None:
        return ""
    if guard.values == (True,):
        return "yes" if guard.test == "equals" else "no"
    words = ", ".join(str(value) for value in guard.values)
    return words if guard.test == "equals" else f"not {words}"


def _groups(pipeline: Pipeline) -> list[GraphGroup]:
    names: dict[str, None] = {}
    for node in pipeline.nodes:
        parts = node.meta.group.split(".") if node.meta.group else []
        names.update({".".join(parts[: depth + 1]): None for depth in range(len(parts))})
    return [
        GraphGroup(id=name, label=name.rpartition(".")[2], parent=name.rpartition(".")[0]) for name in sorted(names)
    ]


# -- steps of flows


def _step(step: NodeCounts, known: set[str]) -> GraphNode:
    return GraphNode(
        id=step.task,
        label=step.task.rpartition("/")[2],
        kind="step",
        group=_body_of(step.task, known),
        scope="",
        rule="",
        doc="",
        retries=0,
        pools=[],
        origin=None,
        tags=[],
        hook="",
        teardown_of="",
        host="",
    )


def _body_of(task: str, known: set[str]) -> str:
    """The flow that a step belongs to: `<body>/<scope path>/<step name>`."""
    body = task.partition("/")[0]
    return body if body in known else ""


def _step_edges(steps: Sequence[NodeCounts], known: set[str]) -> Iterator[GraphEdge]:
    """How a flow unfolded: from what had ended when a step was asked for, to that step. A body is ordinary code, so
    that this order in time is all that anybody knows."""
    for step in steps:
        body = _body_of(step.task, known)
        before = [
            each
            for each in steps
            if each is not step and _body_of(each.task, known) == body and 0 < each.finished_us <= step.ready_us
        ]
        latest = max((each.ready_us for each in before), default=0)
        # Only the last ones: those that had ended before the latest of them began are implied.
        nearest = [each for each in before if each.finished_us >= latest]
        for each in nearest:
            yield GraphEdge(source=each.task, target=step.task, kind="order", label="")
        if not nearest and body:
            yield GraphEdge(source=body, target=step.task, kind="order", label="")

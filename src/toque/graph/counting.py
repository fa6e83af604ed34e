"""What people count in a graph: the functions that run. The nodes that fan out and join are how they hang together."""

from __future__ import annotations

from toque.graph.ir import Pipeline, TaskNode


def tasks_of(pipeline: Pipeline) -> tuple[TaskNode, ...]:
    """In the order of the graph; a map is its task, and what joins branches is none."""
    return tuple(node for node in pipeline.nodes if isinstance(node, TaskNode))

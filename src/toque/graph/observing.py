"""Pipelines that `external(…, observe=…)` makes: one task that looks at data that something else makes."""

from __future__ import annotations

from typing import Final

from toque.graph.ir import CodeRef, Pipeline, TaskNode

LOOK: Final = CodeRef(module="toque.worker.observing", qualname="look")
LOOK_IN_SQL: Final = CodeRef(module="toque.integrations.observing", qualname="look")


def only_observes(pipeline: Pipeline) -> bool:
    """Whether nobody wrote the pipeline itself."""
    return all(isinstance(node, TaskNode) and node.code in (LOOK, LOOK_IN_SQL) for node in pipeline.nodes)

"""Drawn graphs of versions as they are sent: a version never changes, and to write 10,000 tasks takes a while."""

from __future__ import annotations

from collections import OrderedDict

from fastapi import Response

from toque.api.bulk import sent
from toque.api.drawing import graph
from toque.api.wire.graphs import Graph
from toque.graph.ir import Pipeline, TaskNode

KEPT = 32
"""Of those that were asked for last."""


class Drawings:
    """The bytes of graphs by version, each made once."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._known: OrderedDict[str, bytes] = OrderedDict()

    def answer(self, pipeline: Pipeline, version: str) -> Response:
        """The graph of a version, which has no steps of flows."""
        body = self._known.get(version)
        if body is None:
            body = written(graph(pipeline, version))
        self._known[version] = body
        self._known.move_to_end(version)
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return sent(body)


def written(drawn: Graph) -> bytes:
    """A graph as JSON."""
    return drawn.model_dump_json(by_alias=True).encode()


def unfolds(pipeline: Pipeline) -> bool:
    """Whether runs have nodes beside those of the version: the steps of flows."""
    return any(isinstance(node, TaskNode) and node.kind == "flow" for node in pipeline.nodes)

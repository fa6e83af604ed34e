"""Joins: `one_of(…)` takes the first of its sources, in their order, that succeeded."""

from __future__ import annotations

from typing import Any

from toque.engine.codes import SUCCEEDED
from toque.engine.lanes import Lane
from toque.engine.rules import state_of
from toque.engine.state import Run
from toque.engine.values import MapIndex
from toque.graph.expr import Gather, Ref
from toque.graph.ir import JoinNode


def joined(run: Run, lane: Lane, index: int, node: JoinNode) -> dict[str, Any] | None:
    """The values of the `Succeeded` of a join; None if no source succeeded.

    Its `lengths` is the position of the source that it took: `chosen` reads it again. A gathered source has no
    value of its own; the join stands for its map.
    """
    reader = lane.key_of(index)
    for position, source in enumerate(node.sources):
        name = source_of(source)
        if state_of(run.nodes[name], reader) != SUCCEEDED:
            continue
        found = run.nodes[name].lane_of(reader[: run.nodes[name].plan.depth])
        assert found is not None
        taken, at = found
        return {
            "result": taken.result(at),
            "exports": taken.exports.get(at, ()),
            "lengths": (position,),
        }
    return None


def chosen(run: Run, node: JoinNode, reader: MapIndex) -> Ref | Gather | None:
    """The source that a join took; None if it took none."""
    found = run.nodes[node.id].lane_of(reader[: run.nodes[node.id].plan.depth])
    if found is None:
        return None
    lane, index = found
    position = lane.lengths.get(index)
    return node.sources[position[0]] if position is not None else None


def source_of(source: Ref | Gather) -> str:
    """The node whose end a join waits for."""
    return source.node if isinstance(source, Ref) else source.map

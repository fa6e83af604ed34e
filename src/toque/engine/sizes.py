"""Sizes: how many indexes a map opens, from what the axes are known to hold (no value is ever read here)."""

from __future__ import annotations

from math import prod
from typing import Any

from toque.engine.codes import SUCCEEDED
from toque.engine.joining import chosen
from toque.engine.lanes import Frame, Lane
from toque.engine.state import Run
from toque.engine.values import MapIndex
from toque.graph.expr import Access, AnyExpr, Const, Gather, ListOf, Param, Ref, TupleOf
from toque.graph.ir import Axis, JoinNode, MapNode, TaskNode


class Unsizable(Exception):
    """The map cannot open; the message says why, for the author of the pipeline."""


def size_of(run: Run, lane: Lane, index: int, node: MapNode) -> tuple[int, tuple[int, ...]]:
    """Number of indexes, and the lengths of the axes if they are crossed."""
    reader = lane.key_of(index)
    lengths = [axis_length(run, axis, reader) for axis in node.axes]
    if node.mode == "product":
        return prod(lengths), tuple(lengths)
    if len(set(lengths)) > 1:
        listed = ", ".join(f"{describe(axis.source)} has {n}" for axis, n in zip(node.axes, lengths, strict=True))
        raise Unsizable(f"{node.id.removesuffix('[]')} is mapped over lists of different lengths: {listed}")
    return (lengths[0] if lengths else 0), ()


def axis_length(run: Run, axis: Axis, reader: MapIndex) -> int:
    """How many items an axis has."""
    source = axis.source
    if axis.chained and isinstance(source, Ref):
        frame = frame_of(run, run.nodes[source.node].plan.scope, reader)
        if frame is None:
            raise Unsizable(f"{source.node} was never mapped")
        return frame.size
    return _length(run, source, reader)


def _length(run: Run, source: AnyExpr, reader: MapIndex) -> int:
    match source:
        case Const(value=data):
            return length_of_data(data, "the constant")
        case Param(name=name, path=path):
            if name not in run.row.parameters:
                raise Unsizable(f"the run has no parameter {name!r}")
            return length_of_data(project(run.row.parameters[name], path), f"parameter {name!r}")
        case ListOf(items=items) | TupleOf(items=items):
            return len(items)
        case Ref(node=name, path=path):
            return _reported(run, name, path, reader)
        case Gather(map=name, holes=holes):
            frame = frame_of(run, name, reader)
            if frame is None:
                raise Unsizable(f"{name.removesuffix('[]')} ended without having been mapped")
            return _gathered(frame, holes)
        case _:
            raise Unsizable(f"{describe(source)} is not a list whose length is known before its tasks run")


def _reported(run: Run, name: str, path: tuple[Access, ...], reader: MapIndex) -> int:
    state = run.nodes[name]
    node = state.plan.node
    found = state.lane_of(reader[: state.plan.depth])
    if found is None or found[0].state[found[1]] != SUCCEEDED:
        raise Unsizable(f"{name} has no result, so there is nothing to iterate")
    lane, index = found
    if isinstance(node, JoinNode):
        source = chosen(run, node, reader)
        if isinstance(source, Ref):
            return _reported(run, source.node, (*source.path, *path), reader)
        if source is not None and not path:
            return _length(run, source, reader)
    if isinstance(node, TaskNode) and path in node.lengths:
        position = node.lengths.index(path)
        lengths = lane.lengths.get(index, ())
        if position < len(lengths) and lengths[position] >= 0:
            return lengths[position]
    raise Unsizable(f"{describe(Ref(node=name, path=path))} is not a list: no length was reported for it")


def _gathered(frame: Frame, holes: str) -> int:
    match holes:
        case "failures":
            return len(frame.failed_indexes())
        case "ok":
            return len(frame.usable_indexes())
        case _:
            return frame.size


def frame_of(run: Run, name: str, reader: MapIndex) -> Frame | None:
    """The scope that map node `name` opened for a reader at the same depth or deeper."""
    state = run.nodes[name]
    found = state.lane_of(reader[: state.plan.depth])
    return None if found is None else found[0].opened.get(found[1])


def length_of_data(data: Any, what: str) -> int:
    """The length of a list in tagged JSON. Raises `Unsizable`."""
    if isinstance(data, dict) and "$" in data:
        payload: Any = data.get("v")
        if data["$"] == "range":
            return len(range(*payload))
        if data["$"] in ("tuple", "set", "frozenset", "dict"):
            return len(payload)
    elif isinstance(data, list | dict):
        return len(data)
    raise Unsizable(f"{what} is not a list: {str(data)[:80]}")


def project(data: Any, path: tuple[Access, ...]) -> Any:
    """The part of tagged JSON that `path` leads to. Raises `Unsizable`."""
    for kind, step in path:
        inner = data["v"] if isinstance(data, dict) and data.get("$") in ("model", "tuple") else data
        try:
            data = inner[step]
        except (KeyError, IndexError, TypeError):
            shown = f".{step}" if kind == "attr" else f"[{step!r}]"
            raise Unsizable(f"the parameter has no {shown}") from None
    return data


def describe(source: AnyExpr) -> str:
    """What an axis iterates, in the author's words."""
    match source:
        case Ref(node=name, path=path):
            return name + "".join(f".{step}" if kind == "attr" else f"[{step!r}]" for kind, step in path)
        case Gather(map=name):
            return name.removesuffix("[]")
        case Param(name=name):
            return f"parameter {name}"
        case Const():
            return "a constant"
        case _:
            return "an expression"

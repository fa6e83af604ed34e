"""Small graphs, written by hand."""

from __future__ import annotations

from typing import Any

from toque.graph.expr import AnyExpr, Const, Gather, Item, Ref
from toque.graph.ir import Axis, CodeRef, Edge, Guard, JoinNode, MapNode, Pipeline, TaskNode

CODE = CodeRef(module="flows", qualname="work", source_hash="0" * 16)


def task(name: str, *after: str, **fields: Any) -> TaskNode:
    """A task that waits for `after`."""
    fields.setdefault("code", CODE)
    return TaskNode(id=name, upstream=tuple(Edge(source=source) for source in after), **fields)


def reading(name: str, **sources: AnyExpr) -> TaskNode:
    """A task that is passed expressions, and waits for nothing by itself."""
    return TaskNode(id=name, code=CODE, kwargs=sources)


def mapped(name: str, source: AnyExpr | None = None, *after: str, **fields: Any) -> tuple[MapNode, TaskNode]:
    """A mapped task: its map node and its member."""
    axes = (Axis(source=source if source is not None else Const([1, 2]), chained=fields.pop("chained", False)),)
    member_after = fields.pop("member_after", ())
    opened = MapNode(
        id=name + "[]",
        axes=axes,
        result=Ref(name),
        upstream=tuple(Edge(source=source) for source in after),
        **fields,
    )
    return opened, task(name, *member_after, scope=name + "[]", kwargs={"x": Item(name + "[]", 0)})


def graph(*nodes: Any, **fields: Any) -> Pipeline:
    """A pipeline of these nodes; pairs of `mapped` are unfolded."""
    flat = [node for item in nodes for node in (item if isinstance(item, tuple) else (item,))]
    return Pipeline(name="flights", nodes=tuple(flat), **fields)


def guarded(name: str, by: str, export: int = 0) -> TaskNode:
    """A task that runs if `by` says True."""
    return task(name, by, guards=(Guard(node=by, export=export, test="equals", values=(True,)),))


def join(*sources: str) -> JoinNode:
    """The first of several results."""
    return JoinNode(
        id="+".join(sources),
        upstream=tuple(Edge(source=source) for source in sources),
        rule="none_failed_min_one_success",
        sources=tuple(Ref(source) for source in sources),
    )


__all__ = ["CODE", "Gather", "graph", "guarded", "join", "mapped", "reading", "task"]

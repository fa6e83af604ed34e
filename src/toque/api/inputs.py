"""The arguments of a task run: where each came from, and a look at it. Nothing is evaluated: what user code would have
to make (an attribute of an object, an item of a set) is named and not shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from toque.api.lookups import find_task_run
from toque.api.plain import plain
from toque.api.services import Part, Services
from toque.api.wire.values import Preview
from toque.engine.rows import RunRow
from toque.engine.values import TaskKey, ValueRef
from toque.graph.diff import show
from toque.graph.expr import AnyExpr, Const, Gather, Item, OutcomeOf, Param, Ref
from toque.graph.ir import MapNode, Pipeline, TaskNode
from toque.ports.pages import TaskQuery

GATHERED = 50
"""Results of a map that are looked at."""


def named_inputs(node: TaskNode) -> Iterator[tuple[str, AnyExpr]]:
    """Arguments by name; positional ones by number, since the signature is the author's."""
    for number, expr in enumerate(node.args):
        yield str(number + 1), expr
    yield from node.kwargs.items()


async def input_preview(
    asked: Services, run: RunRow, pipeline: Pipeline, expr: AnyExpr, key: TaskKey, part: Part
) -> tuple[str, Preview]:
    """What it is called, and a page of it."""
    return await _Looking(asked, run, pipeline, key, part).at(expr)


class _Looking:
    def __init__(self, asked: Services, run: RunRow, pipeline: Pipeline, key: TaskKey, part: Part) -> None:
        self._asked = asked
        self._run = run
        self._nodes = {node.id: node for node in pipeline.nodes}
        self._key = key
        self._part = part

    async def at(self, expr: AnyExpr) -> tuple[str, Preview]:
        match expr:
            case Const(value=value):
                return "constant", await self._shown(_inline(value), self._part)
            case Param(name=name, path=path):
                value = _inline(self._run.parameters.get(name))
                return f"parameter {name}", await self._shown(value, self._with(path=path))
            case Ref(node=node, path=path):
                return show(expr), await self._result(node, self._index_of(node), self._with(path=path))
            case OutcomeOf(node=node):
                return show(expr), await self._result(node, self._index_of(node), self._part)
            case Gather(map=name):
                return show(expr), await self._gathered(name)
            case Item(map=name, axis=axis, path=path):
                return self._origin(expr), await self._item(name, axis, self._with(path=path))
            case _:
                return show(expr), _none("made of several values in the worker")

    def _origin(self, item: Item) -> str:
        """What a map goes over is known to its author; its id is not."""
        node = self._nodes.get(item.map)
        if not isinstance(node, MapNode) or item.axis >= len(node.axes):
            return show(item)
        return f"one of {show(node.axes[item.axis].source)}"

    async def _item(self, name: str, axis: int, part: Part) -> Preview:
        node = self._nodes.get(name)
        if not isinstance(node, MapNode) or axis >= len(node.axes):
            return _none("its map is not known")
        depth = self._depth(name)
        if len(self._key.map_index) <= depth or (node.mode == "product" and len(node.axes) > 1):
            return _none("an item of a product is chosen in the worker")
        position = self._key.map_index[depth]
        source = node.axes[axis].source
        chosen = Part(offset=part.offset, limit=part.limit, item=position, path=part.path)
        match source:
            case Const(value=value):
                return await self._shown(_inline(value), chosen)
            case Param(name=parameter, path=()):
                return await self._shown(_inline(self._run.parameters.get(parameter)), chosen)
            case Ref(node=task, path=path) if node.axes[axis].chained:
                return await self._result(task, self._key.map_index[: depth + 1], self._with(path=(*path, *part.path)))
            case Ref(node=task, path=()):
                return await self._result(task, self._key.map_index[:depth], chosen)
            case Gather(map=task, holes="forbid"):
                return await self._element(task, (*self._key.map_index[:depth], position))
            case _:
                return _none("chosen in the worker")

    async def _element(self, name: str, index: tuple[int, ...]) -> Preview:
        node = self._nodes.get(name)
        if isinstance(node, MapNode) and isinstance(node.result, Ref):
            return await self._result(node.result.node, index, self._with(path=node.result.path))
        return _none("the results of this map are not kept")

    async def _gathered(self, name: str) -> Preview:
        node = self._nodes.get(name)
        if not isinstance(node, MapNode) or not isinstance(node.result, Ref):
            return _none("gathered results of several tasks")
        page = await self._asked.store.history.task_runs(
            TaskQuery(run_id=self._run.run_id, task=node.result.node, limit=GATHERED)
        )
        found = [row for row in page.tasks if row.result is not None]
        looks = [await self._shown(row.result, Part(limit=5)) for row in found if row.result is not None]
        rows = [[".".join(map(str, row.map_index)), _short(look)] for row, look in zip(found, looks, strict=True)]
        owner = await find_task_run(self._asked, self._run.run_id, TaskKey(name, self._index_of(name)))
        total = owner.size if owner is not None and owner.size >= 0 else None
        return Preview(
            kind="table",
            size_bytes=sum(row.result.size_bytes for row in found if row.result is not None),
            type=f"results of {node.result.node}",
            columns=["index", "value"],
            rows=rows,
            total_rows=total,
            note="each is an output of its own task run",
        )

    async def _result(self, task: str, index: tuple[int, ...], part: Part) -> Preview:
        row = await find_task_run(self._asked, self._run.run_id, TaskKey(task, index))
        if row is None or row.result is None:
            return _none(f"{TaskKey(task, index)} has no output{f': it {row.state}' if row is not None else ' yet'}")
        return await self._shown(row.result, part)

    async def _shown(self, ref: ValueRef, part: Part) -> Preview:
        return await asyncio.to_thread(self._asked.values.preview, ref, part)

    def _index_of(self, node: str) -> tuple[int, ...]:
        return self._key.map_index[: self._depth(node)]

    def _depth(self, node: str) -> int:
        depth, found = 0, self._nodes.get(node)
        while found is not None and found.scope:
            depth, found = depth + 1, self._nodes.get(found.scope)
        return depth

    def _with(self, *, path: tuple) -> Part:  # type: ignore[type-arg]
        return Part(offset=self._part.offset, limit=self._part.limit, path=path)


def _inline(value: object) -> ValueRef:
    import msgspec

    data = msgspec.json.encode(value)
    return ValueRef("json", data, None, len(data))


def _none(note: str) -> Preview:
    return Preview(kind="opaque", size_bytes=0, type="", note=note)


def _short(look: Preview) -> object:
    if look.text is not None:
        return look.text[:200]
    return f"{look.type} ({look.size_bytes:,} bytes)" if look.kind == "opaque" else plain(look.rows)

"""What a run returns: the pipeline's result expression, evaluated against the recorded results."""

from __future__ import annotations

from typing import Any

from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.graph import constants
from toque.graph.expr import Access, AnyExpr, Const, DictOf, Gather, ListOf, OutcomeOf, Param, Ref, TupleOf
from toque.graph.ir import MapNode, Pipeline
from toque.ports.blobs import Blobs
from toque.worker import values


def returned(pipeline: Pipeline, run: RunRow, tasks: list[TaskRow], blobs: Blobs) -> Any:
    """The value, or None when the run did not succeed or returns nothing."""
    if pipeline.result is None or run.state is not RunState.SUCCEEDED:
        return None
    rows = {(row.task, row.map_index): row for row in tasks}
    maps = {node.id: node for node in pipeline.nodes if isinstance(node, MapNode)}
    return _Results(rows, maps, run.parameters, blobs).value(pipeline.result, ())


class _Results:
    def __init__(
        self,
        rows: dict[tuple[str, tuple[int, ...]], TaskRow],
        maps: dict[str, MapNode],
        parameters: dict[str, Any],
        blobs: Blobs,
    ) -> None:
        self._rows = rows
        self._maps = maps
        self._parameters = parameters
        self._blobs = blobs

    def value(self, expr: AnyExpr, index: tuple[int, ...]) -> Any:
        match expr:
            case Const(value=value):
                return constants.decode(value)
            case Param(name=name, path=path):
                return project(constants.decode(self._parameters[name]), path)
            case Ref(node=node, path=path):
                return project(self._result(node, index), path)
            case OutcomeOf(node=node):
                return self._result(node, index)
            case Gather(map=name):
                return self._gathered(name, index)
            case ListOf(items=items):
                return [self.value(item, index) for item in items]
            case TupleOf(items=items):
                return tuple(self.value(item, index) for item in items)
            case DictOf(items=pairs):
                return {constants.decode(key): self.value(item, index) for key, item in pairs}
            case _:
                return None

    def _result(self, task: str, index: tuple[int, ...]) -> Any:
        row = self._rows.get((task, index))
        return None if row is None or row.result is None else values.decode(row.result, self._blobs)

    def _gathered(self, name: str, index: tuple[int, ...]) -> list[Any]:
        row, node = self._rows[name, index], self._maps[name]
        if node.result is None:
            return [None] * max(row.size, 0)
        inner = node.result
        return [
            self.value(inner, (*index, position))
            for position in range(row.size)
            if self._succeeded(inner, (*index, position))
        ]

    def _succeeded(self, expr: AnyExpr, index: tuple[int, ...]) -> bool:
        name = expr.node if isinstance(expr, Ref) else expr.map if isinstance(expr, Gather) else ""
        row = self._rows.get((name, index))
        return row is not None and row.state is TaskState.SUCCEEDED


def project(value: Any, path: tuple[Access, ...]) -> Any:
    """`value` with `.name` and `[key]` applied."""
    for how, key in path:
        value = getattr(value, str(key)) if how == "attr" else value[key]
    return value

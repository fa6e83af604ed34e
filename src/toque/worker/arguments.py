"""Evaluates the arguments of a node against the values that travel with an attempt."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, assert_never

from toque.engine.values import Entry, Hole, Spilled, Value, Values
from toque.errors import ToqueBug, UserError
from toque.graph import constants
from toque.graph.expr import (
    AnyExpr,
    Const,
    DictOf,
    Gather,
    Item,
    ListOf,
    OutcomeOf,
    Param,
    Ref,
    RunReportOf,
    TupleOf,
)
from toque.ports.blobs import Blobs
from toque.ports.executor import AttemptSpec, ItemSource
from toque.worker import pages, values
from toque.worker.items import Items
from toque.worker.outcomes import Ok, RunReport
from toque.worker.projection import project, written


def list_parameters(function: Callable[..., Any]) -> frozenset[str]:
    """Parameters annotated as `list`: they are given gathered results all at once, not as pages."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(name for name, parameter in signature.parameters.items() if _is_list(parameter.annotation))


def positional_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters that positional arguments go to."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(name for name, parameter in signature.parameters.items() if parameter.kind in kinds)


def _is_list(annotation: Any) -> bool:
    if isinstance(annotation, str):
        bare = annotation.strip("'\" ").rpartition("typing.")[2]
        return bare in ("list", "List") or bare.startswith(("list[", "List["))
    return annotation is list or getattr(annotation, "__origin__", None) is list


class Evaluator:
    """The values of one attempt."""

    def __init__(self, spec: AttemptSpec, blobs: Blobs, items: Items | None = None) -> None:
        self._spec = spec
        self._blobs = blobs
        self._items = items or Items()

    def value(self, expr: AnyExpr, *, as_list: bool = False) -> Any:
        """What `expr` stands for in this attempt. Raises `UserError` for a projection that finds nothing."""
        match expr:
            case Const(value=data):
                return constants.decode(data)
            case Ref(node=node, path=path):
                return project(self._ref(node), path, f"the result of {node!r}")
            case Param(name=name, path=path):
                return project(self._parameter(name), path, f"the parameter {name!r}")
            case Item(map=map_id, axis=axis, path=path):
                return project(self._item(map_id, axis), path, "the item")
            case Gather(map=map_id, holes=holes):
                return pages.gather(self._entry(map_id), self._blobs, holes, as_list=as_list)
            case OutcomeOf(node=node):
                return self._outcome(node)
            case ListOf(items=items):
                return [self.value(item) for item in items]
            case TupleOf(items=items):
                return tuple(self.value(item) for item in items)
            case DictOf(items=pairs):
                return {constants.decode(key): self.value(item) for key, item in pairs}
            case RunReportOf():
                return RunReport.parse(self._spec.run_report or {}, self._parameters())
            case _ as never:
                assert_never(never)

    def digest(self, expr: AnyExpr) -> str:
        """A digest of what `expr` stands for: results by the digest that they were stored with, so that no large one
        is opened for it."""
        match expr:
            case Ref(node=node, path=path):
                return values.digest(_entry_digest(self._entry(node), self._blobs).encode(), written(path).encode())
            case Gather(map=map_id, holes=holes):
                return values.digest(_entry_digest(self._entry(map_id), self._blobs).encode(), holes.encode())
            case OutcomeOf(node=node):
                return _entry_digest(self._entry(node), self._blobs)
            case ListOf(items=items) | TupleOf(items=items):
                kind = b"list" if isinstance(expr, ListOf) else b"tuple"
                return values.digest(kind, *(self.digest(item).encode() for item in items))
            case DictOf(items=pairs):
                parts = [f"{key!r}={self.digest(item)}".encode() for key, item in pairs]
                return values.digest(b"dict", *parts)
            case _:
                return values.digest_of(self.value(expr))

    def _parameters(self) -> dict[str, Any]:
        return {name: constants.decode(data) for name, data in self._spec.parameters.items()}

    def _parameter(self, name: str) -> Any:
        if name not in self._spec.parameters:
            raise UserError(f"the run has no parameter {name!r}", fix=f"give it: -p {name}=…")
        return constants.decode(self._spec.parameters[name])

    def _entry(self, node: str) -> Entry:
        try:
            return self._spec.sources[node]
        except KeyError:
            raise ToqueBug(f"{self._spec.task} was started without the result of {node!r}") from None

    def _ref(self, node: str) -> Any:
        match entry := self._entry(node):
            case Value(ref=ref):
                return values.decode(ref, self._blobs)
            case Hole(state=state):
                raise ToqueBug(f"{self._spec.task} reads the result of {node!r}, which has none ({state})")
            case _:
                return pages.gather(entry, self._blobs, "forbid", as_list=False)

    def _outcome(self, node: str) -> Any:
        entry = self._entry(node)
        return pages.as_outcome(entry, None) if isinstance(entry, Hole) else Ok(self._ref(node))

    def _item(self, map_id: str, axis: int) -> Any:
        try:
            source = self._spec.items[map_id][axis]
        except (KeyError, IndexError):
            raise ToqueBug(f"{self._spec.task} was started without its item of {map_id!r}") from None
        if source.is_item:
            return self.value(_needed(source))
        match source.entry:
            case None:
                return values.item(self.value(_needed(source)), source.index)
            case Value(ref=ref):
                return self._items.of_value(ref, _path(source), source.index, self._blobs)
            case Hole(state=state):
                raise ToqueBug(f"the list that {map_id!r} iterates has no value ({state})")
            case gathered:
                holes = source.source.holes if isinstance(source.source, Gather) else "forbid"
                if isinstance(gathered, Spilled) and holes in ("forbid", "outcome"):
                    entry = self._items.of_spilled(gathered, source.index, self._blobs)
                    return pages.open_entry(entry, source.index, self._blobs, holes, as_list=False)
                return pages.gather(gathered, self._blobs, holes, as_list=False)[source.index]


def _needed(source: ItemSource) -> AnyExpr:
    if source.source is None:
        raise ToqueBug("an item without an entry or a source")
    return source.source


def _path(source: ItemSource) -> tuple[Any, ...]:
    return source.source.path if isinstance(source.source, Ref) else ()


def _entry_digest(entry: Entry, blobs: Blobs) -> str:
    match entry:
        case Value(ref=ref):
            return ref.digest
        case Values(items=items):
            return values.digest(*(_entry_digest(item, blobs).encode() for item in items))
        case Spilled():
            # By what it holds, as if it had not been spilled: its key is another one in each run.
            return values.digest(*(_entry_digest(item, blobs).encode() for item in pages.open_spilled(entry, blobs)))
        case Hole():
            return values.digest(b"hole", entry.state.encode(), entry.error.message.encode() if entry.error else b"")

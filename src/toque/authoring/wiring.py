"""Wiring: how the arguments of a call become expressions of the IR, and which edges follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Generic, TypeVar

from toque.authoring import sites
from toque.authoring.placeholders import Placeholder, Wired, subject, wired
from toque.authoring.trace import Draft, Trace
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
from toque.graph.ir import CodeRef, Inject, Meta, TaskPolicy

T = TypeVar("T")

IDENTITY = CodeRef(module="toque.worker.builtins", qualname="identity")
"""Gives a value that the server cannot see (an item, a parameter, a list of results) a task run of its own."""


class Each(Generic[T]):
    """Marks what a map iterates."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[T]) -> None:
        self.items = items


class Marker:
    """Something that `use()` made: an argument that the worker supplies."""

    __slots__ = ("annotation", "asset", "connections", "inject", "lasting")

    def __init__(
        self,
        inject: Inject,
        *,
        connections: tuple[str, ...] = (),
        lasting: bool = True,
        annotation: Callable[[], Any] | None = None,
        asset: Any = None,
    ) -> None:
        self.inject = inject
        self.asset = asset
        """The source that is read, if it is one."""
        self.connections = connections
        """Names of the connections that it uses, directly or not."""
        self.lasting = lasting
        """May be held for as long as a worker lives."""
        self.annotation = annotation


def connections_of(io: object) -> tuple[str, ...]:
    """The connections that an IO manager opens."""
    return tuple(getattr(io, "__toque_connections__", ()))


def expression(trace: Trace, reader: Draft | None, value: object) -> AnyExpr:
    """`value` as an expression; `reader` (None: the pipeline's result) waits for what the value is made from."""
    if isinstance(value, Placeholder):
        return _held(trace, reader, value)
    if isinstance(value, Each):
        raise sites.refuse(
            "each() marks a whole argument of .map() or .product(); here it marks nothing.",
            fix="some_task.map(each(items))",
        )
    if holds_placeholder(value):
        return _literal(trace, reader, value)
    return constant(value)


def constant(value: object) -> Const:
    """A constant of the graph. Raises `UserError` for what cannot be written down."""
    if isinstance(value, Marker):
        raise sites.refuse(
            "use(…) stands for a whole argument: it cannot be inside a list, tuple or dict.",
            fix="def some_task(client: Client = use(resource)): …",
        )
    if hasattr(value, "__toque_kind__"):
        name = getattr(value, "name", "it")
        raise sites.refuse(f"{name} is passed on without having been called.", fix=f"{name}()")
    try:
        return Const(value=constants.encode(value))
    except constants.NotTagged as error:
        raise sites.refuse(
            f"A{str(error)[1:]} cannot be a constant of the graph.",
            fix="make it inside a task (constants are JSON, dates, Decimal, Path, Enum, pydantic models)",
        ) from None


def holds_placeholder(value: object) -> bool:
    """A placeholder, or a list, tuple or dict literal with one somewhere inside."""
    if isinstance(value, Placeholder):
        return True
    if type(value) is list or type(value) is tuple:
        return any(holds_placeholder(item) for item in value)
    if type(value) is dict:
        return any(holds_placeholder(item) for item in value.values())
    return False


def placeholders_in(value: object) -> list[Placeholder]:
    """All placeholders in a value or literal."""
    if isinstance(value, Placeholder):
        return [value]
    if type(value) is dict:
        value = list(value.values())
    if type(value) is list or type(value) is tuple:
        return [found for item in value for found in placeholders_in(item)]
    return []


def nodes_of(trace: Trace, placeholder: Placeholder) -> tuple[str, ...]:
    """The nodes that must end before the placeholder's value exists."""
    inside = own(trace, placeholder)
    match inside.held:
        case Ref(node=node) | OutcomeOf(node=node):
            return (node,)
        case Gather(map=node):
            return (node,)
        case _:
            return inside.ends


def own(trace: Trace, placeholder: Placeholder) -> Wired:
    """The inside of a placeholder of this trace. Raises `UserError` for one of another pipeline."""
    inside = wired(placeholder)
    if inside.trace is not trace:
        raise sites.refuse(
            f"{subject(placeholder)} belongs to the pipeline {inside.trace.name}, not to {trace.name}.",
            fix="pass it as a parameter, or call that pipeline in this one",
        )
    return inside


def materialized(trace: Trace, prefix: str, value: object) -> Placeholder:
    """The value as the result of a task run, where the server needs to see or count it."""
    inside = wired(value) if isinstance(value, Placeholder) else None
    name = f"{prefix}.{_slug(_label(inside))}"
    for number in count(1):
        unique = name if number == 1 else f"{name}_{number}"
        existing = trace.drafts.get(trace.frame.prefix + unique)
        if existing is None:
            break
        probe = Draft("task", existing.id, existing.scope, existing.site, existing.meta)
        if existing.fields.get("kwargs") == {"value": expression(trace, probe, value)}:
            return _result(trace, existing, inside)
    draft = trace.open("task", unique, sites.here(), Meta())
    draft.fields = {"code": IDENTITY, "kwargs": {"value": expression(trace, draft, value)}, "policy": TaskPolicy()}
    trace.close(draft)
    return _result(trace, draft, inside)


def _label(inside: Wired | None) -> str:
    if inside is None:
        return "value"
    path = inside.held.path if isinstance(inside.held, Param | Ref | Item) else ()
    return ".".join([inside.label, *(str(key) for _, key in path)])


def _result(trace: Trace, draft: Draft, inside: Wired | None) -> Placeholder:
    annotation = inside.annotation if inside else None
    return Placeholder(Wired(trace, Ref(node=draft.id), inside.label if inside else draft.id, annotation))


def whole(held: Ref | Gather) -> Ref | Gather:
    """The whole result that `held` is a part of, holes included."""
    return Ref(node=held.node) if isinstance(held, Ref) else Gather(map=held.map)


def _slug(label: str) -> str:
    return "".join(character if character.isalnum() or character in "_-" else "_" for character in label)


def _held(trace: Trace, reader: Draft | None, placeholder: Placeholder) -> AnyExpr:
    inside = own(trace, placeholder)
    held = inside.held
    if inside.marker is not None:
        raise sites.refuse(
            f"{inside.label} is supplied by the worker: it can be a whole argument of a task only.",
            fix=f"some_task({inside.label}={inside.label})",
        )
    if inside.asset is not None and reader is not None:
        raise sites.refuse(
            f"{inside.label} is an asset: a task reads it as a whole argument.", fix=f"some_task({inside.label}(…))"
        )
    match held:
        case Const():
            for node in inside.ends:
                _wait(trace, reader, node, "order")
        case Ref(node=node):
            _wait(trace, reader, node, "data")
        case Gather(map=node):
            _refuse_unmarked_holes(trace, inside, placeholder)
            _wait(trace, reader, node, "data")
        case OutcomeOf(node=node):
            _wait(trace, reader, node, "outcome")
        case Item(map=node):
            _read_item(trace, reader, held, placeholder)
        case Param() | RunReportOf():
            pass
    return held


def _wait(trace: Trace, reader: Draft | None, node: str, kind: Any) -> None:
    if reader is not None:
        trace.connect(reader, node, kind)
    elif trace.drafts[node].scope != trace.frame.scope:
        label = trace.drafts[node].scope.removesuffix("[]")
        raise sites.refuse(
            f"{node} was made inside the mapped {label}: outside of it there are many of them.",
            fix=f"return it from {label} and use the result of the .map()",
        )


def _read_item(trace: Trace, reader: Draft | None, item: Item, placeholder: Placeholder) -> None:
    if not trace.sees(item.map) and (reader is None or reader.scope != item.map):
        raise sites.refuse(
            f"{subject(placeholder)} exists inside of the mapped group only.",
            fix="return a result from the group and use the result of the .map()",
        )
    axis = trace.drafts[item.map].fields["axes"][item.axis]
    if axis.chained and reader is not None:
        trace.connect(reader, axis.source.node, "data")


def _refuse_unmarked_holes(trace: Trace, inside: Wired, placeholder: Placeholder) -> None:
    assert isinstance(inside.held, Gather)
    if trace.drafts[inside.held.map].fields["tolerate"] and not inside.marked:
        raise sites.refuse(
            f"{subject(placeholder)} may have holes (tolerate=…), so it cannot be passed bare.",
            fix=f"ok({inside.label}) for the results, failures({inside.label}) or outcomes({inside.label})",
        )


def _literal(trace: Trace, reader: Draft | None, value: object) -> AnyExpr:
    if type(value) is list:
        return ListOf(items=tuple(expression(trace, reader, item) for item in value))
    if type(value) is tuple:
        return TupleOf(items=tuple(expression(trace, reader, item) for item in value))
    assert type(value) is dict
    return DictOf(items=tuple((constant(key).value, expression(trace, reader, item)) for key, item in value.items()))

"""Groups: tasks folded under one name, as a function; mapped, each index runs all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from toque.authoring import calls, fanout, flow_calls, sites, types, wiring
from toque.authoring.options import GroupOptions, check_name, checked
from toque.authoring.placeholders import Placeholder, Wired, describe, wired
from toque.authoring.tasks import checked_upstream
from toque.authoring.trace import Trace, current
from toque.authoring.wiring import Marker
from toque.graph.expr import AnyExpr, Const, Gather, Param, Ref

P = ParamSpec("P")
R = TypeVar("R")


class Group(Generic[P, R]):
    """A function that calls tasks. Made by `@group`. Its nodes are called `<group>.<task>`."""

    __toque_kind__ = "group"

    def __init__(
        self, function: Callable[P, Any], settings: Mapping[str, Any], upstream: tuple[object, ...] = ()
    ) -> None:
        self.__toque_function__ = function
        self.settings = settings
        self.upstream = upstream
        self.signature = inspect.signature(function)
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    @property
    def name(self) -> str:
        """What its nodes are prefixed with."""
        return cast("str", self.settings.get("name") or self.__name__)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Add the nodes of its body."""
        trace = current()
        if trace is not None:
            return cast("R", inline(trace, self, args, kwargs))
        if flow_calls.in_flow():
            return cast("R", flow_calls.call_group(self, args, kwargs))
        raise refused_outside(self.name)

    def map(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """The whole group for each item of the arguments marked with `each()`; several are zipped, strictly."""
        return cast("list[R]", self._fan_out("zip", args, kwargs))

    def product(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """The whole group for each combination of the items of the arguments marked with `each()`."""
        return cast("list[R]", self._fan_out("product", args, kwargs))

    def options(self, **options: Unpack[GroupOptions]) -> Group[P, R]:
        """The same group with other options, for the next call."""
        settings = {**self.settings, **checked("group", cast("dict[str, Any]", options))}
        return Group(self.__toque_function__, settings, self.upstream)

    def after(self, *upstream: object) -> Group[P, R]:
        """The same group, waiting for results that it is not passed."""
        return Group(self.__toque_function__, self.settings, (*self.upstream, *checked_upstream(self.name, upstream)))

    def __repr__(self) -> str:
        return f"<group {self.__name__}>"

    def _fan_out(self, mode: calls.MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        trace = current()
        if trace is not None:
            return map_body(trace, self, mode, args, kwargs)
        raise refused_outside(self.name)


class _GroupDecorator(Protocol):
    def __call__(self, function: Callable[P, R], /) -> Group[P, R]: ...


@overload
def group(function: Callable[P, R], /) -> Group[P, R]: ...
@overload
def group(**options: Unpack[GroupOptions]) -> _GroupDecorator: ...
def group(function: Any = None, /, **options: Any) -> Any:
    """Make a function that calls tasks a group: `@group` or `@group(tags=["raw"])`."""
    settings = checked("group", options)

    def decorate(function: Callable[..., Any]) -> Group[Any, Any]:
        check_name(getattr(function, "__name__", ""), "a group")
        if inspect.iscoroutinefunction(function):
            raise sites.refuse(f"{function.__name__} is async, and a group only wires tasks.", fix="def without async")
        return Group(function, settings)

    return decorate if function is None else decorate(function)


def inline(trace: Trace, callee: calls.Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the body of a group or pipeline within the one being traced."""
    given = calls.arguments(callee, args, kwargs)
    trace.claim(callee.name)
    group_id = trace.frame.prefix + callee.name
    before = set(trace.drafts)
    after = (*trace.frame.after, *_upstream_nodes(trace, callee))
    with _body(trace, callee, prefix=f"{group_id}.", group=group_id, after=after):
        returned = _run_body(trace, callee, given)
    made = [node for node in trace.drafts if node not in before]
    if returned is None:
        return Placeholder(Wired(trace, Const(value=None), callee.name, lambda: type(None), ends=_ends(trace, made)))
    return returned


def map_body(
    trace: Trace, callee: calls.Callee, mode: calls.MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Placeholder:
    """A map node whose scope holds all nodes of a body."""
    opened, given = fanout.open_map(trace, callee, mode, calls.arguments(callee, args, kwargs))
    prefix = trace.frame.prefix + callee.name + "."
    with _body(trace, callee, prefix=prefix, group="", scope=opened.id, guards=(), setups=(), after=()):
        returned = _run_body(trace, callee, given)
        opened.fields["result"] = _result(trace, callee, returned)
    annotation = wired(returned).annotation if isinstance(returned, Placeholder) else (lambda: type(None))
    return fanout.mapped_result(trace, opened, callee.name, annotation)


def _body(trace: Trace, callee: calls.Callee, **frame: Any) -> ExitStack:
    function = callee.__toque_function__
    if function in trace.frame.bodies:
        names = [getattr(body, "__name__", "?") for body in trace.frame.bodies]
        cycle = " → ".join([*names[trace.frame.bodies.index(function) :], callee.name])
        raise sites.refuse(f"{callee.name} contains itself: {cycle}.", fix="a @flow, whose graph unfolds at run time")
    trace.bodies[function] = None
    stack = ExitStack()
    stack.enter_context(trace.within(bodies=(*trace.frame.bodies, function), **frame))
    return stack


def _run_body(trace: Trace, callee: calls.Callee, given: list[calls.Argument]) -> Any:
    args = [argument.value for argument in given if argument.key is None]
    kwargs = {argument.key: argument.value for argument in given if argument.key is not None}
    for name, marker in calls.supplied(callee):
        kwargs.setdefault(name, supplied_placeholder(trace, name, marker))
    return callee.__toque_function__(*args, **kwargs)


def supplied_placeholder(trace: Trace, name: str, marker: Marker) -> Placeholder:
    """A parameter of a body that stands for a `use(…)`: to be handed on to tasks."""
    return Placeholder(Wired(trace, Param(name=name), name, marker.annotation, marker=marker))


def _result(trace: Trace, callee: calls.Callee, returned: object) -> AnyExpr | None:
    if returned is None:
        return None
    if isinstance(returned, Placeholder):
        held = wiring.own(trace, returned).held
        if isinstance(held, Const):
            return None
        if isinstance(held, Ref | Gather):
            if held != wiring.whole(held):
                # The server hands results on as they are: a part of one needs a task run of its own.
                returned = wiring.materialized(trace, "part", returned)
            return wiring.expression(trace, None, returned)
        what = describe(returned)
    else:
        what = types.show(type(returned))
    raise sites.definition(callee.__toque_function__).error(
        f"The mapped group {callee.name} returns {what}; it must return the result of one of its tasks, or nothing.",
        fix="combine what it returns in a task, and return that task's result",
    )


def _upstream_nodes(trace: Trace, callee: calls.Callee) -> list[str]:
    return [
        node
        for upstream in callee.upstream
        for placeholder in wiring.placeholders_in(upstream)
        for node in wiring.nodes_of(trace, placeholder)
    ]


def _ends(trace: Trace, made: list[str]) -> tuple[str, ...]:
    """The nodes of a group that no other of its nodes waits for."""
    here = [node for node in made if trace.drafts[node].scope == trace.frame.scope]
    awaited = {source for node in here for source in trace.drafts[node].edges}
    return tuple(node for node in here if node not in awaited)


def refused_outside(name: str) -> Exception:
    """A group has no meaning of its own."""
    return sites.refuse(
        f"{name} is a group: it belongs in the body of a @pipeline, @group or @flow.", fix="call its tasks one by one"
    )

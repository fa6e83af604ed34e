"""Calls: what a call or `.map()` of a task adds to the trace."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple, Protocol, cast

from toque.authoring import ordering, overrides, sites, types, wiring
from toque.authoring.options import asset_keys, task_policy
from toque.authoring.placeholders import Placeholder, Wired, describe, wired
from toque.authoring.references import code_ref
from toque.authoring.trace import Draft, Trace, Wire
from toque.authoring.wiring import Marker
from toque.graph import assets as ir
from toque.graph import constants
from toque.graph.expr import Const, Ref
from toque.graph.ir import Meta, PoolClaim

MapMode = Literal["zip", "product"]


class Callee(Protocol):
    """What tasks, groups, pipelines and flows have in common."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def upstream(self) -> tuple[object, ...]: ...
    @property
    def signature(self) -> inspect.Signature: ...
    @property
    def __toque_function__(self) -> Callable[..., Any]: ...
    @property
    def __toque_kind__(self) -> str: ...


class Argument(NamedTuple):
    """One value of a call and where it goes."""

    name: str
    """Of the parameter; `*args` and `**kwargs` give several arguments of one parameter."""
    key: str | None
    """Keyword to pass it by; None passes it by position."""
    value: Any


def meta_of(callee: Callee) -> Meta:
    """What people read about the node of a call."""
    settings = callee.settings
    doc = settings.get("doc") or inspect.cleandoc(callee.__doc__ or "")
    return Meta(doc=doc, owner=settings.get("owner", ""), tags=tuple(settings.get("tags", ())))


def arguments(callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Argument]:
    """The arguments of a call, by name wherever Python allows it. Raises `UserError` when they do not fit."""
    try:
        bound = callee.signature.bind(*args, **kwargs)
    except TypeError as error:
        braces = "; {{ and }} for braces that are no fields" if fixed_arguments(callee) else ""
        raise sites.refuse(
            f"{callee.name}(): {error}.", fix=f"the signature is {callee.name}{_shown_signature(callee)}{braces}"
        ) from None
    parameters = callee.signature.parameters
    has_star = any(parameters[name].kind is inspect.Parameter.VAR_POSITIONAL for name in bound.arguments)
    found: list[Argument] = []
    for name, value in bound.arguments.items():
        match parameters[name].kind:
            case inspect.Parameter.VAR_POSITIONAL:
                found += [Argument(name, None, item) for item in value]
            case inspect.Parameter.VAR_KEYWORD:
                found += [Argument(name, key, item) for key, item in value.items()]
            case inspect.Parameter.POSITIONAL_ONLY:
                found.append(Argument(name, None, value))
            case inspect.Parameter.POSITIONAL_OR_KEYWORD if has_star:
                found.append(Argument(name, None, value))
            case _:
                found.append(Argument(name, name, value))
    return found


def call_task(trace: Trace, callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Placeholder:
    """One node."""
    given = arguments(callee, args, kwargs)
    draft = trace.open("task", callee.name, sites.here(), meta_of(callee))
    draft.rule = callee.settings.get("trigger_rule", "all_success")
    fill(trace, draft, callee, given)
    wait_for(trace, draft, callee.upstream)
    trace.close(draft)
    return Placeholder(Wired(trace, Ref(node=draft.id), callee.name, draft.annotation))


def call_asset(trace: Trace, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Placeholder:
    """The node that makes an asset, after those of this pipeline that make what it reads."""
    placed = call_task(trace, callee, args, kwargs)
    inside = wired(placed)
    draft = trace.drafts[inside.held.node]  # type: ignore[union-attr]
    ordering.write(trace, draft, callee.described())
    draft.site = callee.site
    return Placeholder(replace(inside, asset=callee.made_by(draft.fields["code"])))


def wait_for(trace: Trace, draft: Draft, awaited: Iterable[object]) -> None:
    """Add the edges of `.after()`."""
    for upstream in awaited:
        for placeholder in wiring.placeholders_in(upstream):
            for node in wiring.nodes_of(trace, placeholder):
                trace.connect(draft, node, "order")


def supplied(callee: Callee) -> Iterator[tuple[str, Marker]]:
    """The parameters that the worker fills: their default is a `use(…)`."""
    for name, parameter in callee.signature.parameters.items():
        if isinstance(parameter.default, Marker):
            yield name, parameter.default


def fixed_arguments(callee: Callee) -> tuple[Any, ...]:
    """What stands before the arguments of a call: the command of a shell task."""
    return cast("tuple[Any, ...]", getattr(callee, "fixed", ()))


def call_plainly(callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the function itself, outside of any run. Nothing is injected there but what a test has put in place."""
    function = callee.__toque_function__
    overridden = overrides.current()
    if overridden.stubs:
        stub = overridden.stub_of(code_ref(function), callee.name)
        if stub is not None:
            function = stub
    kwargs = {**_replacements(callee, args, kwargs, overridden), **kwargs}
    return function(*fixed_arguments(callee), *args, **kwargs)


def _replacements(
    callee: Callee, args: tuple[Any, ...], kwargs: dict[str, Any], overridden: overrides.Overrides
) -> dict[str, Any]:
    markers = dict(supplied(callee))
    if not markers:
        return {}
    try:
        bound = callee.signature.bind_partial(*args, **kwargs).arguments
    except TypeError:
        return {}  # the call itself says it better
    missing = {name: marker for name, marker in markers.items() if isinstance(bound.get(name, marker), Marker)}
    found = {name: overridden.supplied(marker.inject) for name, marker in missing.items()}
    unsupplied = [name for name, (is_there, _) in found.items() if not is_there]
    if unsupplied:
        shown = ", ".join(f"{name}=…" for name in unsupplied)
        raise sites.refuse(
            f"{callee.name} was called outside of a run, where nothing supplies {', '.join(unsupplied)}.",
            fix=f"{callee.name}(…, {shown}), or with replace(…, …) of toque.testing around it",
        )
    return {name: value for name, (_, value) in found.items()}


def connection_pools(callee: Callee, markers: Iterable[Marker]) -> tuple[PoolClaim, ...]:
    """A slot of each connection that is used: how many there are stands on the connection."""
    kept = wiring.connections_of(getattr(callee, "__toque_io__", None))
    names = dict.fromkeys((*(name for marker in markers for name in marker.connections), *kept))
    return tuple(PoolClaim(pool=f"connection:{name}") for name in names)


def fill(trace: Trace, draft: Draft, callee: Callee, given: list[Argument]) -> None:
    """Wire the arguments of a call to its draft."""
    function = callee.__toque_function__
    is_flow = callee.__toque_kind__ == "flow"
    draft.annotation = lambda: types.return_type(function)
    trace.functions[function] = None
    if is_flow:
        trace.flows[function] = None
    markers = dict(supplied(callee))
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for argument in given:
        markers.pop(argument.name, None)
        handed_on = _marker(trace, argument.value)
        if handed_on is not None:
            if argument.key is None:
                raise sites.refuse(
                    f"{argument.name} of {callee.name} is positional only: the worker supplies arguments by name.",
                    fix=f"take it by name: def {callee.name}(…, {argument.name}=…)",
                )
            markers[argument.key] = handed_on
            continue
        expr = wiring.expression(trace, draft, argument.value)
        _note_wire(trace, callee, argument)
        if argument.key is None:
            positional.append(expr)
        else:
            named[argument.key] = expr
    draft.fields = {
        "code": code_ref(function),
        "args": (*(Const(value=constants.encode(value)) for value in fixed_arguments(callee)), *positional),
        "kwargs": named,
        "inject": {name: marker.inject for name, marker in markers.items()},
        "policy": task_policy(
            callee.settings, executor="flow" if is_flow else "process", pools=connection_pools(callee, markers.values())
        ),
        "kind": "flow" if is_flow else "task",
    }
    stated = [ir.Asset(key=key) for key in asset_keys("reads", callee.settings)]
    ordering.read(trace, draft, [*(marker.asset.known() for marker in markers.values() if marker.asset), *stated])
    if callee.settings.get("writes"):
        ordering.write(trace, draft, _written(draft, asset_keys("writes", callee.settings)))


def _written(draft: Draft, keys: Iterable[str]) -> list[ir.Asset]:
    """What a task says that it writes: made from all that it reads."""
    upstream = tuple(ir.AssetDependency(asset=key) for key in draft.fields.get("reads", ()))
    version = draft.fields["code"].source_hash
    return [ir.Asset(key=key, upstream=upstream, code_version=version) for key in keys]


def _marker(trace: Trace, value: object) -> Marker | None:
    if isinstance(value, Marker):
        return value
    if isinstance(value, Placeholder):
        inside = wiring.own(trace, value)
        is_whole = inside.asset is not None and isinstance(inside.held, Ref) and not inside.held.path
        return inside.asset if is_whole else inside.marker
    return None


def _note_wire(trace: Trace, callee: Callee, argument: Argument) -> None:
    function, name, value = callee.__toque_function__, argument.name, argument.value
    if isinstance(value, Placeholder):
        given, source = wired(value).annotation, describe(value)
    else:
        given, source = (lambda: types.type_of(value)), "this constant"
    if given is not None:
        expected = lambda: types.parameter_type(function, name)  # noqa: E731
        trace.wires.append(Wire(sites.here(), callee.name, name, expected, given, source))


def _shown_signature(callee: Callee) -> str:
    return str(callee.signature.replace(return_annotation=inspect.Signature.empty)).replace("'", "")

"""Fan-out: what `.map()` and `.product()` add to the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from toque.authoring import calls, sites, types, wiring
from toque.authoring.calls import Argument, Callee, MapMode
from toque.authoring.options import tolerance
from toque.authoring.placeholders import Placeholder, Wired, wired
from toque.authoring.trace import Draft, Trace
from toque.authoring.wiring import Each, Marker
from toque.graph.expr import Access, Gather, Item, Param, Ref
from toque.graph.ir import Axis


def map_task(trace: Trace, callee: Callee, mode: MapMode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Placeholder:
    """A map node and its one member."""
    given = calls.arguments(callee, args, kwargs)
    opened, given = open_map(trace, callee, mode, given)
    with trace.within(scope=opened.id, guards=(), setups=(), after=()):
        member = trace.open("task", callee.name, sites.here(), calls.meta_of(callee))
        calls.fill(trace, member, callee, given)
        trace.close(member)
    opened.fields["result"] = Ref(node=member.id)
    return mapped_result(trace, opened, callee.name, member.annotation)


def open_map(trace: Trace, callee: Callee, mode: MapMode, given: list[Argument]) -> tuple[Draft, list[Argument]]:
    """The map node of a call, and the arguments with an item in place of each `each()`."""
    marked = [argument for argument in given if isinstance(argument.value, Each)]
    if not marked:
        raise nothing_to_iterate(callee, mode, given)
    # What needs a task run of its own comes first: nodes stand in topological order.
    sources = [_visible(trace, argument.value) for argument in marked]
    opened = trace.open("map", callee.name + "[]", sites.here(), calls.meta_of(callee))
    opened.rule = callee.settings.get("trigger_rule", "all_success")
    axes = tuple(_axis(trace, opened, mode, source) for source in sources)
    opened.fields = {"axes": axes, "mode": mode, "tolerate": tolerance(callee.settings)}
    _refuse_holes_without_tolerance(trace, opened, callee)
    calls.wait_for(trace, opened, callee.upstream)
    trace.close(opened)
    order = iter(range(len(marked)))
    items = [
        argument._replace(value=_item(trace, opened, next(order), argument))
        if isinstance(argument.value, Each)
        else argument
        for argument in given
    ]
    return opened, items


def mapped_result(trace: Trace, opened: Draft, label: str, item: Callable[[], Any] | None) -> Placeholder:
    """The placeholder of all results of a map."""
    annotation = (lambda: list[item()]) if item is not None else None  # type: ignore[misc]
    return Placeholder(Wired(trace, Gather(map=opened.id), label, annotation))


def _visible(trace: Trace, marked: Each[Any]) -> Any:
    """What is iterated, in a form whose length the server can know. Raises `UserError` for what has no items."""
    value = marked.items
    if isinstance(value, Each):
        raise sites.refuse(
            "each(each(…)) would iterate two levels at once, and a map has one.",
            fix="a @group that maps the inner level, mapped over the outer one",
        )
    if isinstance(value, Placeholder):
        held = wiring.own(trace, value).held
        is_visible = isinstance(held, Ref | Gather | Param)
        return value if is_visible else wiring.materialized(trace, "each", value)
    if isinstance(value, Marker | str | bytes) or not isinstance(value, Iterable):
        fix = f"each([{value!r}])" if isinstance(value, str | bytes) else "a list, a range, or the result of a task"
        raise sites.refuse(f"each() cannot iterate {type(value).__name__} {value!r}.", fix=fix)
    if isinstance(value, set | frozenset):
        # Another order in each process would be another version of the pipeline.
        raise sites.refuse("each() cannot iterate a set: it has no order.", fix="each(sorted(items))")
    return value if isinstance(value, range) else list(value)


def _axis(trace: Trace, opened: Draft, mode: MapMode, source: Any) -> Axis:
    if isinstance(source, Placeholder):
        return _placeholder_axis(trace, opened, mode, source)
    return Axis(source=wiring.expression(trace, opened, source))


def _placeholder_axis(trace: Trace, opened: Draft, mode: MapMode, value: Placeholder) -> Axis:
    inside = wiring.own(trace, value)
    held = inside.held
    if isinstance(held, Gather) and mode == "zip" and not inside.marked:
        source = trace.drafts[held.map]
        result = source.fields.get("result")
        if source.scope == opened.scope and isinstance(result, Ref):
            opened.chained.add(source.id)
            return Axis(source=result, chained=True)
    if isinstance(held, Ref):
        _count(trace, held.node, held.path)
    return Axis(source=wiring.expression(trace, opened, value))


def _count(trace: Trace, node: str, path: tuple[Access, ...]) -> None:
    """Have the items counted where the list is made: a join has the list of one of its sources."""
    draft = trace.drafts[node]
    if draft.kind == "task":
        draft.count(path)
    for source in draft.fields.get("sources", ()):
        if isinstance(source, Ref):
            _count(trace, source.node, path)


def _item(trace: Trace, opened: Draft, axis: int, argument: Argument) -> Placeholder:
    source = argument.value.items
    if isinstance(source, Placeholder):
        whole = wired(source).annotation
        annotation = (lambda: types.item_type(whole())) if whole is not None else None
    else:
        annotation = lambda: types.item_type(types.type_of(source))  # noqa: E731
    return Placeholder(Wired(trace, Item(map=opened.id, axis=axis), argument.name, annotation))


def _refuse_holes_without_tolerance(trace: Trace, opened: Draft, callee: Callee) -> None:
    if opened.fields["tolerate"]:
        return
    for source in opened.chained:
        if trace.drafts[source].fields["tolerate"]:
            name = source.removesuffix("[]")
            raise sites.refuse(
                f"{name} may leave holes (tolerate=…), and {callee.name}, mapped over it index by index, "
                "tolerates none.",
                fix=f"{callee.name}.options(tolerate=…).map(…), or each(ok({name}))",
            )


def nothing_to_iterate(callee: Callee, mode: MapMode, given: list[Argument]) -> Exception:
    """For a fan-out without `each()`; shows the call with its most iterable argument marked."""
    method = "map" if mode == "zip" else "product"
    site = sites.here_exactly()
    return site.error(
        f".{method}() has nothing to iterate: no argument is marked with each().",
        fix=_with_each(site, given) or f"{callee.name}.{method}(each(items), …)",
    )


def _with_each(site: sites.Site, given: list[Argument]) -> str:
    """The call with its most iterable argument marked."""
    call = sites.parsed_call(site.expression)
    if call is None:
        return ""
    iterable = [argument for argument in given if isinstance(argument.value, range | list | tuple | set)]
    iterable += [argument for argument in given if isinstance(argument.value, Placeholder)]
    if not iterable:
        return ""
    wanted = iterable[0]
    nodes = [keyword.value for keyword in call.keywords if keyword.arg == wanted.key]
    if not nodes:
        position = [argument.name for argument in given].index(wanted.name)
        nodes = call.args[position : position + 1]
    if not nodes or nodes[0].end_lineno != 1:
        return ""
    start, end = nodes[0].col_offset, nodes[0].end_col_offset
    encoded = site.expression.strip().encode()
    marked = encoded[:start] + b"each(" + encoded[start:end] + b")" + encoded[end:]
    return sites.one_line(marked.decode())

"""The difference between two versions of a pipeline, as a value: for `toque diff` and for the catalogue of changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from toque.graph.expr import AnyExpr, Const, DictOf, Gather, Item, ListOf, OutcomeOf, Param, Ref, TupleOf
from toque.graph.ir import AnyNode, CodeRef, Edge, Pipeline, TaskNode

_IGNORED = frozenset({"id", "origin", "nodes"})


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field, before and after, in plain JSON; None where it had no value."""

    field: str
    """Dotted: `policy.retry.times`, `kwargs.month`."""
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.field}: {_short(self.old)} → {_short(self.new)}"


class NodeChange(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one node."""

    id: str
    kind: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...] = ()
    code_changed: bool = False
    """The source of its function is another one."""
    edges_added: tuple[str, ...] = ()
    """What it waits for now, and did not before."""
    edges_removed: tuple[str, ...] = ()


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """All that differs. Falsy when nothing does."""

    nodes: tuple[NodeChange, ...] = ()
    """Removed ones at the place where they stood, then those of the new graph in its order."""
    pipeline: tuple[FieldChange, ...] = ()
    """Options of the pipeline itself."""
    parameters: tuple[FieldChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.nodes or self.pipeline or self.parameters)


def diff(old: Pipeline, new: Pipeline) -> Changes:
    """What became of `old` in `new`. Where it was written plays no part."""
    before = {node.id: node for node in old.nodes}
    after = {node.id: node for node in new.nodes}
    nodes = [NodeChange(id=node_id, kind="removed") for node_id in before if node_id not in after]
    for node_id, node in after.items():
        if node_id not in before:
            nodes.append(NodeChange(id=node_id, kind="added", edges_added=tuple(_edges(node))))
        elif (changed := _node_change(before[node_id], node)) is not None:
            nodes.append(changed)
    return Changes(
        nodes=tuple(nodes),
        pipeline=tuple(_fields(_described(old, skip="parameters"), _described(new, skip="parameters"))),
        parameters=tuple(_fields(_parameters(old), _parameters(new))),
    )


def lines(changes: Changes) -> list[str]:
    """The changes as text: `+` added, `-` removed, `~` changed."""
    found = [f"~ {change}" for change in changes.pipeline]
    found += [f"~ parameter {change}" for change in changes.parameters]
    for node in changes.nodes:
        match node.kind:
            case "added":
                waits = f"  (after {', '.join(node.edges_added)})" if node.edges_added else ""
                found.append(f"+ {node.id}{waits}")
            case "removed":
                found.append(f"- {node.id}")
            case "changed":
                found.append(f"~ {node.id}")
                found += ["    code changed"] if node.code_changed else []
                found += [f"    {change}" for change in node.fields]
                found += [f"    + after {source}" for source in node.edges_added]
                found += [f"    - after {source}" for source in node.edges_removed]
    return found


def _node_change(old: AnyNode, new: AnyNode) -> NodeChange | None:
    code_changed = False
    if isinstance(old, TaskNode) and isinstance(new, TaskNode):
        same_name = (old.code.module, old.code.qualname) == (new.code.module, new.code.qualname)
        code_changed = same_name and old.code.source_hash != new.code.source_hash
    fields = [
        change
        for change in _fields(_described(old, skip="upstream"), _described(new, skip="upstream"))
        if change.field != "code.source_hash"
    ]
    before, after = _edges(old), _edges(new)
    change = NodeChange(
        id=new.id,
        kind="changed",
        fields=tuple(fields),
        code_changed=code_changed,
        edges_added=tuple(edge for edge in after if edge not in before),
        edges_removed=tuple(edge for edge in before if edge not in after),
    )
    return change if fields or code_changed or change.edges_added or change.edges_removed else None


def _edges(node: AnyNode) -> list[str]:
    return [_edge_text(edge) for edge in node.upstream]


def _edge_text(edge: Edge) -> str:
    return edge.source if edge.kind == "data" else f"{edge.source} ({edge.kind})"


def _parameters(pipeline: Pipeline) -> dict[str, Any]:
    required = set(pipeline.parameters.get("required", ()))
    found: dict[str, Any] = {}
    for name, described in pipeline.parameters.get("properties", {}).items():
        found[name] = {**described, "required": name in required}
    return found


def _described(value: AnyNode | Pipeline, *, skip: str) -> dict[str, Any]:
    """The fields in plain JSON, expressions as one readable value each."""
    fields = {name: _plain(getattr(value, name)) for name in value.__struct_fields__ if name not in {*_IGNORED, skip}}
    if isinstance(value, Pipeline):
        # By name, so that a line tells of one schedule.
        fields["schedules"] = {each.name: _plain(each) for each in value.schedules}
    return {"node": type(value).__name__.removesuffix("Node").lower(), **fields}


def _plain(value: Any) -> Any:
    """Structs as dicts, expressions as text."""
    if isinstance(value, Const | Ref | Item | Gather | Param | OutcomeOf | ListOf | TupleOf | DictOf):
        return show(value)
    if isinstance(value, msgspec.Struct):
        if isinstance(value, CodeRef):
            return {"function": f"{value.module}.{value.qualname}", "source_hash": value.source_hash}
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _fields(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[FieldChange]:
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before == after or (not before and not after):
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _fields(before, after, f"{prefix}{name}.")
        else:
            yield FieldChange(field=prefix + name, old=before or None, new=after or None)


def show(expr: AnyExpr) -> str:
    """An expression as one would write it in Python."""
    match expr:
        case Const(value=value):
            return _constant(value)
        case Param(name=name, path=path) | Ref(node=name, path=path):
            return name + _path(path)
        case Item(map=map_id, axis=axis, path=path):
            return f"each {map_id}{'' if axis == 0 else f' axis {axis}'}{_path(path)}"
        case Gather(map=map_id, holes=holes):
            return f"all {map_id}" if holes == "forbid" else f"{holes}({map_id})"
        case OutcomeOf(node=node):
            return f"outcome({node})"
        case ListOf(items=items):
            return f"[{', '.join(show(item) for item in items)}]"
        case TupleOf(items=items):
            return f"({', '.join(show(item) for item in items)})"
        case DictOf(items=pairs):
            return f"{{{', '.join(f'{_constant(key)}: {show(item)}' for key, item in pairs)}}}"
        case _:
            return "the run's report"


def _constant(value: Any) -> str:
    if isinstance(value, dict) and "$" in value:
        payload = value["v"]
        return f"range({', '.join(map(str, payload))})" if value["$"] == "range" else f"{value['$']}({payload!r})"
    return repr(value)


def _path(path: tuple[Any, ...]) -> str:
    return "".join(f".{key}" if kind == "attr" else f"[{key!r}]" for kind, key in path)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{name}={item}" for name, item in value.items() if item)
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "..."

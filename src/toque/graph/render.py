"""Pictures of a graph as text: a tree for the terminal, and Mermaid for documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from toque.graph.diff import show
from toque.graph.expr import Ref
from toque.graph.ir import AnyNode, Guard, JoinNode, MapNode, Pipeline, TaskNode


@dataclass
class _Branch:
    """A node or a group of the tree."""

    label: str
    children: list[_Branch] = field(default_factory=list)


def tree(pipeline: Pipeline, *, fold: bool = False) -> list[str]:
    """The pipeline as a tree: groups and maps hold their members, in the order in which they can run; behind each node
    stands what it waits for. `fold` shows groups and mapped groups as one line each."""
    root = _Branch(pipeline.name)
    places: dict[str, _Branch] = {"": root}
    for node in pipeline.nodes:
        if _is_only_member(node):
            continue  # shown by its map node
        place = _place(node, places)
        branch = _Branch(_label(node) + _waits(node))
        place.children.append(branch)
        if isinstance(node, MapNode):
            places[node.id] = branch
    return list(_lines(root, fold))


def mermaid(pipeline: Pipeline) -> str:
    """The pipeline as a Mermaid flowchart. A mapped task is one box; a mapped group is a box and a subgraph."""
    drawn = [node for node in pipeline.nodes if not _is_only_member(node)]
    names = {node.id: f"n{number}" for number, node in enumerate(drawn)}
    # The only member of a map is drawn as the map.
    names |= {node.id: names[node.scope] for node in pipeline.nodes if _is_only_member(node)}
    lines = ["flowchart TD"]
    scopes = {node.scope: [other for other in drawn if other.scope == node.scope] for node in drawn}
    for scope, nodes in scopes.items():
        lines += _mermaid_scope(scope, nodes, names)
    for node in drawn:
        conditions = {guard.node: guard for guard in node.guards}
        for edge in node.upstream:
            guard = conditions.get(edge.source)
            arrow = "-.->" if edge.kind != "data" else "-->"
            text = f"|{_escaped(_guard_text(guard))}|" if guard is not None else ""
            lines.append(f"  {names[edge.source]} {arrow}{text} {names[node.id]}")
        if isinstance(node, TaskNode) and node.host:
            lines.append(f"  {names[node.host]} -.-|runs| {names[node.id]}")
        for axis in node.axes if isinstance(node, MapNode) else ():
            if axis.chained and isinstance(axis.source, Ref):
                lines.append(f"  {names[axis.source.node]} ==>|index by index| {names[node.id]}")
    return "\n".join(lines) + "\n"


def _is_only_member(node: AnyNode) -> bool:
    return isinstance(node, TaskNode) and node.scope == node.id + "[]"


def _place(node: AnyNode, places: dict[str, _Branch]) -> _Branch:
    place = places.get(node.scope, places[""])
    group = node.meta.group
    if not group:
        return place
    key = f"{node.scope}/{group}"
    if key not in places:
        # The groups around it, outermost first.
        parent, outer = place, ""
        for part in _groups_of(group, node.scope):
            outer = part
            inner = places.get(f"{node.scope}/{outer}")
            if inner is None:
                inner = _Branch(f"{outer.rpartition('.')[2]}/")
                parent.children.append(inner)
                places[f"{node.scope}/{outer}"] = inner
            parent = inner
    return places[key]


def _groups_of(group: str, scope: str) -> Iterator[str]:
    # A mapped group's members are prefixed with its name too: it is a scope, not a group.
    inside = scope[:-2] + "." if scope else ""
    local = group.removeprefix(inside)
    parts = local.split(".")
    for count in range(1, len(parts) + 1):
        yield inside + ".".join(parts[:count])


def _label(node: AnyNode) -> str:
    parts = [_local(node.id, node)]
    match node:
        case MapNode():
            joint = " × " if node.mode == "product" else ", "
            parts.append(f"[{joint.join(_local(show(axis.source), node) for axis in node.axes)}]")
        case JoinNode():
            parts = ["one of " + ", ".join(show(source) for source in node.sources)]
        case TaskNode():
            parts += [f"({node.kind})"] if node.kind != "task" else []
            parts += [f"({node.hook})"] if node.hook else []
            parts += [f"(tears down {node.teardown_of})"] if node.teardown_of else []
            parts += [f"(in {_local(node.host, node)})"] if node.host else []
    parts += [f"if {_guard_text(guard)}" for guard in node.guards]
    if node.rule not in ("all_success", "teardown", "none_failed_min_one_success"):
        parts.append(f"({node.rule})")
    return " ".join(parts)


def _local(name: str, node: AnyNode) -> str:
    """A name as it is known inside the group or mapped group of `node`."""
    around = node.meta.group or node.scope.removesuffix("[]")
    return (name.removesuffix("[]") or name).removeprefix(f"{around}." if around else "")


def _guard_text(guard: Guard) -> str:
    values = " or ".join(str(value) for value in guard.values)
    if guard.values == (True,):
        return guard.node if guard.test == "equals" else f"not {guard.node}"
    return f"{guard.node} is {values}" if guard.test == "equals" else f"{guard.node} is not {values}"


def _waits(node: AnyNode) -> str:
    if isinstance(node, JoinNode) or (isinstance(node, TaskNode) and node.teardown_of):
        return ""
    guards = {guard.node for guard in node.guards}
    sources = [edge.source for edge in node.upstream if edge.source not in guards]
    if isinstance(node, MapNode):
        sources += [axis.source.node for axis in node.axes if axis.chained and isinstance(axis.source, Ref)]
    return "  ← " + ", ".join(_local(source, node) for source in sources) if sources else ""


def _lines(branch: _Branch, fold: bool) -> Iterator[str]:
    yield branch.label
    yield from _child_lines(branch.children, "", fold)


def _child_lines(children: list[_Branch], indent: str, fold: bool) -> Iterator[str]:
    for number, child in enumerate(children):
        last = number == len(children) - 1
        count = _count(child)
        folded = f" … {count} tasks" if fold and count else ""
        yield f"{indent}{'└─ ' if last else '├─ '}{child.label}{folded}"
        if not folded:
            yield from _child_lines(child.children, indent + ("   " if last else "│  "), fold)


def _count(branch: _Branch) -> int:
    return sum(1 + _count(child) for child in branch.children)


def _mermaid_scope(scope: str, nodes: Iterable[AnyNode], names: dict[str, str]) -> list[str]:
    lines = [f'  subgraph s{names[scope]}["each of {_escaped(scope[:-2])}"]'] if scope else []
    for node in nodes:
        text = _escaped(_label_for_picture(node))
        match node:
            case MapNode():
                lines.append(f'  {names[node.id]}[["{text}"]]')
            case JoinNode():
                lines.append(f'  {names[node.id]}(("{text}"))')
            case TaskNode():
                left, right = ("{", "}") if node.exports else ("[", "]")
                lines.append(f'  {names[node.id]}{left}"{text}"{right}')
    return [*lines, "  end", f"  {names[scope]} --- s{names[scope]}"] if scope else lines


def _label_for_picture(node: AnyNode) -> str:
    match node:
        case MapNode():
            return f"each {node.id[:-2]}"
        case JoinNode():
            return "one of"
        case _:
            return node.id


def _escaped(text: str) -> str:
    return text.replace('"', "#quot;").replace("|", "#124;")

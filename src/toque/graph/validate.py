"""Validation: the invariants that `toque.graph.ir` states, checked on a finished graph, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from toque.graph import hosting
from toque.graph.expr import AnyExpr, Gather, Item, OutcomeOf, Ref, walk
from toque.graph.ir import AnyNode, JoinNode, MapNode, Origin, Pipeline, TaskNode


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a graph."""

    node: str
    """"" when it is about the whole."""
    message: str
    origin: Origin | None = None

    def __str__(self) -> str:
        where = f"{self.origin.file}:{self.origin.line}  " if self.origin is not None else ""
        return f"{where}{self.node + ': ' if self.node else ''}{self.message}"


def validate(pipeline: Pipeline) -> list[Fault]:
    """All faults, in the order of the nodes; empty for a graph that can run."""
    return list(_Checker(pipeline).faults())


class _Checker:
    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._nodes: dict[str, AnyNode] = {}
        self._position: dict[str, int] = {}

    def faults(self) -> Iterator[Fault]:
        for position, node in enumerate(self._pipeline.nodes):
            if node.id in self._nodes:
                yield _fault(node, "another node has the same id")
            self._nodes[node.id] = node
            self._position[node.id] = position
        cycle = self._cycle()
        if cycle:
            yield Fault(node=cycle[0], message=f"a cycle: {' → '.join(cycle)}", origin=self._nodes[cycle[0]].origin)
        for node in self._pipeline.nodes:
            yield from self._scope_faults(node)
            yield from self._edge_faults(node, ordered=not cycle)
            yield from self._guard_faults(node)
            yield from self._kind_faults(node)
            for expr in _expressions(node):
                yield from self._expression_faults(node, expr)
        for node, message in hosting.faults(self._nodes):
            yield _fault(node, message)
        if self._pipeline.result is not None:
            for part in walk(self._pipeline.result):
                source = _source(part)
                if source and source not in self._nodes:
                    yield Fault(node="", message=f"the result names {source!r}, which does not exist")
                elif source and self._nodes[source].scope:
                    yield Fault(node="", message=f"the result names {source!r}, which is inside a map")

    def _scope_faults(self, node: AnyNode) -> Iterator[Fault]:
        if not node.scope:
            return
        opener = self._nodes.get(node.scope)
        if not isinstance(opener, MapNode):
            yield _fault(node, f"its scope {node.scope!r} is not a map node")
        elif self._position[node.scope] > self._position[node.id]:
            yield _fault(node, f"it stands before the map node of its scope, {node.scope!r}")

    def _edge_faults(self, node: AnyNode, *, ordered: bool) -> Iterator[Fault]:
        for edge in node.upstream:
            source = self._nodes.get(edge.source)
            if source is None:
                yield _fault(node, f"it waits for {edge.source!r}, which does not exist")
                continue
            if ordered and self._position[edge.source] > self._position[node.id]:
                yield _fault(node, f"it stands before {edge.source!r}, which it waits for")
            if source.scope != node.scope and source.scope not in self._chained(node.scope):
                yield _fault(
                    node,
                    f"it waits for {edge.source!r} of another depth ({source.scope or 'the pipeline'!r}, not "
                    f"{node.scope or 'the pipeline'!r}): what members of a scope need, the map node waits for",
                )

    def _guard_faults(self, node: AnyNode) -> Iterator[Fault]:
        for guard in node.guards:
            decider = self._nodes.get(guard.node)
            if not isinstance(decider, TaskNode):
                yield _fault(node, f"its condition {guard.node!r} is not a task")
            elif guard.export >= len(decider.exports):
                yield _fault(node, f"its condition reads export {guard.export} of {guard.node!r}, which has fewer")
            elif not self._awaits(node, guard.node):
                yield _fault(node, f"it does not wait for its condition {guard.node!r}")

    def _kind_faults(self, node: AnyNode) -> Iterator[Fault]:
        match node:
            case MapNode():
                if not node.axes:
                    yield _fault(node, "a map without an axis")
                for axis in node.axes:
                    if axis.chained and not self._is_member(axis.source):
                        yield _fault(node, "a chained axis that does not name a member of a map")
            case JoinNode():
                if len(node.sources) < 2:
                    yield _fault(node, "a join of fewer than two")
            case TaskNode():
                if node.rule == "teardown" and (not node.teardown_of or node.teardown_of not in self._nodes):
                    yield _fault(node, "a teardown of no setup")
                if node.hook and (node.upstream or node.scope):
                    yield _fault(node, "a hook waits for nothing: it runs at the end")

    def _expression_faults(self, node: AnyNode, expr: AnyExpr) -> Iterator[Fault]:
        for part in walk(expr):
            if isinstance(part, Item):
                opener = self._nodes.get(part.map)
                if part.map not in self._scopes_of(node.scope):
                    yield _fault(node, f"it reads an item of {part.map!r}, and is not in its scope")
                elif isinstance(opener, MapNode) and part.axis >= len(opener.axes):
                    yield _fault(node, f"it reads axis {part.axis} of {part.map!r}, which has fewer")
                continue
            source = _source(part)
            if source and source not in self._nodes:
                yield _fault(node, f"it reads {source!r}, which does not exist")
            elif isinstance(part, Gather) and not isinstance(self._nodes[part.map], MapNode):
                yield _fault(node, f"it gathers {part.map!r}, which is not a map node")
            elif source and not self._awaits(node, source):
                yield _fault(node, f"it reads {source!r} without waiting for it")

    def _awaits(self, node: AnyNode, source: str) -> bool:
        """The node, or the map node around it that stands at the depth of the source, waits for it."""
        scope = self._nodes[source].scope
        current = node
        for _ in range(len(self._nodes)):
            if any(edge.source == source for edge in current.upstream) or self._iterates(current, source):
                return True
            if current.scope == scope:
                return False
            outer = self._nodes.get(current.scope)
            if outer is None:
                return False
            current = outer
        return False

    @staticmethod
    def _iterates(node: AnyNode, source: str) -> bool:
        # A chained map waits for the opening of the other, and a map's result names its own members.
        if not isinstance(node, MapNode):
            return False
        return any(axis.chained and _source(axis.source) == source for axis in node.axes)

    def _is_member(self, expr: AnyExpr) -> bool:
        return isinstance(expr, Ref) and expr.node in self._nodes and bool(self._nodes[expr.node].scope)

    def _chained(self, scope: str) -> set[str]:
        opener = self._nodes.get(scope)
        if not isinstance(opener, MapNode):
            return set()
        sources = [axis.source.node for axis in opener.axes if axis.chained and isinstance(axis.source, Ref)]
        return {self._nodes[source].scope for source in sources if source in self._nodes}

    def _scopes_of(self, scope: str) -> list[str]:
        found: list[str] = []
        while scope and scope not in found:
            found.append(scope)
            opener = self._nodes.get(scope)
            scope = opener.scope if opener is not None else ""
        return found

    def _cycle(self) -> list[str]:
        """Ids along a cycle of edges, the first one again at the end; empty when there is none."""
        done: set[str] = set()
        for start in self._nodes:
            path: list[str] = []
            stack: list[tuple[str, Iterator[str]]] = []
            if start not in done:
                stack.append((start, self._sources(start)))
                path.append(start)
            while stack:
                current, sources = stack[-1]
                following = next(sources, None)
                if following is None:
                    done.add(current)
                    stack.pop()
                    path.pop()
                elif following in path:
                    return [*path[path.index(following) :], following][::-1]
                elif following not in done:
                    stack.append((following, self._sources(following)))
                    path.append(following)
        return []

    def _sources(self, node: str) -> Iterator[str]:
        return iter([edge.source for edge in self._nodes[node].upstream if edge.source in self._nodes])


def _expressions(node: AnyNode) -> Iterator[AnyExpr]:
    match node:
        case TaskNode():
            yield from node.args
            yield from node.kwargs.values()
        case MapNode():
            yield from (axis.source for axis in node.axes)
        case JoinNode():
            yield from node.sources


def _source(expr: AnyExpr) -> str:
    match expr:
        case Ref(node=node) | OutcomeOf(node=node):
            return node
        case Gather(map=node):
            return node
        case _:
            return ""


def _fault(node: AnyNode, message: str) -> Fault:
    return Fault(node=node.id, message=message, origin=node.origin)

"""The plan: what of a pipeline's graph the machine needs at each step, worked out once per run."""

from __future__ import annotations

from typing import NamedTuple

from toque.engine.transitions import RESCUING, RULES, Rule
from toque.errors import ToqueBug
from toque.graph.expr import AnyExpr, Const, DictOf, Gather, ListOf, OutcomeOf, Ref, TupleOf, walk
from toque.graph.ir import AnyNode, Guard, JoinNode, MapNode, Pipeline, TaskNode


class EdgePlan(NamedTuple):
    """One dependency of a node."""

    source: str
    outcome: bool
    """Counts as ok however the source ended."""
    opening: bool
    """A map node on the map node that it is chained to: waits for its opening, not for its end."""
    gate: bool = False
    """Must have succeeded; the trigger rule does not count it."""


class NodePlan:
    """One node, seen by the machine."""

    __slots__ = (
        "deadline_us",
        "depth",
        "edges",
        "gates",
        "guards",
        "has_readers",
        "host",
        "id",
        "is_hook",
        "is_map",
        "is_task",
        "keeps_errors",
        "node",
        "position",
        "reads",
        "rescues",
        "rule",
        "scope",
        "setup",
        "survives_cancel",
        "total",
    )

    def __init__(self, node: AnyNode, edges: tuple[EdgePlan, ...], depth: int, position: int) -> None:
        self.node = node
        self.id = node.id
        self.scope = node.scope
        self.depth = depth
        self.position = position
        self.rule: Rule = RULES[node.rule]
        self.rescues = node.rule in RESCUING
        self.edges = edges
        self.total = len(edges)
        self.gates = tuple(at for at, edge in enumerate(edges) if edge.gate)
        """Positions in `edges`."""
        self.guards: tuple[Guard, ...] = node.guards
        self.is_map = isinstance(node, MapNode)
        self.host = node.host if isinstance(node, TaskNode) else ""
        self.is_task = isinstance(node, TaskNode)
        self.is_hook = isinstance(node, TaskNode) and bool(node.hook)
        self.survives_cancel = node.rule == "teardown"
        self.setup = node.upstream[0].source if node.rule == "teardown" and node.upstream else ""
        self.reads = _reads(node)
        # Completed by `plan`, which knows all readers.
        self.has_readers = False
        self.keeps_errors = False
        deadline_s = node.policy.deadline_s if isinstance(node, TaskNode) else None
        self.deadline_us = 0 if deadline_s is None else max(1, round(deadline_s * 1_000_000))

    @property
    def starts_with_scope(self) -> bool:
        """Waits for nothing but the opening of its scope."""
        return (self.total == 0 or not self.rule.needs) and not self.guards and not self.gates


def plan(pipeline: Pipeline) -> dict[str, NodePlan]:
    """All nodes of `pipeline` by id, in topological order."""
    plans: dict[str, NodePlan] = {}
    for position, node in enumerate(pipeline.nodes):
        scope = plans.get(node.scope)
        if node.scope and (scope is None or not scope.is_map):
            raise ToqueBug(f"node {node.id!r} stands before the map node of its scope {node.scope!r}")
        depth = scope.depth + 1 if scope else 0
        guards = [guard.node for guard in node.guards if plans[guard.node].depth == depth]
        edges = _edges(node, [plans[member].scope for member in chained_members(node)], guards)
        plans[node.id] = NodePlan(node, edges, depth, position)
    for planned in plans.values():
        if planned.host:
            # Its members may have to say why it failed.
            plans[planned.host].keeps_errors = True
        for expr in planned.reads:
            _note_reader(plans, expr)
    for expr in walk(pipeline.result) if pipeline.result is not None else ():
        _note_reader(plans, expr)
    return plans


def plan_step(node: TaskNode, body: NodePlan, position: int) -> NodePlan:
    """A node that a flow declared while it ran: one level below its body."""
    step = NodePlan(node, (), body.depth + 1, position)
    step.survives_cancel = body.survives_cancel
    return step


def chained_members(node: AnyNode) -> list[str]:
    """The nodes that a map node is chained to, index by index."""
    if not isinstance(node, MapNode):
        return []
    return [axis.source.node for axis in node.axes if axis.chained and isinstance(axis.source, Ref)]


def _edges(node: AnyNode, chained_maps: list[str], guards: list[str]) -> tuple[EdgePlan, ...]:
    edges: dict[str, EdgePlan] = {}
    for edge in node.upstream:
        before = edges.get(edge.source)
        outcome = edge.kind == "outcome" and (before is None or before.outcome)
        gate = edge.kind == "gate" or (edge.kind == "order" and edge.source in guards)
        gate = gate and (before is None or before.gate)
        edges[edge.source] = EdgePlan(edge.source, outcome, edge.source in chained_maps, gate)
    for source in chained_maps:
        edges.setdefault(source, EdgePlan(source, outcome=False, opening=True))
    for guard in guards:
        edges.setdefault(guard, EdgePlan(guard, outcome=False, opening=False, gate=True))
    return tuple(edges.values())


def _reads(node: AnyNode) -> tuple[AnyExpr, ...]:
    """Every expression in what `node` is given that names something of the run."""
    match node:
        case TaskNode():
            roots: tuple[AnyExpr, ...] = (*node.args, *node.kwargs.values())
        case MapNode():
            roots = tuple(axis.source for axis in node.axes)
        case JoinNode():
            roots = node.sources
    return tuple(
        expr for root in roots for expr in walk(root) if not isinstance(expr, Const | ListOf | TupleOf | DictOf)
    )


def _note_reader(plans: dict[str, NodePlan], expr: AnyExpr) -> None:
    """Have every node keep its results whose results `expr` may be asked for."""
    match expr:
        case Ref(node=name) | OutcomeOf(node=name):
            source = plans[name]
            if source.is_map:
                _note_reader(plans, Gather(map=name))
            source.has_readers = True
            source.keeps_errors = source.keeps_errors or isinstance(expr, OutcomeOf)
        case Gather(map=name, holes=holes):
            source = plans[name]
            if source.has_readers and (source.keeps_errors or holes == "forbid"):
                return
            source.has_readers = True
            source.keeps_errors = source.keeps_errors or holes != "forbid"
            if isinstance(source.node, MapNode) and source.node.result is not None:
                _note_result(plans, source.node.result, source.keeps_errors)
        case _:
            pass


def _note_result(plans: dict[str, NodePlan], result: AnyExpr, keeps_errors: bool) -> None:
    for expr in walk(result):
        _note_reader(plans, expr)
        if isinstance(expr, Ref):
            plans[expr.node].keeps_errors = plans[expr.node].keeps_errors or keeps_errors

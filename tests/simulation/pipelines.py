"""Random pipelines: every construct of the IR, small enough to run in milliseconds."""

from __future__ import annotations

from random import Random
from typing import Any

from toque.graph.expr import AnyExpr, Const, Gather, Item, OutcomeOf, Param, Ref, RunReportOf
from toque.graph.ir import (
    AnyNode,
    Axis,
    CodeRef,
    Edge,
    Guard,
    JoinNode,
    MapNode,
    Meta,
    Pipeline,
    PoolClaim,
    RetryPolicy,
    TaskNode,
    TaskPolicy,
)

CODE = CodeRef(module="kitchen", qualname="cook")
PARAMETERS: dict[str, Any] = {"few": ["x", "y"], "table": {"$": "tuple", "v": [1, 2, 3]}, "customer": "c1"}
POOLS = {"oven": 2, "knife": 1}
STEADY = Meta(doc="steady")
WAITS_FOR_ALL = ("all_success", "all_done", "none_failed", "none_failed_min_one_success")
_ORDER_RULES = (
    "all_done",
    "all_failed",
    "one_success",
    "one_failed",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "all_skipped",
    "always",
)


class Scope:
    """Where nodes are being added: what may be read here, and by whom it was opened."""

    def __init__(self, name: str, depth: int) -> None:
        self.name = name
        self.depth = depth
        self.readable: list[str] = []
        """Nodes whose result a later node may use."""
        self.listing: list[str] = []
        """Tasks that report a length."""
        self.maps: list[str] = []
        """Map nodes whose result is a `Ref` to a member."""
        self.tolerant: set[str] = set()


class Author:
    """Writes one pipeline."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"pipeline/{seed}")
        self._nodes: list[AnyNode] = []
        self._names = 0

    def pipeline(self) -> Pipeline:
        """A pipeline of a few constructs, and sometimes hooks."""
        root = Scope("", 0)
        for _ in range(self._rng.randint(2, 6)):
            self._construct(root)
        if self._rng.random() < 0.3:
            for hook in ("on_failure", "on_success"):
                self._nodes.append(
                    TaskNode(id=hook, code=CODE, hook=hook, args=(RunReportOf(),), policy=self._policy())
                )
        result = Ref(node=root.readable[0]) if root.readable else None
        return Pipeline(name="dinner", nodes=tuple(self._nodes), result=result)

    def _construct(self, scope: Scope) -> None:
        rng = self._rng
        kinds = ["task"] * 4 + ["map"] * 2 + ["branch", "setup", "outcome", "rule", "rule", "flow", "host"]
        if scope.maps:
            kinds += ["chain"] * 2 + ["reduce"] * 2
        if scope.depth < 2:
            kinds.append("group")
        getattr(self, f"_{rng.choice(kinds)}")(scope)

    # -- constructs

    def _task(self, scope: Scope) -> str:
        upstream, args = self._inputs(scope, self._rng.randint(0, 2))
        listing = self._rng.random() < 0.4
        name = self._add_task(
            scope, "t", upstream, args, lengths=((),) if listing else (), policy=self._policy(may_expire=True)
        )
        scope.readable.append(name)
        if listing:
            scope.listing.append(name)
        return name

    def _rule(self, scope: Scope) -> None:
        """A task that waits for others in an unusual way, and reads nothing of them."""
        sources = self._some(scope.readable + scope.maps, 3)
        upstream = tuple(Edge(source=source, kind="order") for source in sources)
        rule = self._rng.choice(_ORDER_RULES)
        self._add_task(scope, "r", upstream, (), rule=rule, policy=self._policy())

    def _outcome(self, scope: Scope) -> None:
        for source in self._some(scope.readable, 1):
            edges = (Edge(source=source, kind="outcome"),)
            self._add_task(scope, "o", edges, (OutcomeOf(node=source),), policy=self._policy())

    def _reduce(self, scope: Scope) -> None:
        source = self._rng.choice(scope.maps)
        holes = self._rng.choice(("ok", "failures", "outcome")) if source in scope.tolerant else "forbid"
        name = self._add_task(
            scope, "sum", (Edge(source=source),), (Gather(map=source, holes=holes),), policy=self._policy()
        )
        scope.readable.append(name)

    def _branch(self, scope: Scope) -> None:
        upstream, args = self._inputs(scope, 1)
        condition = self._add_task(scope, "if", upstream, args, exports=((),), meta=STEADY)
        sides = []
        for wanted in (True, False):
            guard = Guard(node=condition, export=0, test="equals", values=(wanted,))
            edges: tuple[Edge, ...] = (Edge(source=condition, kind="order"),)
            more, args = self._inputs(scope, self._rng.randint(0, 1))
            rule: Any = "all_success"
            if self._rng.random() < 0.4:
                rule, args = self._rng.choice(("one_success", "one_done", "always", "all_done")), ()
                more = tuple(Edge(source=edge.source, kind="order") for edge in more)
            name = self._add_task(
                scope, "side", (*edges, *more), args, guards=(guard,), rule=rule, policy=self._policy()
            )
            sides.append(name)
        if self._rng.random() < 0.7:
            name = self._name("join")
            self._nodes.append(
                JoinNode(
                    id=name,
                    scope=scope.name,
                    sources=tuple(Ref(node=side) for side in sides),
                    upstream=tuple(Edge(source=side) for side in sides),
                    rule="none_failed_min_one_success",
                )
            )
            scope.readable.append(name)

    def _setup(self, scope: Scope) -> None:
        upstream, args = self._inputs(scope, 1)
        setup = self._add_task(scope, "setup", upstream, args, policy=self._policy())
        inside = [self._use(scope, setup) for _ in range(self._rng.randint(1, 2))]
        upstream = tuple(Edge(source=source, kind="order") for source in (setup, *inside))
        self._add_task(scope, "teardown", upstream, (), rule="teardown", teardown_of=setup, policy=self._policy())
        scope.readable.extend(inside)

    def _use(self, scope: Scope, setup: str) -> str:
        """A task inside of the setup: one that is given what was set up, or one that only needs it to be there."""
        if self._rng.random() < 0.5:
            return self._add_task(scope, "use", (Edge(source=setup),), (Ref(node=setup),), policy=self._policy())
        others = tuple(Edge(source=source, kind="order") for source in self._some(scope.readable, 2))
        rule: Any = self._rng.choice(("all_success", "all_done", "one_success", "one_failed", "always"))
        upstream = (Edge(source=setup, kind="gate"), *others)
        return self._add_task(scope, "use", upstream, (), rule=rule, policy=self._policy())

    def _flow(self, scope: Scope) -> None:
        upstream, args = self._inputs(scope, 1)
        policy = TaskPolicy(executor="flow", retry=self._policy().retry)
        name = self._add_task(scope, "flow", upstream, args, kind="flow", meta=STEADY, policy=policy)
        scope.readable.append(name)

    def _host(self, scope: Scope) -> None:
        """A task that runs others: they wait for each other, and for what it waits for."""
        rng = self._rng
        outside = self._some(scope.readable + scope.maps, rng.randint(0, 2))
        rule: Any = rng.choice(WAITS_FOR_ALL)
        host = self._add_task(scope, "host", _after(outside), (), rule=rule, policy=self._policy())
        members: list[str] = []
        for _ in range(rng.randint(1, 4)):
            upstream = _after([*self._some(outside, 1), *self._some(members, rng.randint(0, 2))])
            rule = rng.choice(("all_success", *WAITS_FOR_ALL))
            members.append(self._add_task(scope, "member", upstream, (), rule=rule, host=host))
        scope.readable.extend(self._some([host, *members], 3))

    def _map(self, scope: Scope) -> None:
        rng = self._rng
        crossed = rng.random() < 0.25
        axes, edges = [], []
        for _ in range(2 if crossed else 1):
            axis, edge = self._axis(scope)
            axes.append(axis)
            edges.extend(edge)
        if not crossed and rng.random() < 0.2:
            axes.append(axes[0])
        self._mapped(scope, tuple(axes), tuple(edges), mode="product" if crossed else "zip")

    def _chain(self, scope: Scope) -> None:
        """A map over another one, index by index."""
        source = self._rng.choice(scope.maps)
        member = source.removesuffix("[]")
        axis = Axis(source=Ref(node=member), chained=True)
        self._mapped(scope, (axis,), (), mode="zip", members=(Edge(source=member),))

    def _mapped(
        self,
        scope: Scope,
        axes: tuple[Axis, ...],
        edges: tuple[Edge, ...],
        mode: Any,
        members: tuple[Edge, ...] = (),
    ) -> None:
        rng = self._rng
        name = self._name("m")
        tolerate = rng.choice((0, 0, 0, 1, 0.5))
        if rng.random() < 0.3:
            edges += tuple(Edge(source=source, kind="order") for source in self._some(scope.readable, 1))
        self._nodes.append(
            MapNode(
                id=f"{name}[]",
                scope=scope.name,
                axes=axes,
                upstream=_unique(edges),
                mode=mode,
                result=Ref(node=name),
                tolerate=tolerate,
            )
        )
        args = tuple(Item(map=f"{name}[]", axis=axis) for axis in range(len(axes)))
        self._nodes.append(
            TaskNode(
                id=name, scope=f"{name}[]", code=CODE, upstream=members, args=args, policy=self._policy(may_expire=True)
            )
        )
        scope.maps.append(f"{name}[]")
        if tolerate:
            scope.tolerant.add(f"{name}[]")

    def _group(self, scope: Scope) -> None:
        """A mapped group: a scope with several nodes, maybe with maps of its own."""
        axis, edges = self._axis(scope)
        name = f"{self._name('g')}[]"
        position = len(self._nodes)
        inner = Scope(name, scope.depth + 1)
        first = self._name("in")
        self._nodes.append(TaskNode(id=first, scope=name, code=CODE, args=(Item(map=name, axis=0),)))
        inner.readable.append(first)
        for _ in range(self._rng.randint(1, 3)):
            self._construct(inner)
        result = Ref(node=inner.readable[-1])
        tolerate = self._rng.choice((0, 0, 1))
        self._nodes.insert(
            position,
            MapNode(id=name, scope=scope.name, axes=(axis,), upstream=_unique(edges), result=result, tolerate=tolerate),
        )
        reader = self._name("sum")
        holes: Any = "ok" if tolerate else "forbid"
        self._nodes.append(
            TaskNode(
                id=reader,
                scope=scope.name,
                code=CODE,
                upstream=(Edge(source=name),),
                args=(Gather(map=name, holes=holes),),
            )
        )
        scope.readable.append(reader)

    # -- parts

    def _axis(self, scope: Scope) -> tuple[Axis, tuple[Edge, ...]]:
        rng = self._rng
        kinds = ["const", "range", "param"]
        kinds += ["result"] * 3 if scope.listing else []
        kinds += ["gather"] if scope.maps else []
        match rng.choice(kinds):
            case "const":
                return Axis(source=Const(value=["a", "b", "c"][: rng.randint(0, 3)])), ()
            case "range":
                return Axis(source=Const(value={"$": "range", "v": [0, rng.randint(1, 4), 1]})), ()
            case "param":
                return Axis(source=Param(name=rng.choice(("few", "table")))), ()
            case "result":
                name = rng.choice(scope.listing)
                return Axis(source=Ref(node=name)), (Edge(source=name),)
            case _:
                name = rng.choice(scope.maps)
                holes: Any = rng.choice(("ok", "failures", "outcome")) if name in scope.tolerant else "forbid"
                return Axis(source=Gather(map=name, holes=holes)), (Edge(source=name),)

    def _inputs(self, scope: Scope, count: int) -> tuple[tuple[Edge, ...], tuple[AnyExpr, ...]]:
        names = self._some(scope.readable, count)
        return tuple(Edge(source=name) for name in names), tuple(Ref(node=name) for name in names)

    def _add_task(
        self, scope: Scope, prefix: str, upstream: tuple[Edge, ...], args: tuple[AnyExpr, ...], **fields: Any
    ) -> str:
        name = self._name(prefix)
        self._nodes.append(
            TaskNode(id=name, scope=scope.name, code=CODE, upstream=_unique(upstream), args=args, **fields)
        )
        return name

    def _policy(self, *, may_expire: bool = False) -> TaskPolicy:
        rng = self._rng
        retry = None
        if rng.random() < 0.5:
            retry = RetryPolicy(
                times=rng.randint(1, 2), delay_s=rng.choice((0, 1, 5)), backoff=2, jitter=rng.random() < 0.5
            )
        return TaskPolicy(
            retry=retry,
            pools=tuple(PoolClaim(pool=pool) for pool in POOLS if rng.random() < 0.15),
            priority=rng.choice((0, 0, 0, 5)),
            concurrency_key="{customer}" if rng.random() < 0.05 else None,
            executor=rng.choice(("process", "process", "remote")),
            deadline_s=40 if may_expire and rng.random() < 0.03 else None,
            on_cancel=CODE if rng.random() < 0.3 else None,
        )

    def _some(self, names: list[str], most: int) -> list[str]:
        return self._rng.sample(names, min(len(names), most))

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"


def _after(names: list[str]) -> tuple[Edge, ...]:
    return tuple(Edge(source=name, kind="order") for name in names)


def _unique(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """One edge to each source: data before order."""
    found: dict[str, Edge] = {}
    for edge in edges:
        if edge.source not in found or edge.kind == "data":
            found[edge.source] = edge
    return tuple(found.values())

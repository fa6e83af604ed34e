"""Trace: the graph while it is being written down. A pipeline's body runs once, and each call leaves a draft here.

Drafts live in scopes as the nodes of the IR do. `connect` keeps the invariant of `toque.graph.ir`: an edge joins
nodes of one depth, so what a member of a scope needs from outside is waited for by the map node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

from toque.authoring import sites
from toque.authoring.sites import Site
from toque.graph.assets import Asset
from toque.graph.expr import Access
from toque.graph.ir import AnyNode, Edge, Guard, JoinNode, MapNode, Meta, TaskNode, TriggerRule

EdgeKind: TypeAlias = Literal["data", "order", "outcome", "gate"]
_STRENGTH: dict[EdgeKind, int] = {"gate": 0, "order": 1, "outcome": 2, "data": 3}


@dataclass(eq=False)
class Draft:
    """A node that can still change: later calls may ask it to export a scalar or to count its items."""

    kind: Literal["task", "map", "join"]
    id: str
    scope: str
    site: Site
    meta: Meta
    rule: TriggerRule = "all_success"
    edges: dict[str, EdgeKind] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    """What only nodes of this kind have."""
    exports: list[tuple[Access, ...]] = field(default_factory=list)
    lengths: list[tuple[Access, ...]] = field(default_factory=list)
    chained: set[str] = field(default_factory=set)
    """Map nodes whose indexes this map node follows one by one."""
    annotation: Callable[[], Any] | None = None

    def edge(self, source: str, kind: EdgeKind) -> None:
        """Wait for `source`; of two reasons to wait the stronger one stays."""
        if source not in self.edges or _STRENGTH[kind] > _STRENGTH[self.edges[source]]:
            self.edges[source] = kind

    def export(self, path: tuple[Access, ...]) -> int:
        """Index of the scalar at `path` among the exports."""
        if path not in self.exports:
            self.exports.append(path)
        return self.exports.index(path)

    def count(self, path: tuple[Access, ...]) -> None:
        """Have the items at `path` counted."""
        if path not in self.lengths:
            self.lengths.append(path)

    def node(self) -> AnyNode:
        """The node as the IR keeps it."""
        shared: dict[str, Any] = {
            "id": self.id,
            "scope": self.scope,
            "upstream": tuple(Edge(source=source, kind=kind) for source, kind in self.edges.items()),
            "rule": self.rule,
            "guards": tuple(self.guards),
            "meta": self.meta,
            "origin": self.site.origin,
            **self.fields,
        }
        match self.kind:
            case "task":
                return TaskNode(exports=tuple(self.exports), lengths=tuple(self.lengths), **shared)
            case "map":
                return MapNode(**shared)
            case "join":
                return JoinNode(**shared)


@dataclass(eq=False)
class SetupBlock:
    """An open `with setup(…)`: the nodes made in it."""

    node: str
    scope: str
    members: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Frame:
    """Where a call stands: in which group, scope and branches."""

    prefix: str = ""
    scope: str = ""
    group: str = ""
    guards: tuple[Guard, ...] = ()
    setups: tuple[SetupBlock, ...] = ()
    after: tuple[str, ...] = ()
    """What an enclosing group was told to wait for."""
    bodies: tuple[object, ...] = ()
    """Pipelines and groups whose bodies are being run, outermost first."""


class Wire(NamedTuple):
    """A value that reaches a parameter: what `toque check` compares."""

    site: Site
    reader: str
    parameter: str
    expected: Callable[[], Any]
    given: Callable[[], Any]
    source: str
    """Describes the value."""


class Projection(NamedTuple):
    """A part that is taken of a value."""

    site: Site
    source: str
    annotation: Callable[[], Any]
    step: Access


class Trace:
    """One pipeline being traced."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.drafts: dict[str, Draft] = {}
        self.frame = Frame()
        self.wires: list[Wire] = []
        self.projections: list[Projection] = []
        self.claimed: dict[str, Site] = {}
        """Names in use, and where."""
        self.bodies: dict[Callable[..., Any], None] = {}
        """Functions that wire: of pipelines and groups."""
        self.functions: dict[Callable[..., Any], None] = {}
        """Functions that workers run."""
        self.flows: dict[Callable[..., Any], None] = {}
        self.assets: dict[str, Asset] = {}
        """What is written and read, by key."""
        self.writers: dict[str, str] = {}
        """The node that makes an asset."""
        self.readers: list[tuple[str, str]] = []
        """Keys of assets, and nodes that read them."""
        self.vouchers: dict[str, tuple[str, ...]] = {}
        """By key of an asset, the nodes that say whether it may be read: tests of a model, which run after it."""

    @contextmanager
    def within(self, **changes: Any) -> Iterator[Frame]:
        """Run a block in a changed frame."""
        outer = self.frame
        self.frame = replace(outer, **changes)
        try:
            yield self.frame
        finally:
            self.frame = outer

    def open(self, kind: Literal["task", "map", "join"], name: str, site: Site, meta: Meta) -> Draft:
        """A new draft in the current frame; wire it, then `close` it."""
        node_id = self.frame.prefix + name
        if self.frame.scope != node_id + "[]":  # else: the member of a map, under the name of the map
            self.claim(name.removesuffix("[]"))
        draft = Draft(kind, node_id, self.frame.scope, site, replace_group(meta, self.frame.group))
        self.drafts[node_id] = draft
        return draft

    def close(self, draft: Draft) -> None:
        """Add what the frame demands: conditions, setups, and what the group waits for."""
        frame = self.frame
        self._refuse_missing_values(draft)
        for guard in frame.guards:
            if draft.kind == "join" and all(guard in self.drafts[source].guards for source in draft.edges):
                continue  # skipped with its sources
            draft.guards.append(guard)
            self.connect(draft, guard.node, "order")
        for block in reversed(frame.setups):
            if not any(member in draft.edges for member in block.members):
                draft.edge(block.node, "gate")
            block.members.append(draft.id)
        first_in_group = not any(source.startswith(frame.prefix) for source in draft.edges) if frame.prefix else True
        if frame.after and first_in_group:
            for source in frame.after:
                self.connect(draft, source, "order")

    def connect(self, reader: Draft, source: str, kind: EdgeKind) -> None:
        """Have `reader` wait for `source`, at the depth where both meet."""
        scope = self.drafts[source].scope
        node = reader
        while node.scope != scope:
            if not node.scope:
                label = scope.removesuffix("[]")
                raise sites.refuse(
                    f"{source} was made inside the mapped {label}: outside of it there are many of them.",
                    fix=f"return it from {label} and use the result of the .map()",
                )
            outer = self.drafts[node.scope]
            if scope in outer.chained:
                break
            node = outer
        if source != node.id:
            node.edge(source, kind)

    def sees(self, scope: str) -> bool:
        """Whether the current frame lies in `scope`."""
        current = self.frame.scope
        while current:
            if current == scope:
                return True
            current = self.drafts[current].scope
        return scope == ""

    def note_projection(self, source: str, annotation: Callable[[], Any], step: Access) -> None:
        """Remember a part that is taken of a value, for `toque check`."""
        self.projections.append(Projection(sites.here(), source, annotation, step))

    def claim(self, name: str) -> None:
        """Take a name in the current group. Raises `UserError` when it is taken."""
        full = self.frame.prefix + name
        site = sites.here()
        first = self.claimed.setdefault(full, site)
        if first is site:
            return
        where = f"the group {self.frame.prefix[:-1]}" if self.frame.prefix else self.name
        exact = sites.here_exactly()
        raise exact.error(
            f"{name} is called a second time in {where} (first at line {first.line}), and a name stands for one node.",
            fix=_renamed(exact, name),
        )

    def _refuse_missing_values(self, draft: Draft) -> None:
        if draft.rule == "all_success" or draft.kind == "join":
            return
        for source, kind in draft.edges.items():
            if kind == "data":
                raise sites.refuse(
                    f"{draft.id} has trigger_rule={draft.rule!r}, so it may start when {source} has no result to pass.",
                    fix=f"pass outcome({source.removesuffix('[]')}), or wait without its value: .after(…)",
                )


def _renamed(site: Site, name: str) -> str:
    """The call under a name of its own."""
    call = site.expression
    before, dot, rest = call.partition("(")
    head, map_dot, method = before.rpartition(".")
    if not dot or "\n" in before:
        return f'.options(name="{name}_2") before the call'
    if map_dot and method in {"map", "product"}:
        return sites.one_line(f'{head}.options(name="{name}_2").{method}({rest}')
    return sites.one_line(f'{before}.options(name="{name}_2")({rest}')


def replace_group(meta: Meta, group: str) -> Meta:
    """`meta` with its group."""
    return Meta(doc=meta.doc, owner=meta.owner, tags=meta.tags, group=group)


_current: ContextVar[Trace | None] = ContextVar("toque_trace", default=None)
loading: ContextVar[str] = ContextVar("toque_loading", default="")
"""The file that the loader imports now; a task that is called meanwhile stands at the top level of a module."""


def current() -> Trace | None:
    """The trace of the pipeline whose body runs now."""
    return _current.get()


def required(form: str, *, otherwise: str = "") -> Trace:
    """The current trace, for forms that mean nothing elsewhere."""
    trace = _current.get()
    if trace is None:
        raise sites.refuse(f"{form} belongs in the body of a @pipeline or @group.", fix=otherwise)
    return trace


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Let calls of tasks add to `trace`."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)

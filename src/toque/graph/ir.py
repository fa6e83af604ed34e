"""The IR: a pipeline as a frozen value that holds references to code, never callables.

Three kinds of node stand in one list, in topological order. A `TaskNode` is run by a worker. A `MapNode`
opens a *scope*: it decides at run time how many indexes there are and stands, towards everything outside
the scope, for all of them. A `JoinNode` picks the first of several results. Nodes name the map node whose
scope they live in; a task run is (node, map index), and the length of its map index is the number of
scopes around its node. Edges only ever connect nodes of the same depth, so the engine finds the
neighbours of a task run by name, at the same index:

- `Edge.source` is in the same scope; or
- it is in a scope that ours is chained to (`b.map(each(a.map(…)))`), index by index; or
- it is a map node whose scope lies inside ours: its end is the end of all its indexes.

What members of a scope need from outside of it, the map node waits for.

A task may be *hosted*: it names the task whose attempt runs it among others and reports for each (one process of a
build tool with many models in it). See `toque.graph.hosting`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from toque.graph.assets import Asset, AssetInput
from toque.graph.expr import Access, AnyExpr, Gather, Ref
from toque.graph.schedules import Schedule
from toque.graph.value import IRValue as IRValue

IR_VERSION = 1

TriggerRule: TypeAlias = Literal[
    "all_success",
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
    "teardown",  # internal: all upstream done and the setup (the first edge) succeeded; survives a cancel
]

ErrorClass: TypeAlias = Literal["transient", "data", "code", "infrastructure", "cancelled"]


class CodeRef(IRValue, frozen=True, kw_only=True):
    """Where a callable lives: `module` is importable from the bundle, `qualname` leads to it."""

    module: str
    qualname: str
    source_hash: str = ""
    """First 16 hex digits of the SHA-256 of the source text; "" for code outside of the bundle."""
    mode: Literal["sync", "async"] = "sync"


class RetryPolicy(IRValue, frozen=True, kw_only=True):
    """When a failed attempt is followed by another one."""

    times: int
    """Retries after the first attempt."""
    delay_s: float = 1.0
    backoff: float = 1.0
    """Factor between one delay and the next."""
    cap_s: float | None = None
    jitter: bool = False
    """Spread each delay over 50 % to 100 % of itself, by a hash of the ids (never a random number)."""
    classes: tuple[ErrorClass, ...] | None = None
    """Retry these classes only; None: all but what cannot heal."""
    exceptions: tuple[CodeRef, ...] = ()
    """Retry these exception types only."""
    rule: CodeRef | None = None
    """`rule(exception) -> bool | float`, evaluated in the worker; a number is the delay in seconds."""


class CachePolicy(IRValue, frozen=True, kw_only=True):
    """Reuse of an earlier result for the same inputs and code."""

    expires_s: float | None = None
    key: CodeRef | None = None
    """`key(*args, **kwargs) -> str`; None: the digest of the inputs and the source hash."""


class PoolClaim(IRValue, frozen=True, kw_only=True):
    """Slots of a named pool, held from dispatch until the confirmed end of the attempt."""

    pool: str
    slots: int = 1


class TaskPolicy(IRValue, frozen=True, kw_only=True):
    """The options of a task that the engine and the executors act on."""

    retry: RetryPolicy | None = None
    timeout_s: float | None = None
    """Bounds one attempt."""
    deadline_s: float | None = None
    """Bounds the task run, from the moment it is ready."""
    pools: tuple[PoolClaim, ...] = ()
    priority: int = 0
    """Higher first."""
    concurrency_key: str | None = None
    """At most one task run at a time for each value; `{name}` stands for a run parameter."""
    cache: CachePolicy | None = None
    executor: str = "process"
    environment: str = ""
    """Name of an environment of `toque.toml`; "" is the one that Toque runs in."""
    memory_limit_bytes: int | None = None
    on_cancel: CodeRef | None = None
    """`on_cancel(handle)` stops the external job of a deferred task run."""
    io_bound: bool = False


class Guard(IRValue, frozen=True, kw_only=True):
    """A node below a guard is skipped unless the scalar that `node` exported fulfils it."""

    node: str
    export: int
    """Index into the exports of `node`."""
    test: Literal["equals", "differs"]
    values: tuple[bool | int | str | None, ...]
    """`equals`: the scalar is one of them; `differs`: it is none of them. `when` uses (True,)."""


class Edge(IRValue, frozen=True, kw_only=True):
    """A dependency: this node waits for `source`."""

    source: str
    kind: Literal["data", "order", "outcome", "gate"] = "data"
    """`outcome`: counts as success for the trigger rule however it ended, and handles its failure.

    `gate`: the source must have succeeded, and the trigger rule does not count it: a setup. The node of a guard that
    is only waited for is one, too."""


class Inject(IRValue, frozen=True, kw_only=True):
    """An argument that the worker supplies: `use(resource)`, `use(connection)`, `use(Interval)`, …"""

    kind: Literal["resource", "connection", "variable", "secret", "context", "asset"]
    name: str
    """Name of the connection, variable or secret; key of the asset; the context's class; "" for a resource."""
    code: CodeRef | None = None
    asset: AssetInput | None = None
    """Of an asset: which slices."""


class Origin(IRValue, frozen=True, kw_only=True):
    """Where the author wrote it. Not part of the content hash."""

    file: str
    line: int


class Meta(IRValue, frozen=True, kw_only=True):
    """What people read about a pipeline or node. Never read by the engine."""

    doc: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""
    """Id of the (unmapped) group that folds this node: a prefix of its id."""


class Node(IRValue, frozen=True, kw_only=True, tag_field="node"):
    """What all nodes share."""

    id: str
    scope: str = ""
    """Id of the map node whose scope this node lives in; "" is the pipeline itself."""
    upstream: tuple[Edge, ...] = ()
    rule: TriggerRule = "all_success"
    guards: tuple[Guard, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    """Asset keys; edges write → read are part of `upstream` already."""
    meta: Meta = msgspec.field(default_factory=Meta)
    origin: Origin | None = None


class TaskNode(Node, frozen=True, kw_only=True, tag="task"):
    """A call of user code (or of a built-in such as `shell`) that a worker makes."""

    code: CodeRef
    args: tuple[AnyExpr, ...] = ()
    kwargs: dict[str, AnyExpr] = {}
    inject: dict[str, Inject] = {}
    policy: TaskPolicy = TaskPolicy()
    kind: Literal["task", "flow"] = "task"
    """`flow`: the code is a flow body; it runs in a flow host and adds steps below itself."""
    exports: tuple[tuple[Access, ...], ...] = ()
    """Paths into the result whose JSON scalars the server must know (branch conditions)."""
    lengths: tuple[tuple[Access, ...], ...] = ()
    """Paths into the result whose items the server must count (map sources)."""
    hook: Literal["", "on_failure", "on_success"] = ""
    teardown_of: str = ""
    """Id of the setup node; the rule is then `teardown`."""
    host: str = ""
    """Id of the task, earlier in the same scope, whose attempt runs this one and reports for it. It is no upstream:
    once the rule is fulfilled, the node waits for its host to get to it."""


class Axis(IRValue, frozen=True, kw_only=True):
    """One `each(…)`: what a map iterates."""

    source: AnyExpr
    """Const list, Param, Ref to a task's result, Gather of a map node, or (chained) Ref to a member."""
    chained: bool = False
    """`source` is a Ref into a sibling scope: index by index, not waiting for the whole."""


class MapNode(Node, frozen=True, kw_only=True, tag="map"):
    """Opens a scope with one index per item. For `t.map(…)` its id is the task's id + "[]"."""

    axes: tuple[Axis, ...]
    mode: Literal["zip", "product"] = "zip"
    result: AnyExpr | None = None
    """A Ref or Gather in the scope: what one index stands for in a reduce."""
    tolerate: float = 0
    """How many indexes may fail: below 1 a share, from 1 on a count."""


class JoinNode(Node, frozen=True, kw_only=True, tag="join"):
    """`one_of(…)`: succeeds with the result of the first of `sources` (in order) that succeeded."""

    sources: tuple[Ref | Gather, ...]


AnyNode: TypeAlias = TaskNode | MapNode | JoinNode


class Concurrency(IRValue, frozen=True, kw_only=True):
    """How many runs of a pipeline may be active, and what happens to one that comes on top."""

    max_active_runs: int | None = None
    overlap: Literal["allow", "queue", "skip", "cancel_older"] = "queue"


class Pipeline(IRValue, frozen=True, kw_only=True):
    """A pipeline: the value that is hashed, stored, diffed, drawn and run."""

    name: str
    nodes: tuple[AnyNode, ...] = ()
    """Topologically ordered, map nodes before their members."""
    result: AnyExpr | None = None
    """What the pipeline returns."""
    parameters: dict[str, Any] = {}
    """JSON Schema (object) of the parameters, made by pydantic; defaults are part of it."""
    parameters_code: CodeRef | None = None
    """The pipeline function itself: the loader validates parameters against its signature."""
    concurrency: Concurrency = Concurrency()
    deadline_s: float | None = None
    late_after_s: float | None = None
    """Counted from the creation of a run, so that time in the queue is late too; it changes nothing but who is told."""
    notify: tuple[str, ...] = ()
    """Connections that are told of failure, recovery and lateness, beside those of `toque.toml`."""
    schedules: tuple[Schedule, ...] = ()
    """What starts it by itself, in the order of the source."""
    assets: tuple[Asset, ...] = ()
    """What its nodes write, and what they read of others, in the order of the nodes."""
    meta: Meta = msgspec.field(default_factory=Meta)
    origin: Origin | None = None
    ir: int = IR_VERSION

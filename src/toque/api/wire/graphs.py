"""The graph of a pipeline or run, and the grid of its runs × tasks."""

from __future__ import annotations

from typing import Literal

from toque.api.wire.model import Wire
from toque.engine.states import RunState

NodeKind = Literal["task", "map", "join", "flow", "step"]
CELLS = ".wrdRDtsfkuc"
"""none, waiting, ready, dispatched, Running, Deferred, reTrying, succeeded, failed, sKipped, upstream_failed,
cancelled."""


class Origin(Wire):
    """Where the author wrote it."""

    file: str
    line: int


class GraphNode(Wire):
    """A node of the graph."""

    id: str
    label: str
    kind: NodeKind
    group: str
    """Id of the group that folds it; "" for none."""
    scope: str
    """Id of the map node in whose scope it lives; "" for none."""
    rule: str
    doc: str
    retries: int
    pools: list[str]
    origin: Origin | None
    tags: list[str]
    hook: str
    teardown_of: str
    host: str
    """Id of the task that runs it with others; "" for none."""


class GraphEdge(Wire):
    """`target` waits for `source`."""

    source: str
    target: str
    kind: Literal["data", "order", "outcome", "gate"]
    label: str
    """Text of a branch; "" otherwise."""


class GraphGroup(Wire):
    """Tasks folded under one name."""

    id: str
    label: str
    parent: str


class Graph(Wire):
    """What is drawn."""

    pipeline: str
    version: str
    nodes: list[GraphNode]
    edges: list[GraphEdge]
    groups: list[GraphGroup]


class GridTask(Wire):
    """A row of the grid."""

    id: str
    label: str
    group: str
    kind: NodeKind
    depth: int
    """How many scopes are around it."""


class GridRun(Wire):
    """A column of the grid."""

    run_id: str
    state: RunState
    created_us: int
    started_us: int
    finished_us: int
    version: str
    trigger: str
    logical_us: int
    cells: str
    """One character for each task of `Grid.tasks`: `.` none, w waiting, r ready, d dispatched, R running, D deferred,
    t retrying, s succeeded, f failed, k skipped, u upstream_failed, c cancelled. A mapped task: its worst state."""


class Grid(Wire):
    """Runs × tasks, newest run first."""

    tasks: list[GridTask]
    runs: list[GridRun]
    next: str | None
    """Hand it back as `before`."""

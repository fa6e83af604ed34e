"""What the pages of the command center are made of: questions to `History`, and its answers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.engine.values import MapIndex

STRIP = 24
"""Runs in the strip of a pipeline."""
SEARCH_DEPTH = 2_000
"""How many of the newest matches of a word a search looks at before it gives up filling the page."""

CELLS: Mapping[TaskState, str] = {
    TaskState.WAITING: "w",
    TaskState.READY: "r",
    TaskState.DISPATCHED: "d",
    TaskState.RUNNING: "R",
    TaskState.DEFERRED: "D",
    TaskState.RETRYING: "t",
    TaskState.SUCCEEDED: "s",
    TaskState.FAILED: "f",
    TaskState.SKIPPED: "k",
    TaskState.UPSTREAM_FAILED: "u",
    TaskState.CANCELLED: "c",
}
"""One character for each state, for the cells of a grid."""
NO_CELL = "."
"""The task has no row in the run: it is not part of its version, or still waits."""

WORST = (
    TaskState.FAILED,
    TaskState.UPSTREAM_FAILED,
    TaskState.CANCELLED,
    TaskState.RETRYING,
    TaskState.RUNNING,
    TaskState.DISPATCHED,
    TaskState.DEFERRED,
    TaskState.READY,
    TaskState.WAITING,
    TaskState.SUCCEEDED,
    TaskState.SKIPPED,
)
"""Of several task runs of one task, the state that is shown is the first of these that one of them has."""


def worst_state(states: Mapping[TaskState, int]) -> TaskState:
    """The state that stands for all of them; `states` is not empty."""
    if len(states) == 1:
        return next(iter(states))
    return next(state for state in WORST if states.get(state))


class RunQuery(msgspec.Struct, kw_only=True, frozen=True):
    """Which runs a page wants; newest first (run ids sort by the time of creation)."""

    pipeline: str = ""
    states: tuple[RunState, ...] = ()
    trigger: str = ""
    backfill_id: str = ""
    from_us: int = 0
    """Created at or after, to the millisecond, which is what run ids carry. Runs whose ids carry no time do not fit."""
    to_us: int = 0
    """Created before; 0 for no end."""
    search: str = ""
    """Case does not count. Matches runs whose id, pipeline, or a parameter (`value` or `name=value`, scalars only)
    begins with it; for pipelines and parameters the first 8 such words count, and the newest `SEARCH_DEPTH` runs of
    each."""
    limit: int = 50
    before: str = ""
    """Page down: only runs older than this run id."""
    after: str = ""
    """Page up: only runs newer than this run id, those next to it."""


class RunPage(msgspec.Struct, kw_only=True, frozen=True):
    """A page of runs."""

    runs: list[RunRow]
    """Newest first. With a search a page may be short and still have a next one."""
    older: str = ""
    """`before` of the page below; "" when there is none."""
    newer: str = ""
    """`after` of the page above; "" when there is none (runs may have come since)."""


class RunBar(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A run as a mark in a strip, a grid or on a time axis."""

    run_id: str
    pipeline: str
    version: str
    state: RunState
    trigger: str
    logical_us: int
    created_us: int
    started_us: int
    finished_us: int


class Grid(msgspec.Struct, kw_only=True, frozen=True):
    """Runs × tasks."""

    tasks: list[str]
    """The tasks that were asked for, in that order, then those that only the runs have (sorted, at most 2,000)."""
    runs: list[RunBar]
    """Newest first."""
    cells: list[str]
    """For each run one character (`CELLS`, `NO_CELL`) for each of `tasks`: the worst state of its task runs."""
    older: str = ""
    """`before` of the next page."""


class NodeCounts(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """The task runs of one task in a run."""

    task: str
    counts: dict[TaskState, int]
    """Those that still wait have no row and are not counted."""
    ready_us: int
    """First; 0: none."""
    started_us: int
    """First; 0: none."""
    finished_us: int
    """Last; 0: none has finished."""

    @property
    def total(self) -> int:
        """Task runs that have a row."""
        return sum(self.counts.values())


class TimelineBar(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """One task run, or all those of a task folded into one bar."""

    task: str
    map_index: MapIndex = ()
    state: TaskState
    ready_us: int
    started_us: int
    finished_us: int
    count: int = 1
    """Task runs in this bar; above 1, the state is the worst, the times are the first and the last."""


class DayCounts(msgspec.Struct, kw_only=True, frozen=True):
    """Runs of one day, by their logical time. What ended stays counted after retention has deleted the run."""

    date: str
    """2026-11-22, in the zone that was asked for."""
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    active: int = 0


class DurationPoint(msgspec.Struct, kw_only=True, frozen=True):
    """How long one ended run, or one task of it, took."""

    run_id: str
    created_us: int
    queued_us: int
    """From creation (of a task: from being ready) to the start."""
    duration_us: int
    state: str
    """Of the run (`RunState`) or of the task run (`TaskState`)."""
    version: str


class FailedPipeline(msgspec.Struct, kw_only=True, frozen=True):
    """A pipeline whose last failed run was followed by no success."""

    pipeline: str
    run: RunRow
    """The last one that failed."""
    count: int
    """Failed runs since the last success, at most 100."""
    since_us: int
    """When the first of them was created."""


class TaskQuery(msgspec.Struct, kw_only=True, frozen=True):
    """Which task runs of a run a page wants, ordered by (task, map index)."""

    run_id: str
    task: str = ""
    states: tuple[TaskState, ...] = ()
    search: str = ""
    """Task runs whose task contains it (case of ASCII does not count). Digits with dots (`3.1`, `[3]`) are a map
    index: that one and those nested in it."""
    limit: int = 100
    after: tuple[str, MapIndex] | None = None
    """Page down: those that follow this task run."""
    before: tuple[str, MapIndex] | None = None
    """Page up: those just before this task run."""


class TaskPage(msgspec.Struct, kw_only=True, frozen=True):
    """A page of task runs."""

    tasks: list[TaskRow]
    next: tuple[str, MapIndex] | None = None
    """`after` of the page below."""
    previous: tuple[str, MapIndex] | None = None
    """`before` of the page above."""


class Holder(msgspec.Struct, kw_only=True, frozen=True):
    """Who holds slots of a pool."""

    pool: str
    run_id: str
    task: str
    """"" when the run itself holds its place among the active runs of its pipeline (pools named `runs:…`)."""
    map_index: MapIndex
    slots: int
    since_us: int
    """When its attempt was dispatched; 0 if unknown."""
    instance: str


class Server(msgspec.Struct, kw_only=True, frozen=True):
    """A process that lives, or lived, on this store."""

    instance: str
    boot: int
    pid: int
    host: str
    role: str
    since_us: int
    lease_until_us: int
    """PostgreSQL; 0 elsewhere."""
    alive: bool
    active_runs: int
    """Unfinished runs that it owns."""


class StoreInfo(msgspec.Struct, kw_only=True, frozen=True):
    """The store itself."""

    kind: str
    revision: str
    """Of the schema; "" in memory."""
    size_bytes: int
    """On disk; 0 in memory."""
    latency_us: int
    """Of the query that asked."""


class Totals(msgspec.Struct, kw_only=True, frozen=True):
    """What this store has seen."""

    active_runs: dict[RunState, int]
    ended_runs: dict[RunState, int]
    """Ever, those included that retention has deleted."""
    ended_tasks: int
    """Task runs of those runs."""
    versions: int
    pipelines: int

"""The read side of the store, for pages: every answer is bounded, however long the history is.

`store.history` of every store. Each method is one snapshot. What it visits depends on the size of its answer (and of
the one run that it is about), never on how many runs there were before. The values are in `toque.ports.pages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState
from toque.engine.values import MapIndex
from toque.ports.pages import (
    STRIP,
    DayCounts,
    DurationPoint,
    FailedPipeline,
    Grid,
    Holder,
    NodeCounts,
    RunBar,
    RunPage,
    RunQuery,
    Server,
    StoreInfo,
    TaskPage,
    TaskQuery,
    TimelineBar,
    Totals,
)

NOTHING_KNOWN: Mapping[str, Sequence[NodeCounts]] = MappingProxyType({})


class RunHistory(Protocol):
    """Runs across the history."""

    async def runs(self, query: RunQuery) -> RunPage:
        """A page of runs."""
        ...

    async def get_runs(self, run_ids: Sequence[str]) -> dict[str, RunRow]:
        """Rows of these runs, of those that exist. (`Store.load_run` reads all task runs too.)"""
        ...

    async def pipelines(self) -> list[str]:
        """Pipelines that the store knows, by name."""
        ...

    async def recent(self, pipelines: Sequence[str], limit: int = STRIP) -> dict[str, list[RunBar]]:
        """The last runs of each of these pipelines, newest last. Every pipeline has an entry."""
        ...

    async def active_counts(self) -> dict[str, dict[RunState, int]]:
        """Unfinished runs by pipeline and state; pipelines without any are absent."""
        ...

    async def attention(self, limit: int = 100) -> list[FailedPipeline]:
        """Pipelines whose last failure no success has followed, the latest failure first."""
        ...

    async def calendar(self, pipeline: str, from_us: int, to_us: int, tz: str) -> list[DayCounts]:
        """Days of the zone (an IANA name; `UserError` if there is none) with runs whose logical time lies in the range,
        in order; days without runs are absent. Bounds count to the quarter of an hour."""
        ...

    async def durations(
        self, pipeline: str, *, task: str = "", limit: int = 200, before: str = ""
    ) -> list[DurationPoint]:
        """The last ended runs, oldest first; with a task, its task run outside of maps (for a mapped task `x` the id
        `x[]` spans all indexes), runs in which it never started left out."""
        ...

    async def day(self, from_us: int, to_us: int, limit: int = 5_000) -> list[RunBar]:
        """Runs that were running at some time in the range, in the order of their starts. More than `limit`: those
        that go on, then those that ended first."""
        ...


class TaskHistory(Protocol):
    """Task runs, within one run or a page of runs."""

    async def grid(
        self,
        pipeline: str,
        tasks: Sequence[str],
        *,
        limit: int = 50,
        before: str = "",
        known: Mapping[str, Sequence[NodeCounts]] = NOTHING_KNOWN,
    ) -> Grid:
        """The state of each task in the last runs. `tasks`: those of the version shown, in the order of its rows.
        `known`: the nodes of runs that need not be counted, by run id."""
        ...

    async def nodes(self, run_id: str) -> list[NodeCounts]:
        """Counts and times for each task of a run, by task id. Of an ended run they were written when it ended."""
        ...

    async def task_runs(self, query: TaskQuery) -> TaskPage:
        """A page of task runs."""
        ...

    async def task_run(self, run_id: str, task: str, map_index: MapIndex) -> TaskRow | None:
        """One task run."""
        ...

    async def first_failures(self, run_id: str, limit: int = 5) -> list[TaskRow]:
        """The failed task runs that finished first."""
        ...

    async def timeline(
        self, run_id: str, limit: int = 2_000, known: Sequence[NodeCounts] | None = None
    ) -> list[TimelineBar]:
        """A bar for each task run, in the order of (start, task, index), those that never started left out. A task with
        more than 50 task runs is one bar; so is any task when there would be more than `limit` bars. `known`: the nodes
        of the run, which need not be counted then."""
        ...


class SystemHistory(Protocol):
    """The store and who lives on it."""

    async def holders(self, limit: int = 500) -> list[Holder]:
        """Who holds slots, by (pool, run, task, map index) as text."""
        ...

    async def servers(self) -> list[Server]:
        """Processes that are registered, by name. In memory: none."""
        ...

    async def info(self) -> StoreInfo:
        """Kind, schema, size, latency."""
        ...

    async def totals(self) -> Totals:
        """Sums over the whole history, kept while it was written."""
        ...


class History(RunHistory, TaskHistory, SystemHistory, Protocol):
    """See the module."""

"""The `History` port over a database: each method is one shared operation on one snapshot."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState
from toque.engine.values import MapIndex
from toque.ports.history import NOTHING_KNOWN
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
from toque.store.sql.history import finding, overview, summaries, system
from toque.store.sql.history import tasks as within
from toque.store.sql.history.standing import Standing
from toque.store.sql.session import Database


class _OnDatabase:
    """Holds the database that the parts of `SqlHistory` share."""

    def __init__(self, database: Database, standing: Callable[[], Awaitable[Standing]]) -> None:
        self._database = database
        self._standing = standing


class _Runs(_OnDatabase):
    """Runs across the history."""

    async def runs(self, query: RunQuery) -> RunPage:
        """See `RunHistory.runs`."""
        return await self._database.browse(lambda session: finding.runs(session, query))

    async def get_runs(self, run_ids: Sequence[str]) -> dict[str, RunRow]:
        """See `RunHistory.get_runs`."""
        return await self._database.browse(lambda session: finding.get_runs(session, run_ids))

    async def pipelines(self) -> list[str]:
        """See `RunHistory.pipelines`."""
        return await self._database.browse(overview.pipelines)

    async def recent(self, pipelines: Sequence[str], limit: int = STRIP) -> dict[str, list[RunBar]]:
        """See `RunHistory.recent`."""
        return await self._database.browse(lambda session: overview.recent(session, pipelines, limit))

    async def active_counts(self) -> dict[str, dict[RunState, int]]:
        """See `RunHistory.active_counts`."""
        return await self._database.browse(overview.active_counts)

    async def attention(self, limit: int = 100) -> list[FailedPipeline]:
        """See `RunHistory.attention`."""
        return await self._database.browse(lambda session: overview.attention(session, limit))

    async def calendar(self, pipeline: str, from_us: int, to_us: int, tz: str) -> list[DayCounts]:
        """See `RunHistory.calendar`."""
        return await self._database.browse(lambda session: overview.calendar(session, pipeline, from_us, to_us, tz))

    async def durations(
        self, pipeline: str, *, task: str = "", limit: int = 200, before: str = ""
    ) -> list[DurationPoint]:
        """See `RunHistory.durations`."""
        return await self._database.browse(lambda session: overview.durations(session, pipeline, task, limit, before))

    async def day(self, from_us: int, to_us: int, limit: int = 5_000) -> list[RunBar]:
        """See `RunHistory.day`."""
        return await self._database.browse(lambda session: overview.day(session, from_us, to_us, limit))


class _Tasks(_OnDatabase):
    """Task runs."""

    async def grid(
        self,
        pipeline: str,
        tasks: Sequence[str],
        *,
        limit: int = 50,
        before: str = "",
        known: Mapping[str, Sequence[NodeCounts]] = NOTHING_KNOWN,
    ) -> Grid:
        """See `TaskHistory.grid`."""
        return await self._database.browse(lambda session: within.grid(session, pipeline, tasks, limit, before, known))

    async def nodes(self, run_id: str) -> list[NodeCounts]:
        """See `TaskHistory.nodes`."""
        return await self._database.browse(lambda session: summaries.nodes(session, run_id))

    async def task_runs(self, query: TaskQuery) -> TaskPage:
        """See `TaskHistory.task_runs`."""
        return await self._database.browse(lambda session: within.task_runs(session, query))

    async def task_run(self, run_id: str, task: str, map_index: MapIndex) -> TaskRow | None:
        """See `TaskHistory.task_run`."""
        return await self._database.browse(lambda session: within.task_run(session, run_id, task, map_index))

    async def first_failures(self, run_id: str, limit: int = 5) -> list[TaskRow]:
        """See `TaskHistory.first_failures`."""
        return await self._database.browse(lambda session: within.first_failures(session, run_id, limit))

    async def timeline(
        self, run_id: str, limit: int = 2_000, known: Sequence[NodeCounts] | None = None
    ) -> list[TimelineBar]:
        """See `TaskHistory.timeline`."""
        return await self._database.browse(lambda session: within.timeline(session, run_id, limit, known))


class _System(_OnDatabase):
    """The store and who lives on it."""

    async def holders(self, limit: int = 500) -> list[Holder]:
        """See `SystemHistory.holders`."""
        return await self._database.browse(lambda session: system.holders(session, limit))

    async def servers(self) -> list[Server]:
        """See `SystemHistory.servers`."""
        standing = await self._standing()
        return await self._database.browse(lambda session: system.servers(session, standing.is_alive))

    async def info(self) -> StoreInfo:
        """See `SystemHistory.info`."""
        standing = await self._standing()
        started_s = time.perf_counter()
        revision = await self._database.browse(system.revision)
        latency_us = int((time.perf_counter() - started_s) * 1_000_000)
        return StoreInfo(kind=standing.kind, revision=revision, size_bytes=standing.size_bytes, latency_us=latency_us)

    async def totals(self) -> Totals:
        """See `SystemHistory.totals`."""
        return await self._database.browse(system.totals)


class SqlHistory(_Runs, _Tasks, _System):
    """See `History`."""

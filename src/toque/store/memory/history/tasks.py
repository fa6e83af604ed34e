"""Task runs, within one run or a page of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from toque.engine.rows import TaskRow
from toque.engine.states import TaskState
from toque.engine.values import MapIndex
from toque.ports.history import NOTHING_KNOWN
from toque.ports.pages import (
    CELLS,
    NO_CELL,
    Grid,
    NodeCounts,
    TaskPage,
    TaskQuery,
    TimelineBar,
    worst_state,
)
from toque.store.history import bars
from toque.store.history.searching import parse
from toque.store.history.tasking import page
from toque.store.memory.history.runs import OnTables, bar_of

MOST_OTHERS = 2_000
"""Tasks of a grid that were not asked for."""


class TaskPages(OnTables):
    """See `TaskHistory`."""

    def _rows(self, run_id: str) -> list[TaskRow]:
        parts = self._tables._parts.get(run_id)
        return parts.tasks.all() if parts else []

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
        found = self._newest(pipeline, before)
        runs = found[:limit]
        nodes = [known[run.run_id] if run.run_id in known else await self.nodes(run.run_id) for run in runs]
        worst = [{node.task: CELLS[worst_state(node.counts)] for node in each} for each in nodes]
        rows = [*dict.fromkeys(tasks)]
        rows += sorted(set().union(*worst).difference(rows))[:MOST_OTHERS]
        return Grid(
            tasks=rows,
            runs=[*map(bar_of, runs)],
            cells=["".join(cells.get(task, NO_CELL) for task in rows) for cells in worst],
            older=runs[-1].run_id if len(found) > limit else "",
        )

    async def nodes(self, run_id: str) -> list[NodeCounts]:
        """See `TaskHistory.nodes`."""
        nodes = []
        for task, group in groupby(self._rows(run_id), key=lambda row: row.task):
            rows = [*group]
            counts: dict[TaskState, int] = {}
            for row in rows:
                counts[row.state] = counts.get(row.state, 0) + 1
            nodes.append(
                NodeCounts(
                    task=task,
                    counts=counts,
                    ready_us=min((row.ready_us for row in rows if row.ready_us), default=0),
                    started_us=min((row.started_us for row in rows if row.started_us), default=0),
                    finished_us=max(row.finished_us for row in rows),
                )
            )
        return nodes

    async def task_runs(self, query: TaskQuery) -> TaskPage:
        """See `TaskHistory.task_runs`."""
        search = parse(query.search)
        found = [
            row
            for row in self._rows(query.run_id)
            if (not query.task or row.task == query.task)
            and (not query.states or row.state in query.states)
            and search.matches(row.task, row.map_index)
            and (query.after is None or (row.task, row.map_index) > query.after)
            and (query.before is None or (row.task, row.map_index) < query.before)
        ]
        if query.before is not None:
            found.reverse()
        return page(query, found[: query.limit + 1])

    async def task_run(self, run_id: str, task: str, map_index: MapIndex) -> TaskRow | None:
        """See `TaskHistory.task_run`."""
        parts = self._tables._parts.get(run_id)
        return parts.tasks.get((task, map_index)) if parts else None

    async def first_failures(self, run_id: str, limit: int = 5) -> list[TaskRow]:
        """See `TaskHistory.first_failures`."""
        failed = [row for row in self._rows(run_id) if row.state is TaskState.FAILED]
        return sorted(failed, key=lambda row: (row.finished_us, row.task, row.map_index))[:limit]

    async def timeline(
        self, run_id: str, limit: int = 2_000, known: Sequence[NodeCounts] | None = None
    ) -> list[TimelineBar]:
        """See `TaskHistory.timeline`."""
        nodes = await self.nodes(run_id) if known is None else known
        tasks = bars.unfolded(nodes, limit)
        single = [
            TimelineBar(
                task=row.task,
                map_index=row.map_index,
                state=row.state,
                ready_us=row.ready_us,
                started_us=row.started_us,
                finished_us=row.finished_us,
            )
            for row in self._rows(run_id)
            if row.task in tasks
        ]
        return bars.arrange(nodes, single, tasks, limit)

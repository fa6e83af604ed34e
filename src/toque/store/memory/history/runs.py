"""Runs across the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from toque.engine.rows import RunRow
from toque.engine.run_ids import first_run_id
from toque.engine.states import RUN_TERMINAL, RunState
from toque.ports.pages import (
    STRIP,
    DayCounts,
    DurationPoint,
    FailedPipeline,
    RunBar,
    RunPage,
    RunQuery,
)
from toque.store.history.days import days
from toque.store.history.paging import fits, page
from toque.store.history.quarters import quarter, quarter_of
from toque.store.history.words import chosen, folded, words_of
from toque.store.memory.tables import Tables

MOST_FAILURES = 100
"""In a row, that are counted."""


class OnTables:
    """Holds the tables that the parts of `MemoryHistory` share."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def _newest(self, pipeline: str, before: str = "") -> list[RunRow]:
        """Runs of a pipeline, newest first."""
        return [
            run for run in self._tables._all_runs() if run.pipeline == pipeline and (not before or run.run_id < before)
        ]


class RunPages(OnTables):
    """See `RunHistory`."""

    async def runs(self, query: RunQuery) -> RunPage:
        """See `RunHistory.runs`."""
        runs = self._tables._all_runs()
        if query.search:
            runs = _having(runs, folded(query.search))
        found = [run for run in runs if _within(query, run) and fits(query, run)]
        if query.after:
            found.reverse()
        return page(query, found[: query.limit + 1])

    async def get_runs(self, run_ids: Sequence[str]) -> dict[str, RunRow]:
        """See `RunHistory.get_runs`."""
        return {run.run_id: run for run in self._tables._runs.all() if run.run_id in run_ids}

    async def pipelines(self) -> list[str]:
        """See `RunHistory.pipelines`."""
        return sorted({run.pipeline for run in self._tables._runs.all()} | set(self._tables._current))

    async def recent(self, pipelines: Sequence[str], limit: int = STRIP) -> dict[str, list[RunBar]]:
        """See `RunHistory.recent`."""
        return {name: [*map(bar_of, self._newest(name)[:limit][::-1])] for name in pipelines}

    async def active_counts(self) -> dict[str, dict[RunState, int]]:
        """See `RunHistory.active_counts`."""
        counts: dict[str, dict[RunState, int]] = {}
        for run in self._tables._runs.all():
            if run.state not in RUN_TERMINAL:
                states = counts.setdefault(run.pipeline, {})
                states[run.state] = states.get(run.state, 0) + 1
        return counts

    async def attention(self, limit: int = 100) -> list[FailedPipeline]:
        """See `RunHistory.attention`."""
        found = []
        for name in await self.pipelines():
            failures: list[RunRow] = []
            for run in self._newest(name):
                if run.state is RunState.SUCCEEDED:
                    break
                if run.state is RunState.FAILED:
                    failures.append(run)
            if failures:
                count = min(len(failures), MOST_FAILURES)
                since_us = failures[-1].created_us
                found.append(FailedPipeline(pipeline=name, run=failures[0], count=count, since_us=since_us))
        found.sort(key=lambda entry: entry.run.run_id, reverse=True)
        return found[:limit]

    async def calendar(self, pipeline: str, from_us: int, to_us: int, tz: str) -> list[DayCounts]:
        """See `RunHistory.calendar`."""
        counts: Counter[tuple[int, RunState]] = Counter()
        for run in self._tables._runs.all():
            if run.pipeline == pipeline:
                counts[quarter_of(run), run.state] += 1
        for run, _ in self._tables._pruned:
            if run.pipeline == pipeline:
                counts[quarter_of(run), run.state] += 1
        return days(
            ((at_us, state, n) for (at_us, state), n in counts.items() if quarter(from_us) <= at_us < to_us), tz
        )

    async def durations(
        self, pipeline: str, *, task: str = "", limit: int = 200, before: str = ""
    ) -> list[DurationPoint]:
        """See `RunHistory.durations`."""
        runs = [run for run in self._newest(pipeline, before) if run.finished_us and run.started_us][:limit][::-1]
        if task:
            points = [self._task_point(run, task) for run in runs]
            return [point for point in points if point is not None]
        return [
            DurationPoint(
                run_id=run.run_id,
                created_us=run.created_us,
                queued_us=max(0, run.started_us - run.created_us),
                duration_us=max(0, run.finished_us - run.started_us),
                state=run.state.value,
                version=run.version,
            )
            for run in runs
        ]

    def _task_point(self, run: RunRow, task: str) -> DurationPoint | None:
        row = self._tables._parts[run.run_id].tasks.get((task, ()))
        if row is None or not row.started_us or not row.finished_us:
            return None
        return DurationPoint(
            run_id=run.run_id,
            created_us=run.created_us,
            queued_us=max(0, row.started_us - row.ready_us) if row.ready_us else 0,
            duration_us=max(0, row.finished_us - row.started_us),
            state=row.state.value,
            version=run.version,
        )

    async def day(self, from_us: int, to_us: int, limit: int = 5_000) -> list[RunBar]:
        """See `RunHistory.day`."""
        begun = [run for run in self._tables._runs.all() if 0 < run.started_us < to_us]
        running = [run for run in begun if run.state not in RUN_TERMINAL]
        ended = [run for run in begun if run.finished_us > from_us]
        ended.sort(key=lambda run: (run.finished_us, run.run_id))
        shown = {run.run_id: run for run in [*running, *ended][:limit]}
        return [*map(bar_of, sorted(shown.values(), key=lambda run: (run.started_us, run.run_id)))]


def bar_of(run: RunRow) -> RunBar:
    """The run as a mark."""
    return RunBar(
        run_id=run.run_id,
        pipeline=run.pipeline,
        version=run.version,
        state=run.state,
        trigger=run.trigger,
        logical_us=run.logical_us,
        created_us=run.created_us,
        started_us=run.started_us,
        finished_us=run.finished_us,
    )


def _having(runs: list[RunRow], prefix: str) -> list[RunRow]:
    """Runs that a search finds."""
    if not prefix:
        return []
    words = set(chosen((word for run in runs for word in words_of(run)), prefix))
    return [run for run in runs if run.run_id.startswith(prefix) or words.intersection(words_of(run))]


def _within(query: RunQuery, run: RunRow) -> bool:
    return (
        (not query.before or run.run_id < query.before)
        and (not query.after or run.run_id > query.after)
        and (not query.from_us or run.run_id >= first_run_id(query.from_us))
        and (not query.to_us or run.run_id < first_run_id(query.to_us))
    )

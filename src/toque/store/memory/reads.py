"""What looks at runs."""

from __future__ import annotations

from toque.engine import facts as fact_log
from toque.engine.facts import AnyFact
from toque.engine.rows import AttemptRow, RunRow, TaskRow
from toque.engine.states import TaskState
from toque.ports.store import RunFilter, StoredRun, TaskFilter
from toque.store.memory.tables import Tables


class Reads(Tables):
    """Looking at runs."""

    async def load_run(self, run_id: str) -> StoredRun | None:
        """See `Store.load_run`."""
        run = self._runs.get(run_id)
        if run is None:
            return None
        parts = self._parts[run_id]
        if parts.facts:
            last = max(parts.facts)
            run.fact_seq = max(run.fact_seq, last + len(fact_log.decode(parts.facts[last])) - 1)
        return StoredRun(run=run, tasks=parts.tasks.all(), steps=parts.steps.all())

    async def load_facts(self, run_id: str, after_seq: int = 0) -> list[tuple[int, AnyFact]]:
        """See `Store.load_facts`."""
        stored = self._parts[run_id].facts if run_id in self._parts else {}
        return [
            (seq, fact)
            for first in sorted(stored)
            for seq, fact in enumerate(fact_log.decode(stored[first]), first)
            if seq > after_seq
        ]

    async def list_runs(self, where: RunFilter) -> list[RunRow]:
        """See `Store.list_runs`."""
        found = [
            run
            for run in self._all_runs()
            if (not where.pipeline or run.pipeline == where.pipeline)
            and (not where.states or run.state in where.states)
            and (where.owner is None or run.owner == where.owner)
            and (not where.before or run.run_id < where.before)
        ]
        return found[: where.limit]

    async def list_tasks(self, where: TaskFilter) -> list[TaskRow]:
        """See `Store.list_tasks`."""
        parts = self._parts.get(where.run_id)
        found = [
            task
            for task in (parts.tasks.all() if parts else [])
            if (not where.task or task.task == where.task)
            and (not where.states or task.state in where.states)
            and (where.after is None or (task.task, task.map_index) > where.after)
        ]
        return found[: where.limit]

    async def list_attempts(self, run_id: str, task: str, map_index: tuple[int, ...]) -> list[AttemptRow]:
        """See `Store.list_attempts`."""
        parts = self._parts.get(run_id)
        attempts = parts.attempts.all() if parts else []
        return [row for row in attempts if (row.task, row.map_index) == (task, map_index)]

    async def count_tasks(self, run_id: str) -> dict[str, dict[TaskState, int]]:
        """See `Store.count_tasks`."""
        counts: dict[str, dict[TaskState, int]] = {}
        parts = self._parts.get(run_id)
        for task in parts.tasks.all() if parts else []:
            states = counts.setdefault(task.task, {})
            states[task.state] = states.get(task.state, 0) + 1
        return counts

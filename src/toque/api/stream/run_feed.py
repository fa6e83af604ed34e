"""The feeds of one run: `run:ID`, and `tasks:ID:TASK` for the indexes of one mapped task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from toque.api import bulk, rows
from toque.api.stream import patches
from toque.api.stream.changes import Changes
from toque.api.stream.counting import Counting
from toque.api.stream.feed import Feed, Sources
from toque.api.stream.missed import Missed, missed
from toque.api.wire.tasks import Progress
from toque.engine.rows import RunRow, StepRow, TaskRow
from toque.engine.states import TERMINAL, TaskState
from toque.engine.values import MapIndex, TaskKey
from toque.ports.executor import Artifact, Metric, Signal
from toque.ports.executor import Progress as ProgressSignal
from toque.ports.pages import NodeCounts, TaskQuery
from toque.runtime.owned import OwnedRun
from toque.runtime.versions import VersionMissing

MOST_ROWS = 15_000
"""Of a run that has more, a reset holds `MOST_LOOKED_UP` task runs outside of maps."""
MOST_LOOKED_UP = 1_000
MOST_ENDED = 1_000
"""Of a run with more tasks outside of maps, a reset holds the task runs that go on or failed: of the others the nodes
tell state and times."""
TOLD = tuple(state for state in TaskState if state not in TERMINAL or state is TaskState.FAILED)
PAGE = 1_000
SLOW = 20
"""Counting by the store again waits for so many times as long as it took: it stays under 5 % of the time."""

_encode = msgspec.json.Encoder().encode


def progress_of(signal: ProgressSignal) -> Progress:
    """As task runs carry it."""
    return Progress(done=signal.done, total=signal.total)


class TasksFeed(Feed):
    """Task runs of one run: those of one task here, all outside of maps in `RunFeed`."""

    def __init__(self, name: str, sources: Sources, since: int, run_id: str, task: str = "") -> None:
        super().__init__(name, sources, since)
        self.run_id = run_id
        self.task = task
        self.run: RunRow | None = None
        self.progress: dict[TaskKey, Progress] = {}
        self._tasks: Changes[TaskRow] = Changes(self._task, since)
        self.kinds = {"tasks": self._tasks}

    async def open(self) -> None:
        """See `Feed.open`."""
        run = (await self.sources.history.get_runs([self.run_id])).get(self.run_id)
        if run is not None and (self.run is None or self.run.fact_seq < run.fact_seq):
            self._take_run(run)

    def wants(self, task: str, map_index: MapIndex) -> bool:
        """Whether a task run belongs to this topic."""
        return task == self.task

    def committed(
        self, n: int, owned: OwnedRun, run: RunRow, tasks: Iterable[TaskRow], steps: Iterable[StepRow]
    ) -> None:
        """A transaction of this process touched the run."""
        self._take_run(run)
        for row in tasks:
            if self.wants(row.task, row.map_index):
                self._tasks.put(n, (row.task, row.map_index), row)

    def signalled(self, n: int, signal: Signal) -> bool:
        """An attempt says something of itself; whether that shows."""
        if not isinstance(signal, ProgressSignal):
            return False
        self.progress[TaskKey(signal.task, signal.map_index)] = progress_of(signal)
        return False

    async def reset(self) -> bytes:
        """The first page of the indexes: others are asked for when they are looked at."""
        page = await self.sources.history.task_runs(TaskQuery(run_id=self.run_id, task=self.task, limit=PAGE))
        return patches.reset(self.name, [patches.tagged("task", self._task(row)) for row in page.tasks])

    async def catch_up(self, position: int) -> list[bytes] | None:
        """What facts after `position` changed."""
        found = await missed(self.sources, self.run_id, position, self.wants)
        return None if found is None else await self._told(found)

    async def look(self, number: Callable[[], int]) -> bool:
        """A run of another process: what its facts changed."""
        if self.sources.owned(self.run_id) is not None or (self.run is not None and self.run.state.is_terminal):
            return False
        before = self.run.fact_seq if self.run is not None else 0
        found = await missed(self.sources, self.run_id, before, self.wants)
        if found is None:
            return await self._lost_track(number)
        if self.run is not None and found.run.fact_seq == before and found.run.state is self.run.state:
            return False
        n = number()
        self._take_run(found.run)
        for row in found.tasks:
            self._tasks.put(n, (row.task, row.map_index), row)
        await self._looked(n, found)
        return True

    async def _looked(self, n: int, found: Missed) -> None:
        """Also tell of what only some feeds have."""

    async def _lost_track(self, number: Callable[[], int]) -> bool:
        """Too much happened elsewhere: everybody gets a reset."""
        run = (await self.sources.history.get_runs([self.run_id])).get(self.run_id)
        if run is None:
            return False
        self._take_run(run)
        n = number()
        for changes in self.kinds.values():
            changes.floor = changes.last = n
        return True

    def _take_run(self, run: RunRow) -> None:
        self.run = run
        self.position = run.fact_seq

    async def _told(self, found: Missed) -> list[bytes]:
        if not found.tasks:
            return []
        return [patches.patch(self.name, "tasks", b",".join(map(self._task, found.tasks)))]

    def _task(self, row: TaskRow) -> bytes:
        return patches.encoded(rows.task_row(row, self.progress.get(TaskKey(row.task, row.map_index))))


class RunFeed(TasksFeed):
    """A run: itself, its node counters, its task runs outside of maps, the steps of its flows, signals."""

    def __init__(self, name: str, sources: Sources, since: int, run_id: str) -> None:
        super().__init__(name, sources, since, run_id)
        self._runs: Changes[RunRow] = Changes(lambda row: patches.encoded(rows.run(row)), since)
        self._nodes: Changes[tuple[NodeCounts, int]] = Changes(_node, since)
        self._steps: Changes[StepRow] = Changes(_step, since)
        self._signals: Changes[dict[str, Any]] = Changes(_encode, since)
        self.kinds = {
            "runs": self._runs,
            "steps": self._steps,
            "nodes": self._nodes,
            "tasks": self._tasks,
            "signals": self._signals,
        }
        self._counting: Counting | None = None
        self._declared: frozenset[str] = frozenset()
        """Nodes of the version: others are steps of flows."""
        self._sizes: dict[str, int] = {}
        self._counted_us = self._counting_took_us = 0
        owned = sources.owned(run_id)
        if owned is not None:
            self._begin_to_count(owned)

    def _begin_to_count(self, owned: OwnedRun) -> None:
        self._counting = Counting()
        self._counting.take(owned.machine)
        self._declared = frozenset(node.id for node in owned.pipeline.nodes)

    async def open(self) -> None:
        """See `Feed.open`."""
        await super().open()
        if self._counting is not None:
            self._counting.add_times(await self.sources.history.nodes(self.run_id))
        elif self.run is not None:
            try:
                pipeline, _ = await self.sources.versions.get(self.run.version)
                self._declared = frozenset(node.id for node in pipeline.nodes)
            except VersionMissing:
                pass  # its steps are then only seen in the counters

    def wants(self, task: str, map_index: MapIndex) -> bool:
        """What is not mapped; of flows that are not mapped, the steps."""
        return not map_index or (len(map_index) == 1 and bool(self._declared) and task not in self._declared)

    def committed(
        self, n: int, owned: OwnedRun, run: RunRow, tasks: Iterable[TaskRow], steps: Iterable[StepRow]
    ) -> None:
        """See `TasksFeed.committed`."""
        if self._counting is None:
            self._begin_to_count(owned)
            assert self._counting is not None
        tasks = list(tasks)
        super().committed(n, owned, run, tasks, steps)
        self._runs.put(n, "run", run)
        for step in steps:
            self._steps.put(n, step.task, step)
        for row in tasks:
            self._counting.put(row)
        for task in {row.task for row in tasks}:
            self._nodes.put(n, task, self._counting.counts(task))

    def signalled(self, n: int, signal: Signal) -> bool:
        """See `TasksFeed.signalled`."""
        super().signalled(n, signal)
        self._signals.put(
            n, (type(signal), signal.task, signal.map_index, getattr(signal, "name", "")), _signal(signal)
        )
        return True

    async def reset(self) -> bytes:
        """Everything but the indexes of maps."""
        history = self.sources.history
        run = (await history.get_runs([self.run_id])).get(self.run_id)
        if run is None:
            return patches.reset(self.name, [])
        nodes = await history.nodes(self.run_id)
        tasks = await self._unmapped(nodes)
        self._sized(tasks)
        return patches.reset(
            self.name,
            [
                patches.tagged("run", patches.encoded(rows.run(run))),
                *(patches.tagged("node", _node((node, self._sizes.get(node.task, -1)))) for node in nodes),
                *(patches.tagged("task", self._task(row)) for row in tasks),
            ],
        )

    async def _unmapped(self, nodes: Sequence[NodeCounts]) -> list[TaskRow]:
        history = self.sources.history
        if sum(node.total == 1 for node in nodes) > MOST_ENDED:
            page = await history.task_runs(TaskQuery(run_id=self.run_id, states=TOLD, limit=PAGE))
            return [row for row in page.tasks if self.wants(row.task, row.map_index)]
        if sum(node.total for node in nodes) > MOST_ROWS:
            # Mapped tasks are most of it: look for the others by name.
            alone = [node.task for node in nodes if node.total == 1][:MOST_LOOKED_UP]
            rows_of = [await history.task_run(self.run_id, task, ()) for task in alone]
            return [row for row in rows_of if row is not None]
        found: list[TaskRow] = []
        after: tuple[str, MapIndex] | None = None
        while True:
            page = await history.task_runs(TaskQuery(run_id=self.run_id, limit=PAGE, after=after))
            found += [row for row in page.tasks if self.wants(row.task, row.map_index)]
            after = page.next
            if after is None:
                return found

    async def _looked(self, n: int, found: Missed) -> None:
        self._runs.put(n, "run", found.run)
        self._sized(found.tasks)
        clock = self.sources.clock
        began_us = clock.now_us()
        if began_us - self._counted_us >= SLOW * self._counting_took_us or found.run.state.is_terminal:
            for node in await self.sources.history.nodes(self.run_id):
                if node.task in found.touched:
                    self._nodes.put(n, node.task, (node, self._sizes.get(node.task, -1)))
            self._counted_us = clock.now_us()
            self._counting_took_us = self._counted_us - began_us

    async def _told(self, found: Missed) -> list[bytes]:
        told = [patches.patch(self.name, "runs", patches.encoded(rows.run(found.run)))]
        if found.touched:
            self._sized(found.tasks)
            nodes = [node for node in await self.sources.history.nodes(self.run_id) if node.task in found.touched]
            told.append(
                patches.patch(
                    self.name, "nodes", b",".join(_node((node, self._sizes.get(node.task, -1))) for node in nodes)
                )
            )
        return told + await super()._told(found)

    def _sized(self, tasks: Iterable[TaskRow]) -> None:
        self._sizes.update({row.task: row.size for row in tasks if row.size >= 0})


def _node(counted: tuple[NodeCounts, int]) -> bytes:
    return patches.encoded(bulk.node_row(*counted))


def _step(step: StepRow) -> bytes:
    return _encode({"task": step.task, "body": step.body})


def _signal(signal: Signal) -> dict[str, Any]:
    where = {"task": signal.task, "index": list(signal.map_index)}
    match signal:
        case Metric():
            return {"signal": "metric", **where, "attempt": signal.attempt, "name": signal.name, "value": signal.value}
        case Artifact():
            return {"signal": "artifact", **where, "attempt": signal.attempt, "name": signal.name, "kind": signal.kind}
        case _:
            return {"signal": "progress", **where, "done": signal.done, "total": signal.total}

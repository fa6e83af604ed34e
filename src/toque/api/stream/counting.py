"""Counting: how many task runs of each node of a run are in which state, kept up with each row that is written."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from toque.api import bulk
from toque.engine.codes import CODE, READY, STATES
from toque.engine.rows import TaskRow
from toque.engine.state import Run
from toque.engine.values import MapIndex
from toque.ports.pages import NodeCounts

NO_ROW = 255


class Counted:
    """The counters of one node."""

    __slots__ = ("_told", "_written", "by_code", "finished_us", "ready_us", "size", "started_us", "task")

    def __init__(self, task: str) -> None:
        self.task = task
        self.by_code = [0] * len(STATES)
        self.ready_us = 0
        self.started_us = 0
        self.finished_us = 0
        self.size = -1
        self._told: tuple[NodeCounts, int] | None = None
        self._written: msgspec.Raw | None = None
        """As they were last asked for, until something changes: of 10,000 nodes few do between two questions."""

    def changed(self) -> None:
        """What was told does not hold any more."""
        self._told = None
        self._written = None

    def saw(self, ready_us: int, started_us: int, finished_us: int) -> None:
        """Take the first of the starts and the last of the ends."""
        self.changed()
        if ready_us and (not self.ready_us or ready_us < self.ready_us):
            self.ready_us = ready_us
        if started_us and (not self.started_us or started_us < self.started_us):
            self.started_us = started_us
        self.finished_us = max(self.finished_us, finished_us)

    @property
    def told(self) -> tuple[NodeCounts, int]:
        """The counts, and the size of a map (else -1)."""
        if self._told is None:
            counts = NodeCounts(
                task=self.task,
                counts={state: number for state, number in zip(STATES, self.by_code, strict=True) if number},
                ready_us=self.ready_us,
                started_us=self.started_us,
                finished_us=self.finished_us,
            )
            self._told = (counts, self.size)
        return self._told

    @property
    def written(self) -> msgspec.Raw:
        """The same as JSON of a `NodeStatus`."""
        if self._written is None:
            self._written = msgspec.Raw(bulk.encoded(bulk.node_row(*self.told)))
        return self._written


class Counting:
    """A byte for each task run that is known: its last state. What it was before a row says so is what is counted
    down, so the rows themselves need not be kept."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, MapIndex], bytearray] = {}
        self._nodes: dict[str, Counted] = {}
        self._sorted: list[Counted] | None = None

    def take(self, run: Run) -> None:
        """Begin with a run that is in memory. What was never touched has no row, and is not counted."""
        for name, node in run.nodes.items():
            counted = self._node(name)
            counted.by_code = [0] * len(STATES)
            counted.changed()
            for path, lane in node.lanes.items():
                states = bytearray(lane.state)
                for index, code in enumerate(states):
                    if code <= READY and index not in lane.live:
                        states[index] = NO_ROW
                self._states[name, path] = states
                for code in range(len(STATES)):
                    counted.by_code[code] += states.count(code)
                for row in lane.live.values():
                    counted.saw(row.ready_us, row.started_us, row.finished_us)
                    if row.size >= 0:
                        counted.size = row.size

    def add_times(self, nodes: Iterable[NodeCounts]) -> None:
        """What the rows of the store say of the times: a run in memory forgets those of what has ended."""
        for node in nodes:
            self._node(node.task).saw(node.ready_us, node.started_us, node.finished_us)

    def add_size(self, map_id: str, size: int) -> None:
        """What the store says of the size of a map."""
        counted = self._node(map_id)
        counted.size = size
        counted.changed()

    def put(self, row: TaskRow) -> None:
        """A row was written."""
        counted = self._node(row.task)
        path, index = row.map_index[:-1], row.map_index[-1] if row.map_index else 0
        states = self._states.get((row.task, path))
        if states is None:
            states = self._states[row.task, path] = bytearray()
        if index >= len(states):
            states.extend(bytes([NO_ROW]) * (index + 1 - len(states)))
        before, now = states[index], CODE[row.state]
        if before != NO_ROW:
            counted.by_code[before] -= 1
        counted.by_code[now] += 1
        states[index] = now
        if row.size >= 0:
            counted.size = row.size
        counted.saw(row.ready_us, row.started_us, row.finished_us)

    def all(self) -> list[tuple[NodeCounts, int]]:
        """All nodes of which a task run has a row, by id."""
        return [told for counted in self._in_order() if (told := counted.told)[0].counts]

    def rows(self) -> list[msgspec.Raw]:
        """The same as JSON."""
        return [counted.written for counted in self._in_order() if counted.told[0].counts]

    def counts(self, task: str) -> tuple[NodeCounts, int]:
        """Of one node, and its size if it is a map."""
        return self._nodes[task].told

    def _node(self, task: str) -> Counted:
        counted = self._nodes.get(task)
        if counted is None:
            counted = self._nodes[task] = Counted(task)
            self._sorted = None
        return counted

    def _in_order(self) -> list[Counted]:
        if self._sorted is None:
            self._sorted = [self._nodes[task] for task in sorted(self._nodes)]
        return self._sorted

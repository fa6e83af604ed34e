"""Counting: how many task runs of each node of a run are in which state, kept up with each row that is written."""

from __future__ import annotations

from collections.abc import Iterable

from toque.engine.codes import CODE, READY, STATES
from toque.engine.rows import TaskRow
from toque.engine.state import Run
from toque.engine.values import MapIndex
from toque.ports.pages import NodeCounts

NO_ROW = 255


class Counted:
    """The counters of one node."""

    __slots__ = ("by_code", "finished_us", "ready_us", "size", "started_us", "told")

    def __init__(self) -> None:
        self.by_code = [0] * len(STATES)
        self.ready_us = 0
        self.started_us = 0
        self.finished_us = 0
        self.size = -1
        self.told: NodeCounts | None = None
        """As it was last asked for, until something changes."""

    def saw(self, ready_us: int, started_us: int, finished_us: int) -> None:
        """Take the first of the starts and the last of the ends."""
        self.told = None
        if ready_us and (not self.ready_us or ready_us < self.ready_us):
            self.ready_us = ready_us
        if started_us and (not self.started_us or started_us < self.started_us):
            self.started_us = started_us
        self.finished_us = max(self.finished_us, finished_us)


class Counting:
    """A byte for each task run that is known: its last state. What it was before a row says so is what is counted
    down, so the rows themselves need not be kept."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, MapIndex], bytearray] = {}
        self._nodes: dict[str, Counted] = {}

    def take(self, run: Run) -> None:
        """Begin with a run that is in memory. What was never touched has no row, and is not counted."""
        for name, node in run.nodes.items():
            counted = self._nodes.setdefault(name, Counted())
            counted.by_code = [0] * len(STATES)
            counted.told = None
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
            self._nodes.setdefault(node.task, Counted()).saw(node.ready_us, node.started_us, node.finished_us)

    def add_size(self, map_id: str, size: int) -> None:
        """What the store says of the size of a map."""
        self._nodes.setdefault(map_id, Counted()).size = size

    def put(self, row: TaskRow) -> None:
        """A row was written."""
        counted = self._nodes.get(row.task)
        if counted is None:
            counted = self._nodes[row.task] = Counted()
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
        counted.saw(row.ready_us, row.started_us, row.finished_us)
        if row.size >= 0:
            counted.size = row.size

    def all(self) -> list[tuple[NodeCounts, int]]:
        """All nodes of which a task run has a row, by id."""
        found = (self.counts(task) for task in sorted(self._nodes))
        return [each for each in found if each[0].counts]

    def counts(self, task: str) -> tuple[NodeCounts, int]:
        """Of one node, and its size if it is a map."""
        counted = self._nodes[task]
        if counted.told is None:
            counted.told = NodeCounts(
                task=task,
                counts={state: number for state, number in zip(STATES, counted.by_code, strict=True) if number},
                ready_us=counted.ready_us,
                started_us=counted.started_us,
                finished_us=counted.finished_us,
            )
        return counted.told, counted.size

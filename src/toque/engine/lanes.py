"""Lanes: the instances of one node under one map index, kept so that what nothing has touched costs one byte."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from toque.engine.codes import COUNTER_MASK, FAILED_UNIT, OK_UNIT, READY, SKIPPED_UNIT, UNIT
from toque.engine.plan import NodePlan
from toque.engine.rows import TaskRow
from toque.engine.values import ErrorInfo, MapIndex, ValueRef

Exports: TypeAlias = tuple[bool | int | float | str | None, ...]


class Lane:
    """Instances 0 … size-1 of `node` whose map index begins with `path`."""

    __slots__ = (
        "counters",
        "deadline_us",
        "errors",
        "exports",
        "frame",
        "kept",
        "lengths",
        "live",
        "node",
        "opened",
        "orders",
        "path",
        "ready_us",
        "results",
        "state",
    )

    def __init__(self, node: NodeState, frame: Frame | None, path: MapIndex, size: int) -> None:
        self.node = node
        self.frame = frame
        """The scope that it belongs to; None for steps of a flow."""
        self.path = path
        self.state = bytearray(size)
        self.live: dict[int, TaskRow] = {}
        """Task runs that were touched and have not ended."""
        self.counters: dict[int, int] = {}
        """By index, while it waits and an upstream has ended: how many ended in which way (see `codes.UNIT`)."""
        self.results: list[ValueRef | None] = []
        self.errors: dict[int, ErrorInfo] = {}
        self.exports: dict[int, Exports] = {}
        self.lengths: dict[int, tuple[int, ...]] = {}
        self.opened: dict[int, Frame] = {}
        """Map nodes: the scope of each instance."""
        self.kept: dict[int, TaskRow] = {}
        """Steps of flows that ended: a replay asks for them."""
        self.orders: dict[int, int] = {}
        """Flow bodies: how many of their steps have ended."""
        self.ready_us = 0
        """When the instances became ready that were so from the opening of their scope."""
        self.deadline_us = 0
        """Theirs."""

    def key_of(self, index: int) -> MapIndex:
        """The map index of instance `index`."""
        return (*self.path, index) if self.node.plan.depth else ()

    def counted(self, index: int) -> tuple[int, int, int]:
        """How many upstreams ended ok, failed, skipped."""
        packed = self.counters.get(index, 0)
        return packed & COUNTER_MASK, packed // FAILED_UNIT & COUNTER_MASK, packed // SKIPPED_UNIT

    def untouched(self) -> list[int]:
        """Indexes that wait or are ready and have never been more than a byte."""
        live = self.live
        return [index for index, code in enumerate(self.state) if code <= READY and index not in live]

    def put_result(self, index: int, result: ValueRef | None) -> None:
        """Keep a result for the readers."""
        results = self.results
        if not results:
            results.extend([None] * len(self.state))
        results[index] = result

    def result(self, index: int) -> ValueRef | None:
        """What `put_result` kept."""
        return self.results[index] if self.results else None

    def grow(self, size: int) -> None:
        """Make room for more steps."""
        missing = size - len(self.state)
        if missing > 0:
            self.state.extend(bytes(missing))
            if self.results:
                self.results.extend([None] * missing)


class Frame:
    """An open scope: one index per item of a map node's instance. The pipeline itself is one of size 1."""

    __slots__ = (
        "_found",
        "ended",
        "errors",
        "failed",
        "first_failed",
        "index",
        "lane",
        "lanes",
        "left",
        "members",
        "outcomes",
        "path",
        "shape",
        "size",
        "skipped",
    )

    def __init__(self, lane: Lane | None, index: int, size: int, shape: tuple[int, ...], members: int) -> None:
        self.lane = lane
        """The map node's; None for the pipeline itself."""
        self.index = index
        self.path: MapIndex = lane.key_of(index) if lane is not None else ()
        self.size = size
        self.shape = shape
        self.members = members
        self.lanes: list[Lane] = []
        self.left = array("l", [members]) * (size if members > 1 else 0)
        """By index: members that have not ended (empty if there is only one)."""
        self.outcomes = bytearray(size)
        """By index: the code of how it ended."""
        self.ended = 0
        self.failed = 0
        self.skipped = 0
        self.errors: dict[int, tuple[int, ErrorInfo]] = {}
        """By index, while it has not ended: the error of its first failed member, and that one's place in the graph."""
        self.first_failed: tuple[int, ErrorInfo | None] | None = None
        """The lowest index that failed, and why."""
        self._found: dict[str, array[int]] = {}

    @property
    def is_over(self) -> bool:
        """Every index has ended."""
        return self.ended == self.size

    def usable_indexes(self) -> array[int]:
        """Indexes that succeeded, in order."""
        return self._indexes("usable", OK_UNIT)

    def failed_indexes(self) -> array[int]:
        """Indexes that failed (or could not start, or were cancelled), in order."""
        return self._indexes("failed", FAILED_UNIT)

    def _indexes(self, name: str, unit: int) -> array[int]:
        found = self._found.get(name)
        if found is None or not self.is_over:
            found = array("l", (index for index, code in enumerate(self.outcomes) if UNIT[code] == unit))
            self._found[name] = found
        return found


class NodeState:
    """A node in one run: its lanes, its neighbours, and which of its instances are ready."""

    __slots__ = (
        "body",
        "down",
        "handled",
        "host",
        "hosted",
        "lanes",
        "members",
        "openings",
        "plan",
        "queue",
        "ready",
        "rescuers",
        "sources",
        "steps",
    )

    def __init__(self, plan: NodePlan) -> None:
        self.plan = plan
        self.lanes: dict[MapIndex, Lane] = {}
        self.sources: list[NodeState] = []
        """In the order of `plan.edges`."""
        self.down: list[tuple[NodeState, bool]] = []
        """Who waits for its end; whether as an outcome."""
        self.openings: list[NodeState] = []
        """Map nodes that wait for its opening only."""
        self.rescuers: list[NodeState] = []
        """Downstreams that handle its failure if they succeed."""
        self.handled = False
        """An `outcome` edge leads on from here."""
        self.members: list[NodeState] = []
        self.body: NodeState | None = None
        """Steps: the flow that they belong to."""
        self.steps: list[NodeState] = []
        self.host: NodeState | None = None
        """The node whose attempts run its instances; None for one that is dispatched itself."""
        self.hosted: list[NodeState] = []
        """Nodes that the attempts of this one run, in the order of the graph."""
        self.queue: deque[tuple[Lane, int, int]] = deque()
        """Ranges (start, stop) of ready instances, first come first; those that are ready no more are passed over."""
        self.ready = 0
        """How many are ready."""

    def lane_of(self, map_index: MapIndex) -> tuple[Lane, int] | None:
        """Where the instance is, if it exists."""
        if len(map_index) != self.plan.depth:
            return None
        lane = self.lanes.get(map_index[:-1])
        index = map_index[-1] if map_index else 0
        if lane is None or not 0 <= index < len(lane.state):
            return None
        if self.body is not None and not lane.state[index] and index not in lane.live:
            return None  # A flow may ask for its third occurrence before its second: there is no second yet.
        return lane, index

    def enqueue(self, lane: Lane, start: int, stop: int) -> None:
        """Line up instances that have become ready, unless their host gets to them."""
        if self.host is not None:
            return
        queue = self.queue
        if queue:
            last_lane, first, last = queue[-1]
            if last_lane is lane and last == start:
                queue[-1] = (lane, first, stop)
                return
        queue.append((lane, start, stop))

    def next_ready(self) -> Iterator[tuple[Lane, int]]:
        """Take ready instances off the line; the caller dispatches each before it asks for the next.

        The line is an order, not a record: what is ready stands in the states.
        """
        queue = self.queue
        while queue:
            lane, start, stop = queue.popleft()
            while start < stop:
                start += 1
                if lane.state[start - 1] == READY:
                    if start < stop:
                        queue.appendleft((lane, start, stop))
                    yield lane, start - 1
                    if start < stop:
                        queue.popleft()


def connect(nodes: dict[str, NodeState]) -> None:
    """Have all nodes of a pipeline know their neighbours."""
    for node in nodes.values():
        if node.plan.scope:
            nodes[node.plan.scope].members.append(node)
        if node.plan.host:
            node.host = nodes[node.plan.host]
            node.host.hosted.append(node)
        for edge in node.plan.edges:
            source = nodes[edge.source]
            node.sources.append(source)
            if edge.opening:
                source.openings.append(node)
                continue
            source.down.append((node, edge.outcome))
            source.handled = source.handled or edge.outcome
            if node.plan.rescues and not edge.outcome and not edge.gate:
                source.rescuers.append(node)

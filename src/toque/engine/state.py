"""The run machine's state: everything that facts have made true, and nothing else but caches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.engine.codes import DISPATCHED, RUNNING
from toque.engine.lanes import Frame, Lane, NodeState, connect
from toque.engine.plan import plan
from toque.engine.rows import AssetEventRow, AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.values import MapIndex, TaskKey, Token
from toque.graph.ir import AnyNode, Pipeline, TaskNode

MAX_REPORTED_FAILURES = 100


class Run:
    """One run of a pipeline. Changed by `evolve` only."""

    __slots__ = (
        "attempts",
        "dirty",
        "failed",
        "failed_count",
        "new_events",
        "new_steps",
        "nodes",
        "pipeline",
        "readied",
        "root",
        "row",
        "steps_open",
        "taken_over",
    )

    def __init__(self, pipeline: Pipeline, row: RunRow) -> None:
        self.pipeline = pipeline
        self.row = row
        self.nodes: dict[str, NodeState] = {name: NodeState(node) for name, node in plan(pipeline).items()}
        connect(self.nodes)
        members = [node for node in self.nodes.values() if not node.plan.scope]
        self.root = Frame(None, 0, 1, (), sum(not node.plan.is_hook for node in members))
        for node in members:
            node.lanes[()] = lane = Lane(node, None if node.plan.is_hook else self.root, (), 1)
            if not node.plan.is_hook:
                self.root.lanes.append(lane)
        if not self.root.members:
            self.root.ended = 1
        self.steps_open = 0
        """Steps of flows that have not ended."""
        self.failed: list[tuple[TaskKey, str, str]] = []
        """The first failed task runs in order of failure: key, type and message of the error."""
        self.failed_count = 0
        self.taken_over: dict[TaskKey, TaskRow] = {}
        """A rerun that has not started: what it takes over from its origin."""
        # Collected for the caller between two turns; not state.
        self.dirty: dict[int, TaskRow] = {}
        self.attempts: list[AttemptRow] = []
        self.new_steps: list[StepRow] = []
        self.new_events: list[AssetEventRow] = []
        self.readied: dict[str, int] = {}

    def node(self, task: str) -> AnyNode:
        """The node of a task run. Raises `KeyError`."""
        return self.nodes[task].plan.node

    def task_run(self, key: TaskKey) -> TaskRow | None:
        """The live row of a task run that was touched and has not ended. Not to be changed."""
        node = self.nodes.get(key.task)
        found = node.lane_of(key.map_index) if node is not None else None
        return None if found is None else found[0].live.get(found[1])

    def state_code(self, key: TaskKey) -> int | None:
        """The state of any task run as a code of `codes`; None if it does not exist."""
        node = self.nodes.get(key.task)
        found = node.lane_of(key.map_index) if node is not None else None
        return None if found is None else found[0].state[found[1]]

    def active(self) -> list[tuple[TaskKey, int, Token]]:
        """Attempts that an executor holds: (task run, attempt, token)."""
        return [
            (TaskKey(row.task, row.map_index), row.attempt, row.token)
            for lane in self.lanes()
            for index, row in lane.live.items()
            if row.token is not None and lane.state[index] in (DISPATCHED, RUNNING)
        ]

    def lanes(self) -> Iterator[Lane]:
        """Every lane there is."""
        for node in self.nodes.values():
            yield from node.lanes.values()

    @property
    def hooks(self) -> Sequence[NodeState]:
        """`on_failure` and `on_success`."""
        return [node for node in self.nodes.values() if node.plan.is_hook]

    def is_step(self, task: str) -> bool:
        """Whether a flow declared the node while it ran."""
        return self.nodes[task].body is not None


def step_key(task: TaskNode, body_index: MapIndex, occurrence: int) -> TaskKey:
    """The task run of one occurrence of a step."""
    return TaskKey(task.id, (*body_index, occurrence))

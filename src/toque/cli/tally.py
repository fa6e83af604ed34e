"""The tally of a run: what its facts add up to, task by task. Pure; the views of a run read only this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from toque.cli.data_told import DataTold
from toque.engine import facts as f
from toque.engine.facts import AnyFact
from toque.engine.states import TERMINAL, RunState, TaskState
from toque.engine.values import ErrorInfo, MapIndex, TaskKey
from toque.graph.ir import JoinNode, MapNode, Pipeline, TaskNode
from toque.ports.executor import Progress

_STATES: dict[type[f.Fact], TaskState] = {
    f.Readied: TaskState.READY,
    f.Dispatched: TaskState.DISPATCHED,
    f.Started: TaskState.RUNNING,
    f.RetryScheduled: TaskState.RETRYING,
    f.Deferred: TaskState.DEFERRED,
    f.Succeeded: TaskState.SUCCEEDED,
    f.Failed: TaskState.FAILED,
    f.Skipped: TaskState.SKIPPED,
    f.UpstreamFailed: TaskState.UPSTREAM_FAILED,
    f.Cancelled: TaskState.CANCELLED,
    f.ScopeOpened: TaskState.RUNNING,
}
_SILENT = frozenset({f.Readied, f.Dispatched, f.Started, f.RetryScheduled, f.Deferred})
"""Say nothing beside the state."""


@dataclass
class TaskTally:
    """One node of the graph, with all its task runs."""

    id: str
    scope: str = ""
    group: str = ""
    host: str = ""
    """The node whose attempt runs it, if it has none of its own."""
    is_hook: bool = False
    is_step: bool = False
    """A step of the flow that `group` names: it has as many task runs as the body asks for."""
    runs_code: bool = True
    """False for map and join nodes."""
    counts: Counter[TaskState] = field(default_factory=Counter)
    """Task runs by state; those that still wait are not counted."""
    size: int | None = None
    """How many task runs there will be; None while that is not known."""
    first_us: int = 0
    last_us: int = 0
    busy_us: int = 0
    """Time in user code, all task runs together."""
    retries: int = 0
    cached: int = 0
    reused: int = 0
    closed: TaskState | None = None
    """How the map around it ended, which may be before each index was looked at."""
    note: str = ""
    """Why it was skipped or not run."""
    done: float = 0
    total: float | None = None
    """Of `progress(done, total)`."""
    data: DataTold = field(default_factory=DataTold)
    """Rows and checks."""

    @property
    def ended(self) -> int:
        """Task runs that are over."""
        return sum(self.counts[state] for state in TERMINAL)

    @property
    def is_over(self) -> bool:
        """Nothing more happens in this node."""
        return self.closed is not None or (self.size is not None and self.ended >= self.size)

    @property
    def is_mapped(self) -> bool:
        """It may have many task runs: one for each index of its scope, or for each time that a flow asks."""
        return self.is_step or bool(self.scope)

    @property
    def state(self) -> TaskState:
        """The one state that says most about all of them."""
        if self.closed is TaskState.CANCELLED:
            return self.closed
        order = (
            TaskState.RUNNING,
            TaskState.RETRYING,
            TaskState.DISPATCHED,
            TaskState.DEFERRED,
            TaskState.READY,
            TaskState.FAILED,
            TaskState.UPSTREAM_FAILED,
            TaskState.CANCELLED,
            TaskState.SUCCEEDED,
            TaskState.SKIPPED,
        )
        found = next((state for state in order if self.counts[state]), TaskState.WAITING)
        if self.closed is TaskState.SUCCEEDED and found in (TaskState.FAILED, TaskState.UPSTREAM_FAILED):
            return self.closed  # so many failures were tolerated
        if found in TERMINAL and not self.is_over:
            return TaskState.WAITING if not self.is_mapped else TaskState.RUNNING
        return found


class Tally:
    """Folds the facts of one run."""

    def __init__(self, pipeline: Pipeline, run_id: str) -> None:
        self.pipeline = pipeline.name
        self.run_id = run_id
        self.state = RunState.QUEUED
        self.started_us = 0
        self.finished_us = 0
        self.cancelled_by = ""
        self.failures: dict[TaskKey, ErrorInfo] = {}
        """What failed and has not been healed by a later attempt."""
        self.nodes: dict[str, TaskTally] = {}
        self._states: dict[tuple[str, MapIndex], TaskState] = {}
        self._began_us: dict[tuple[str, MapIndex], int] = {}
        self._sizes: Counter[str] = Counter({"": 1})
        self._open: Counter[str] = Counter()
        for node in pipeline.nodes:
            self._add(node)

    @property
    def tasks(self) -> list[TaskTally]:
        """Nodes that run user code, hooks that never began left out."""
        return [
            node
            for node in list(self.nodes.values())  # a copy: a view may draw in a thread of its own
            if node.runs_code and not (node.is_hook and not node.counts and not node.retries)
        ]

    def named(self, task: str) -> str:
        """`price × 12` for the map `price[]`, which is nobody's word; any other name as it is."""
        if not task.endswith("[]"):
            return task.replace("[][", "[")
        return f"{task[:-2]} × {self._sizes[task]:,}" if self._open[task] else task[:-2]

    def add(self, news: Iterable[AnyFact]) -> None:
        """Take the next facts of the run, in order."""
        # A run of many small tasks passes through here four times a task, on the thread of the loop.
        for fact in news:
            state = _STATES.get(type(fact))
            if state is not None:
                assert isinstance(fact, f.TaskFact)
                node = self.nodes.get(fact.task)
                if node is not None:
                    if type(fact) not in _SILENT:
                        self._note(node, fact)
                    self._move(node, (fact.task, fact.map_index), state, fact.at_us)
            elif isinstance(fact, f.TaskFact):
                if fact.task in self.nodes:
                    self._note(self.nodes[fact.task], fact)
            else:
                self._run_fact(fact)

    def progress(self, signal: Progress) -> None:
        """Take what a task said about how far it is."""
        node = self.nodes.get(signal.task)
        if node is not None and not node.is_mapped:
            node.done, node.total = signal.done, signal.total

    def _add(self, node: TaskNode | MapNode | JoinNode, flow: str = "") -> None:
        if node.id not in self.nodes:
            self.nodes[node.id] = TaskTally(
                node.id,
                scope=node.scope,
                group=flow or node.meta.group,
                is_step=bool(flow),
                host=node.host if isinstance(node, TaskNode) else "",
                is_hook=isinstance(node, TaskNode) and bool(node.hook),
                runs_code=isinstance(node, TaskNode),
                size=None if node.scope or flow else 1,
            )

    def _run_fact(self, fact: AnyFact) -> None:
        match fact:
            case f.RunStarted():
                self.state, self.started_us = RunState.RUNNING, self.started_us or fact.at_us
            case f.CancelRequested():
                self.cancelled_by = fact.actor
            case f.RunSuspended():
                self.state = RunState.SUSPENDED
            case f.RunResumed():
                self.state = RunState.RUNNING
            case f.RunFinished():
                self.state, self.finished_us = fact.state, fact.at_us
            case f.StepDeclared():
                self._add(fact.node, flow=fact.body)
            case _:
                pass

    def _note(self, node: TaskTally, fact: f.TaskFact) -> None:
        """What a fact says beside the state that it leads to."""
        match fact:
            case f.Succeeded():
                if self.failures:
                    self.failures.pop(fact.key, None)
                node.cached += bool(fact.cached_from)
            case f.ScopeOpened():
                self._scope_opened(fact)
            case f.StepAdded():
                node.size = (node.size or 0) + 1
            case f.AttemptEnded():
                node.retries += fact.spends == "retry"
                if fact.error is not None and fact.spends:
                    self.failures[fact.key] = fact.error
            case f.Failed():
                self.failures[fact.key] = fact.error
            case f.Skipped() | f.Cancelled():
                node.note = fact.reason
            case f.UpstreamFailed():
                node.note = f"after {self.named(fact.culprit)}"
            case f.Reused():
                node.reused += 1
            case f.AssetsTold():
                node.data.add(fact.events)
            case _:
                pass

    def _move(self, node: TaskTally, key: tuple[str, MapIndex], state: TaskState, at_us: int) -> None:
        old = self._states.pop(key, None)
        if old is not None:
            node.counts[old] -= 1
        node.counts[state] += 1
        if state is TaskState.RUNNING:
            self._began_us[key] = at_us
            node.first_us = node.first_us or at_us
        elif old is TaskState.RUNNING:
            node.busy_us += at_us - self._began_us.pop(key, at_us)
        if state in TERMINAL:
            if not node.runs_code and not key[1]:
                self._close(node.id, state)
            node.last_us = at_us
            node.first_us = node.first_us or at_us
        else:
            self._states[key] = state

    def _close(self, scope: str, state: TaskState) -> None:
        for node in self.nodes.values():
            if node.scope == scope:
                node.closed = state
                if not node.runs_code:
                    self._close(node.id, state)

    def _scope_opened(self, fact: f.ScopeOpened) -> None:
        """Members of a scope have as many task runs as all its openings have indexes."""
        self._sizes[fact.task] += fact.size
        self._open[fact.task] += 1
        for node in self.nodes.values():
            if node.scope == fact.task and self._open[fact.task] >= self._openings(fact.task):
                node.size = self._sizes[fact.task]

    def _openings(self, scope: str) -> int:
        """How often a map node opens: once for each index of the scope that it lives in itself."""
        outer = self.nodes[scope].size
        return outer if outer is not None else 2**62

"""Drives one run through its machine by hand: grants slots, answers attempts, and checks each decision twice over.

After every input the facts are folded into a second machine, so that any state which `decide` changed without a fact
shows at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from toque.engine import effects as fx
from toque.engine import inputs as i
from toque.engine.facts import AnyFact
from toque.engine.projection import drain_rows
from toque.engine.rows import AssetEventRow, RunRow, StepRow, TaskRow
from toque.engine.run import Decision, Run, decide, evolve, new_run
from toque.engine.states import RunState, TaskState
from toque.engine.values import ErrorInfo, TaskKey, Token, ValueRef
from toque.graph.expr import AnyExpr, Ref
from toque.graph.ir import (
    AnyNode,
    Axis,
    CodeRef,
    Edge,
    JoinNode,
    MapNode,
    Pipeline,
    RetryPolicy,
    TaskNode,
    TaskPolicy,
)

CODE = CodeRef(module="m", qualname="f")
ERROR = ErrorInfo(kind="transient", type="ValueError", message="no")


def task(name: str, *after: str | Edge, **fields: Any) -> TaskNode:
    """A task that waits for `after`."""
    return TaskNode(id=name, code=CODE, upstream=edges(after), **fields)


def mapped(name: str, *axes: AnyExpr | Axis, after: Sequence[str] = (), **fields: Any) -> list[AnyNode]:
    """`name.map(each(axis), …)`: its map node and its task."""
    tolerate = fields.pop("tolerate", 0)
    mode = fields.pop("mode", "zip")
    rule = fields.pop("map_rule", "all_success")
    member_after = fields.pop("member_after", ())
    scope = fields.pop("scope", "")
    return [
        MapNode(
            id=f"{name}[]",
            scope=scope,
            axes=tuple(axis if isinstance(axis, Axis) else Axis(source=axis) for axis in axes),
            upstream=edges(after),
            result=Ref(node=name),
            tolerate=tolerate,
            mode=mode,
            rule=rule,
        ),
        TaskNode(id=name, scope=f"{name}[]", code=CODE, upstream=edges(member_after), **fields),
    ]


def join(name: str, *sources: str, rule: Any = "none_failed_min_one_success") -> JoinNode:
    """`one_of(sources)`."""
    return JoinNode(id=name, sources=tuple(Ref(node=s) for s in sources), upstream=edges(sources), rule=rule)


def edges(after: Iterable[str | Edge]) -> tuple[Edge, ...]:
    """Edges in order; names become data edges."""
    return tuple(edge if isinstance(edge, Edge) else Edge(source=edge) for edge in after)


def pipeline(*nodes: AnyNode | list[AnyNode], **fields: Any) -> Pipeline:
    """A pipeline of `nodes`, which may be given in lists."""
    flat = [node for given in nodes for node in (given if isinstance(given, list) else [given])]
    return Pipeline(name="p", nodes=tuple(flat), **fields)


def retries(times: int, **fields: Any) -> TaskPolicy:
    """A policy that retries."""
    return TaskPolicy(retry=RetryPolicy(times=times, **fields))


def value(number: int = 0) -> ValueRef:
    """A small result."""
    return ValueRef(codec="json", inline=str(number).encode())


class Driver:
    """A run, and everything it said."""

    def __init__(
        self,
        given: Pipeline,
        *,
        reuse: Sequence[TaskRow] = (),
        start: bool = True,
        run_id: str = "r",
        parameters: dict[str, Any] | None = None,
        row: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline = given
        self.now = 1_000_000
        self.tokens = 0
        fields = {"version": "v", "created_us": 1, "state": RunState.QUEUED, **(row or {})}
        fields["parameters"] = parameters or {}
        self.run: Run = new_run(given, RunRow(run_id=run_id, pipeline=given.name, **fields), reuse)
        self.facts: list[AnyFact] = []
        self.effects: list[fx.AnyEffect] = []
        self.wanted: dict[str, int] = {}
        self.rows: dict[TaskKey, TaskRow] = {}
        self.steps: list[StepRow] = []
        self.events: list[AssetEventRow] = []
        self.run_row = self.run.row
        if start:
            self.feed(i.Start(run_id=run_id))

    # -- inputs

    def feed(self, given: i.AnyInput) -> Decision:
        """Decide one input and book what came of it."""
        decision = decide(self.run, given, self.now)
        self.facts.extend(decision.facts)
        self.effects.extend(decision.effects)
        for effect in decision.effects:
            if isinstance(effect, fx.RequestSlots):
                self.wanted[effect.task] = self.wanted.get(effect.task, 0) + effect.count
            elif isinstance(effect, fx.WithdrawRequest):
                self.wanted[effect.task] -= effect.count
        drained = drain_rows(self.run)
        for row in drained.tasks:
            self.rows[TaskKey(row.task, row.map_index)] = row
        self.steps.extend(drained.steps)
        self.events.extend(drained.events)
        self.run_row = drained.run
        return decision

    def grant(self, name: str, count: int = 1) -> list[fx.Dispatch]:
        """Admit `count` task runs of a task; returns what is dispatched."""
        tokens = tuple(self.token() for _ in range(count))
        self.wanted[name] = self.wanted.get(name, 0) - count
        decision = self.feed(i.Admitted(run_id=self.run.row.run_id, task=name, tokens=tokens))
        return [effect for effect in decision.effects if isinstance(effect, fx.Dispatch)]

    def token(self) -> Token:
        """A new fencing token."""
        self.tokens += 1
        return Token(1, self.tokens)

    def dispatch(self, name: str, *index: int) -> i.AttemptStarted:
        """Grant slots until this task run is dispatched, and start it. Returns the report of its start."""
        row = self.run.task_run(TaskKey(name, index))
        while row is None or row.token is None:
            assert self.grant(name), f"{name}{list(index)} is not ready: {self.state(name, *index)}"
            row = self.run.task_run(TaskKey(name, index))
        started = self.about(i.AttemptStarted, name, *index, started_us=self.now)
        self.feed(started)
        return started

    def about(self, kind: Any, name: str, *index: int, **fields: Any) -> Any:
        """A report about the attempt that is active now."""
        row = self.run.task_run(TaskKey(name, index))
        assert row is not None, f"{name}{list(index)} is not live"
        return kind(run_id=row.run_id, task=name, map_index=index, attempt=row.attempt, token=row.token, **fields)

    def succeed(self, name: str, *index: int, number: int = 0, **fields: Any) -> Decision:
        """Run a task run to its good end."""
        self.dispatch(name, *index)
        fields.setdefault("result", value(number))
        return self.feed(
            self.about(i.AttemptSucceeded, name, *index, started_us=self.now, finished_us=self.now, **fields)
        )

    def fail(self, name: str, *index: int, error: ErrorInfo = ERROR, **fields: Any) -> Decision:
        """Run a task run to an error."""
        self.dispatch(name, *index)
        return self.feed(
            self.about(i.AttemptFailed, name, *index, started_us=self.now, finished_us=self.now, error=error, **fields)
        )

    def skip(self, name: str, *index: int, reason: str = "nothing new") -> Decision:
        """Have the body of a task run raise `Skip`."""
        self.dispatch(name, *index)
        return self.feed(self.about(i.AttemptSkipped, name, *index, finished_us=self.now, reason=reason))

    def lose(self, name: str, *index: int, blameless: bool = False) -> Decision:
        """The worker of an active attempt dies."""
        return self.feed(
            self.about(i.AttemptLost, name, *index, finished_us=self.now, reason="killed", blameless=blameless)
        )

    def defer(self, name: str, *index: int, seconds: float = 30, handle: Any = None) -> Decision:
        """The body raises `NotYet`."""
        self.dispatch(name, *index)
        return self.feed(
            self.about(i.AttemptDeferred, name, *index, finished_us=self.now, resume_after_s=seconds, handle=handle)
        )

    def cancelled(self, name: str, *index: int) -> Decision:
        """The attempt ended because it was told to."""
        return self.feed(self.about(i.AttemptCancelled, name, *index, finished_us=self.now))

    def timer(self, kind: Any, name: str = "", *index: int) -> Decision:
        """A timer fires."""
        return self.feed(i.TimerFired(run_id=self.run.row.run_id, kind=kind, task=name, map_index=index))

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self.now += round(seconds * 1_000_000)

    def cancel(self, name: str = "", *index: int) -> Decision:
        """Cancel the run or a task run."""
        return self.feed(i.Cancel(run_id=self.run.row.run_id, actor="ana", reason="enough", task=name, map_index=index))

    # -- looking

    def state(self, name: str, *index: int) -> str:
        """The state of a task run."""
        code = self.run.state_code(TaskKey(name, index))
        return "absent" if code is None else list(TaskState)[code].value

    def states(self, *names: str) -> str:
        """The states of several task runs without index, in one line."""
        return " ".join(self.state(name) for name in names)

    def row(self, name: str, *index: int) -> TaskRow:
        """The last row that was drained."""
        return self.rows[TaskKey(name, index)]

    @property
    def run_state(self) -> str:
        """Of the run."""
        return self.run.row.state.value

    def said(self, kind: type) -> list[Any]:
        """All facts or effects of one kind."""
        return [thing for thing in (*self.facts, *self.effects) if isinstance(thing, kind)]

    def refold(self) -> Run:
        """A second machine, made of the facts alone."""
        again = new_run(self.pipeline, RunRow(**{**_fields(self.run.row), **_QUEUED}))
        for fact in self.facts:
            evolve(again, fact)
        return again


_QUEUED: dict[str, Any] = {
    "state": RunState.QUEUED,
    "started_us": 0,
    "finished_us": 0,
    "outcome": None,
    "cancel_requested": False,
    "error": None,
    "reason": "",
}


def _fields(row: RunRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}

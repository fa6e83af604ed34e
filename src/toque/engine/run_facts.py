"""Facts about a run as a whole, and about the steps that its flows add to it, made true."""

from __future__ import annotations

import msgspec

from toque.engine import facts as f
from toque.engine.lanes import Lane, NodeState
from toque.engine.plan import plan_step
from toque.engine.rows import AssetEventRow, StepRow
from toque.engine.state import Run
from toque.engine.states import RUN_TRANSITIONS, RunState
from toque.engine.task_facts import touch
from toque.engine.values import ErrorInfo
from toque.errors import ToqueBug
from toque.graph.ir import TaskNode

DEADLINE = "deadline"
"""The actor of cancels that a run's own deadline asks for."""


def _run_to(run: Run, state: RunState) -> None:
    if state not in RUN_TRANSITIONS[run.row.state]:
        raise ToqueBug(f"run {run.row.run_id} cannot go from {run.row.state} to {state}")
    run.row.state = state


def run_started(run: Run, fact: f.RunStarted) -> None:
    _run_to(run, RunState.RUNNING)
    run.row.started_us = fact.at_us


def cancel_requested(run: Run, fact: f.CancelRequested) -> None:
    run.row.cancel_requested = True
    run.row.reason = fact.reason
    if fact.actor == DEADLINE:
        run.row.error = ErrorInfo(kind="transient", type="DeadlineExceeded", message=fact.reason, retryable=False)


def run_suspended(run: Run, fact: f.RunSuspended) -> None:
    _run_to(run, RunState.SUSPENDED)
    run.row.reason = fact.reason


def run_resumed(run: Run, fact: f.RunResumed) -> None:
    _run_to(run, RunState.RUNNING)
    if not run.row.cancel_requested:
        run.row.reason = ""


def outcome_decided(run: Run, fact: f.OutcomeDecided) -> None:
    run.row.outcome = fact.state
    run.row.error = fact.error


def run_finished(run: Run, fact: f.RunFinished) -> None:
    _run_to(run, fact.state)
    run.row.finished_us = fact.at_us


def run_late(run: Run, fact: f.RunLate) -> None:
    run.row.late_us = fact.at_us


def rejected(run: Run, fact: f.Rejected) -> None:
    """Nothing changed."""


def assets_told(run: Run, fact: f.AssetsTold) -> None:
    """Nothing changed in the run: the rows are for those who look at data."""
    run.new_events.extend(
        AssetEventRow(
            run_id=run.row.run_id,
            task=fact.task,
            map_index=fact.map_index,
            attempt=fact.attempt,
            n=n,
            pipeline=run.row.pipeline,
            asset=event.asset,
            partition=event.partition,
            kind=str(type(event).__struct_config__.tag),
            at_us=fact.at_us,
            event=event,
            backfill_id=run.row.backfill_id,
        )
        for n, event in enumerate(fact.events)
    )


# -- steps of flows


def declare_step(run: Run, node: TaskNode, body: str) -> NodeState:
    """Add a node that a flow declared while it ran."""
    parent = run.nodes[body]
    step = NodeState(plan_step(node, parent.plan, len(run.nodes)))
    step.body = parent
    parent.steps.append(step)
    run.nodes[node.id] = step
    return step


def add_step(step: NodeState, path: tuple[int, ...], occurrence: int) -> Lane:
    """Make room for one more occurrence."""
    lane = step.lanes.get(path)
    if lane is None:
        lane = step.lanes[path] = Lane(step, None, path, 0)
    lane.grow(occurrence + 1)
    return lane


def step_declared(run: Run, fact: f.StepDeclared) -> None:
    declare_step(run, fact.node, fact.body)
    run.new_steps.append(
        StepRow(run_id=run.row.run_id, task=fact.node.id, body=fact.body, node=msgspec.msgpack.encode(fact.node))
    )


def step_added(run: Run, fact: f.StepAdded) -> None:
    lane = add_step(run.nodes[fact.task], fact.map_index[:-1], fact.map_index[-1])
    row = touch(run, lane, fact.map_index[-1])
    row.step_digest = fact.digest
    row.payload = fact.payload
    run.steps_open += 1

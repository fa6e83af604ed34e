"""`evolve`: the fold of facts into the state of a run. It decides nothing, and it breaks on an illegal move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from toque.engine import facts as f
from toque.engine.codes import (
    CANCELLED,
    DEFERRED,
    DISPATCHED,
    FAILED,
    LEGAL,
    READY,
    RETRYING,
    RUNNING,
    SKIPPED,
    STATES,
    SUCCEEDED,
    UPSTREAM_FAILED,
    WAITING,
)
from toque.engine.lanes import Lane, NodeState
from toque.engine.plan import plan_step
from toque.engine.rows import AttemptRow, StepRow, TaskRow
from toque.engine.scopes import count_chained, count_end, count_opening, count_ready, open_scope, ready_at_opening
from toque.engine.state import MAX_REPORTED_FAILURES, Run
from toque.engine.states import RUN_TRANSITIONS, RunState
from toque.engine.values import ErrorInfo, TaskKey
from toque.errors import ToqueBug
from toque.graph.ir import TaskNode

DEADLINE = "deadline"
"""The actor of cancels that a run's own deadline asks for."""


def evolve(run: Run, fact: f.AnyFact) -> None:
    """Make `fact` true."""
    _EVOLVE[type(fact)](run, fact)


# -- one task run


def find(run: Run, fact: f.TaskFact) -> tuple[Lane, int]:
    """Where the task run of a fact is. A fact about something that does not exist is a bug."""
    node = run.nodes.get(fact.task)
    found = node.lane_of(fact.map_index) if node is not None else None
    if found is None:
        raise ToqueBug(f"a fact about {fact.key}, which does not exist in run {run.row.run_id}: {fact!r}")
    return found


def touch(run: Run, lane: Lane, index: int) -> TaskRow:
    """The row of a task run, made at its first touch; the next drain hands it out."""
    row = lane.live.get(index)
    if row is None:
        code = lane.state[index]
        row = TaskRow(run_id=run.row.run_id, task=lane.node.plan.id, map_index=lane.key_of(index), state=STATES[code])
        if code == READY:
            row.ready_us = lane.ready_us
            row.deadline_us = lane.deadline_us
        if run.row.partition_key:
            row.partition_key = run.row.partition_key
        lane.live[index] = row
    run.dirty[id(row)] = row
    return row


def _move(run: Run, lane: Lane, index: int, row: TaskRow, code: int) -> None:
    before = lane.state[index]
    if code not in LEGAL[before] and row.marked is None and not row.reused_from:
        raise ToqueBug(f"{row.task}{list(row.map_index)} cannot go from {STATES[before]} to {STATES[code]}")
    if before == READY:
        if code == DISPATCHED:
            lane.node.ready -= 1
        else:
            count_ready(run, lane.node, -1)
    elif before == WAITING:
        lane.counters.pop(index, None)
    lane.state[index] = code
    row.state = STATES[code]


def _end(run: Run, lane: Lane, index: int, code: int, finished_us: int) -> None:
    """A task run has ended: keep what readers need, count it, and let go of its row."""
    row = lane.live[index]
    before = lane.state[index]
    row.finished_us = finished_us
    row.token = None
    _move(run, lane, index, row, code)
    keep(run, lane, index, row)
    count_end(lane, index, was_waiting=before == WAITING)


def keep(run: Run, lane: Lane, index: int, row: TaskRow) -> None:
    """Take what readers need from the row of an ended task run."""
    lane.live.pop(index, None)
    plan = lane.node.plan
    frame = lane.frame
    if row.error is not None:
        if plan.keeps_errors or frame is run.root or frame is None:
            lane.errors[index] = row.error
        if frame is not None and frame is not run.root:
            frame.errors.setdefault(index, row.error)
    if row.state is STATES[SUCCEEDED]:
        if plan.has_readers and row.result is not None:
            lane.put_result(index, row.result)
        if row.exports:
            lane.exports[index] = row.exports
        if row.lengths:
            lane.lengths[index] = row.lengths
    elif row.state is STATES[FAILED] and plan.is_task:
        run.failed_count += 1
        if row.error is not None and len(run.failed) < MAX_REPORTED_FAILURES:
            run.failed.append((TaskKey(row.task, row.map_index), row.error.type, row.error.message))
    if lane.node.body is not None:
        lane.kept[index] = row
        run.steps_open -= 1
        count_step(lane, index, row)
    if lane.node.steps:
        _drop_steps(lane, index)


def count_step(lane: Lane, index: int, row: TaskRow) -> None:
    """Number the ends of a flow's steps, so that a replay sees them in the order in which they came."""
    assert lane.node.body is not None
    found = lane.node.body.lane_of(row.map_index[:-1])
    if found is None:
        raise ToqueBug(f"step {row.task} has no body at {row.map_index[:-1]}")
    body, at = found
    if not row.order:
        row.order = body.orders.get(at, 0) + 1
    body.orders[at] = max(body.orders.get(at, 0), row.order)


def _drop_steps(lane: Lane, index: int) -> None:
    """The body has ended: nobody will ask for its steps again."""
    path = lane.key_of(index)
    for step in lane.node.steps:
        steps = step.lanes.get(path)
        if steps is not None:
            steps.kept.clear()
            steps.results.clear()
            steps.errors.clear()


def _readied(run: Run, fact: f.Readied) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, READY)
    row.token = None
    row.due_us = 0
    row.ready_us = fact.at_us
    if lane.node.plan.deadline_us and not row.deadline_us:
        row.deadline_us = fact.at_us + lane.node.plan.deadline_us
    lane.node.enqueue(lane, index, index + 1)
    count_ready(run, lane.node, 1)


def _scope_opened(run: Run, fact: f.ScopeOpened) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, RUNNING)
    row.size = fact.size
    row.shape = fact.shape
    row.started_us = fact.at_us
    frame = open_scope(lane, index, fact.size, fact.shape, fact.at_us)
    count_opening(lane, index)
    count_chained(frame)
    ready_at_opening(run, frame)


def _dispatched(run: Run, fact: f.Dispatched) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, DISPATCHED)
    row.attempt = fact.attempt
    row.token = fact.token
    row.dispatched_us = fact.at_us
    row.started_us = 0
    row.worker = ""


def _started(run: Run, fact: f.Started) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, RUNNING)
    row.started_us = fact.started_us
    row.worker = fact.worker


def _attempt_ended(run: Run, fact: f.AttemptEnded) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    run.attempts.append(
        AttemptRow(
            run_id=row.run_id,
            task=row.task,
            map_index=row.map_index,
            attempt=fact.attempt,
            outcome=fact.outcome,
            dispatched_us=row.dispatched_us,
            started_us=row.started_us,
            finished_us=fact.at_us,
            worker=row.worker,
            error=fact.error,
        )
    )
    row.token = None
    row.worker = ""
    row.error = fact.error
    # 0 says that the attempt in `attempt` is over: the next dispatch takes the next number.
    row.dispatched_us = row.started_us = 0
    if fact.spends == "retry":
        row.retries += 1
    elif fact.spends == "infrastructure":
        row.losses += 1


def _retry_scheduled(run: Run, fact: f.RetryScheduled) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, RETRYING)
    row.due_us = fact.due_us


def _deferred(run: Run, fact: f.Deferred) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, DEFERRED)
    row.token = None
    row.due_us = fact.due_us
    if fact.worked:
        row.handle = fact.handle
        row.deferrals += 1


def _succeeded(run: Run, fact: f.Succeeded) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.result = fact.result
    row.exports = fact.exports
    row.lengths = fact.lengths
    row.cached_from = fact.cached_from
    row.error = None
    if fact.started_us:
        row.started_us = fact.started_us
    _end(run, lane, index, SUCCEEDED, fact.finished_us or fact.at_us)


def _failed(run: Run, fact: f.Failed) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.error = fact.error
    if fact.started_us:
        row.started_us = fact.started_us
    _end(run, lane, index, FAILED, fact.finished_us or fact.at_us)


def _skipped(run: Run, fact: f.Skipped) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.reason = fact.reason
    row.error = None
    if fact.started_us:
        row.started_us = fact.started_us
    _end(run, lane, index, SKIPPED, fact.finished_us or fact.at_us)


def _upstream_failed(run: Run, fact: f.UpstreamFailed) -> None:
    lane, index = find(run, fact)
    touch(run, lane, index).reason = fact.culprit
    _end(run, lane, index, UPSTREAM_FAILED, fact.at_us)


def _cancelled(run: Run, fact: f.Cancelled) -> None:
    node = run.nodes[fact.task]
    if len(fact.map_index) < node.plan.depth:
        _cancel_untouched(run, node, node.lanes[fact.map_index])
        return
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.reason = fact.reason or row.reason
    _end(run, lane, index, CANCELLED, fact.at_us)


def _cancel_untouched(run: Run, node: NodeState, lane: Lane) -> None:
    """A `Cancelled` with the index of a scope: all of its instances that were never touched. They get no rows."""
    indexes = lane.untouched()
    ready = 0
    waited = []
    for index in indexes:
        ready += lane.state[index] == READY
        waited.append(lane.state[index] == WAITING)
        lane.state[index] = CANCELLED
        lane.counters.pop(index, None)
    if ready:
        count_ready(run, node, -ready)
    for index, was_waiting in zip(indexes, waited, strict=True):
        count_end(lane, index, was_waiting=was_waiting)


def _task_cancel_requested(run: Run, fact: f.TaskCancelRequested) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.cancel_requested = True
    row.reason = fact.reason


def _marked(run: Run, fact: f.Marked) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.marked = fact.state
    row.reason = fact.reason


def _reused(run: Run, fact: f.Reused) -> None:
    lane, index = find(run, fact)
    touch(run, lane, index).reused_from = fact.origin_run


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


def _step_declared(run: Run, fact: f.StepDeclared) -> None:
    declare_step(run, fact.node, fact.body)
    run.new_steps.append(
        StepRow(run_id=run.row.run_id, task=fact.node.id, body=fact.body, node=msgspec.msgpack.encode(fact.node))
    )


def _step_added(run: Run, fact: f.StepAdded) -> None:
    lane = add_step(run.nodes[fact.task], fact.map_index[:-1], fact.map_index[-1])
    row = touch(run, lane, fact.map_index[-1])
    row.step_digest = fact.digest
    row.payload = fact.payload
    run.steps_open += 1


# -- the run


def _run_to(run: Run, state: RunState) -> None:
    if state not in RUN_TRANSITIONS[run.row.state]:
        raise ToqueBug(f"run {run.row.run_id} cannot go from {run.row.state} to {state}")
    run.row.state = state


def _run_started(run: Run, fact: f.RunStarted) -> None:
    _run_to(run, RunState.RUNNING)
    run.row.started_us = fact.at_us


def _cancel_requested(run: Run, fact: f.CancelRequested) -> None:
    run.row.cancel_requested = True
    run.row.reason = fact.reason
    if fact.actor == DEADLINE:
        run.row.error = ErrorInfo(kind="transient", type="DeadlineExceeded", message=fact.reason, retryable=False)


def _run_suspended(run: Run, fact: f.RunSuspended) -> None:
    _run_to(run, RunState.SUSPENDED)
    run.row.reason = fact.reason


def _run_resumed(run: Run, fact: f.RunResumed) -> None:
    _run_to(run, RunState.RUNNING)
    run.row.reason = ""


def _outcome_decided(run: Run, fact: f.OutcomeDecided) -> None:
    run.row.outcome = fact.state
    run.row.error = fact.error


def _run_finished(run: Run, fact: f.RunFinished) -> None:
    _run_to(run, fact.state)
    run.row.finished_us = fact.at_us


def _rejected(run: Run, fact: f.Rejected) -> None:
    """Nothing changed."""


_EVOLVE: dict[type, Callable[[Run, Any], None]] = {
    f.RunStarted: _run_started,
    f.CancelRequested: _cancel_requested,
    f.RunSuspended: _run_suspended,
    f.RunResumed: _run_resumed,
    f.OutcomeDecided: _outcome_decided,
    f.RunFinished: _run_finished,
    f.Readied: _readied,
    f.ScopeOpened: _scope_opened,
    f.Dispatched: _dispatched,
    f.Started: _started,
    f.AttemptEnded: _attempt_ended,
    f.RetryScheduled: _retry_scheduled,
    f.Deferred: _deferred,
    f.Succeeded: _succeeded,
    f.Failed: _failed,
    f.Skipped: _skipped,
    f.UpstreamFailed: _upstream_failed,
    f.Cancelled: _cancelled,
    f.TaskCancelRequested: _task_cancel_requested,
    f.Marked: _marked,
    f.StepDeclared: _step_declared,
    f.StepAdded: _step_added,
    f.Rejected: _rejected,
    f.Reused: _reused,
}

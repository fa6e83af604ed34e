"""Facts about one task run, made true: its row, its state, and what others count of it."""

from __future__ import annotations

from toque.engine import facts as f
from toque.engine.codes import (
    CANCELLED,
    DEFERRED,
    DISPATCHED,
    FAILED,
    LEGAL,
    LEGAL_IF_HOSTED,
    READY,
    RETRYING,
    RUNNING,
    SKIPPED,
    STATES,
    SUCCEEDED,
    UPSTREAM_FAILED,
    WAITING,
)
from toque.engine.keeping import keep
from toque.engine.lanes import Lane, NodeState
from toque.engine.rows import AttemptRow, TaskRow
from toque.engine.scopes import count_chained, count_end, count_opening, count_ready, open_scope, ready_at_opening
from toque.engine.state import Run
from toque.errors import ToqueBug


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
    legal = LEGAL if lane.node.host is None else LEGAL_IF_HOSTED
    if code not in legal[before] and row.marked is None and not row.reused_from:
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
    if lane.node.body is not None:
        _forgive(run, lane.node.body, row)
    count_end(lane, index, was_waiting=before == WAITING)


def _forgive(run: Run, body: NodeState, step: TaskRow) -> None:
    """A flow that gets further does not die at the same place for ever: its budget of losses begins anew."""
    found = body.lane_of(step.map_index[:-1])
    row = found[0].live.get(found[1]) if found is not None else None
    if row is not None and row.losses:
        row.losses = 0
        run.dirty[id(row)] = row


def readied(run: Run, fact: f.Readied) -> None:
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


def scope_opened(run: Run, fact: f.ScopeOpened) -> None:
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


def dispatched(run: Run, fact: f.Dispatched) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, DISPATCHED)
    row.attempt = fact.attempt
    row.token = fact.token
    row.dispatched_us = fact.at_us
    row.started_us = 0
    row.worker = ""


def started(run: Run, fact: f.Started) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, RUNNING)
    row.attempt = fact.attempt
    row.started_us = fact.started_us
    row.worker = fact.worker


def attempt_ended(run: Run, fact: f.AttemptEnded) -> None:
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


def retry_scheduled(run: Run, fact: f.RetryScheduled) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, RETRYING)
    row.due_us = fact.due_us


def deferred(run: Run, fact: f.Deferred) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    _move(run, lane, index, row, DEFERRED)
    row.token = None
    row.due_us = fact.due_us
    if fact.worked:
        row.handle = fact.handle
        row.deferrals += 1


def succeeded(run: Run, fact: f.Succeeded) -> None:
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


def failed(run: Run, fact: f.Failed) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.error = fact.error
    if fact.started_us:
        row.started_us = fact.started_us
    _end(run, lane, index, FAILED, fact.finished_us or fact.at_us)


def skipped(run: Run, fact: f.Skipped) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.reason = fact.reason
    row.error = None
    if fact.started_us:
        row.started_us = fact.started_us
    _end(run, lane, index, SKIPPED, fact.finished_us or fact.at_us)


def upstream_failed(run: Run, fact: f.UpstreamFailed) -> None:
    lane, index = find(run, fact)
    touch(run, lane, index).reason = fact.culprit
    _end(run, lane, index, UPSTREAM_FAILED, fact.at_us)


def cancelled(run: Run, fact: f.Cancelled) -> None:
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


def task_cancel_requested(run: Run, fact: f.TaskCancelRequested) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.cancel_requested = True
    row.reason = fact.reason


def marked(run: Run, fact: f.Marked) -> None:
    lane, index = find(run, fact)
    row = touch(run, lane, index)
    row.marked = fact.state
    row.reason = fact.reason


def reused(run: Run, fact: f.Reused) -> None:
    lane, index = find(run, fact)
    touch(run, lane, index).reused_from = fact.origin_run

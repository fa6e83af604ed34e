"""Keeping: what stays in memory of a task run that has ended, because somebody will ask for it."""

from __future__ import annotations

from toque.engine.codes import FAILED, FIRST_TERMINAL, STATES, SUCCEEDED
from toque.engine.lanes import Lane
from toque.engine.rows import TaskRow
from toque.engine.state import MAX_REPORTED_FAILURES, Run
from toque.engine.values import TaskKey
from toque.errors import ToqueBug


def keep(run: Run, lane: Lane, index: int, row: TaskRow) -> None:
    """Take what readers need from the row of an ended task run."""
    lane.live.pop(index, None)
    plan = lane.node.plan
    frame = lane.frame
    if row.error is not None:
        if plan.keeps_errors or frame is run.root:
            lane.errors[index] = row.error
        if frame is not None and frame is not run.root:
            before = frame.errors.get(index)
            if before is None or plan.position < before[0]:
                frame.errors[index] = (plan.position, row.error)
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
        run.steps_open -= 1
        _keep_step(lane, index, row)
    if lane.node.steps:
        _drop_steps(lane, index)


def _keep_step(lane: Lane, index: int, row: TaskRow) -> None:
    """Number the ends of a flow's steps, so that a replay sees them in the order in which they came."""
    assert lane.node.body is not None
    found = lane.node.body.lane_of(row.map_index[:-1])
    if found is None:
        raise ToqueBug(f"step {row.task} has no body at {row.map_index[:-1]}")
    body, at = found
    if not row.order:
        row.order = body.orders.get(at, 0) + 1
    body.orders[at] = max(body.orders.get(at, 0), row.order)
    if body.state[at] < FIRST_TERMINAL:
        lane.kept[index] = row


def _drop_steps(lane: Lane, index: int) -> None:
    """The body has ended: nobody will ask for its steps again."""
    path = lane.key_of(index)
    for step in lane.node.steps:
        steps = step.lanes.get(path)
        if steps is not None:
            steps.kept.clear()

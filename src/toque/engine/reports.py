"""Reports: what the end of an attempt means for its task run."""

from __future__ import annotations

from typing import Any

import msgspec

from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.backoff import LONGEST_S, delay_us, may_retry
from toque.engine.cancelling import is_called_off, stop_deferred
from toque.engine.cascade import declare
from toque.engine.codes import DISPATCHED, READY, RUNNING
from toque.engine.hosting import host_of, refusal, take_back
from toque.engine.lanes import Lane
from toque.engine.rows import TaskRow
from toque.engine.states import AttemptOutcome
from toque.engine.transitions import INFRASTRUCTURE_BUDGET
from toque.engine.turn import Turn
from toque.engine.values import ErrorInfo, TaskKey
from toque.graph.ir import TaskNode


def on_report(turn: Turn, report: i.AnyReport) -> None:
    """Check the fencing token, then let the report be handled."""
    node = turn.run.nodes.get(report.task)
    found = node.lane_of(report.map_index) if node is not None else None
    if found is not None:
        lane, index = found
        row = lane.live.get(index)
        if row is not None and row.token == report.token and lane.state[index] in (DISPATCHED, RUNNING):
            _HANDLERS[type(report)](turn, lane, index, row, report)
            if node.hosted:  # type: ignore[union-attr]
                take_back(turn, lane, index)
            return
        if lane.node.host is not None:
            _of_member(turn, lane, index, report)
            return
    _reject(turn, report, "stale: of a dispatch that is over")


def _reject(turn: Turn, report: i.AnyReport, reason: str) -> None:
    turn.reject(str(type(report).__struct_config__.tag), reason, report.task, report.map_index)
    turn.effects.append(fx.Acknowledge(key=report.key, attempt=report.attempt, token=report.token))


def _of_member(turn: Turn, lane: Lane, index: int, report: Any) -> None:
    """A host tells of a task that it runs."""
    reason = refusal(lane, index, report)
    if reason:
        _reject(turn, report, reason)
        return
    host = host_of(lane)
    if host.state[index] == DISPATCHED:
        _begin(turn, host.live[index], turn.now_us)
    if lane.state[index] == READY:
        turn.emit(
            f.Started(
                at_us=turn.now_us,
                task=report.task,
                map_index=report.map_index,
                attempt=report.attempt,
                started_us=report.started_us or report.finished_us,
                worker=host.live[index].worker,
            )
        )
    if not isinstance(report, i.AttemptStarted):
        turn.effects.append(fx.Acknowledge(key=report.key, attempt=report.attempt, token=report.token))
        _HANDLERS[type(report)](turn, lane, index, lane.live[index], report)


def _started(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptStarted) -> None:
    if lane.state[index] == DISPATCHED:
        _begin(turn, row, report.started_us, report.worker)


def _succeeded(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptSucceeded) -> None:
    if lane.state[index] == DISPATCHED:
        _begin(turn, row, report.started_us)
    release(turn, row)
    if row.marked is not None:
        declare(turn, lane, index, row.marked, row.reason)
        return
    _tell(turn, report)
    turn.emit(
        f.Succeeded(
            at_us=turn.now_us,
            task=report.task,
            map_index=report.map_index,
            result=report.result,
            started_us=report.started_us,
            finished_us=report.finished_us,
            exports=report.exports,
            lengths=report.lengths,
            cached_from=report.cached_from,
        )
    )
    turn.ended.append((lane, index))


def _failed(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptFailed) -> None:
    if lane.state[index] == DISPATCHED:
        _begin(turn, row, report.started_us or report.finished_us)
    release(turn, row)
    if ended_on_purpose(turn, lane, index, row):
        return
    _tell(turn, report)
    node = lane.node.plan.node
    assert isinstance(node, TaskNode)
    error = report.error
    if report.timed_out and error.kind != "transient":
        error = msgspec.structs.replace(error, kind="transient")
    policy = node.policy.retry
    if policy is None or not may_retry(policy, row, error):
        turn.fail(lane, index, error, report.started_us, report.finished_us)
        return
    due_us = turn.now_us + delay_us(policy, row, error)
    outcome = AttemptOutcome.TIMED_OUT if report.timed_out else AttemptOutcome.FAILED
    _attempt_over(turn, row, outcome, error, "retry")
    turn.emit(f.RetryScheduled(at_us=turn.now_us, task=row.task, map_index=row.map_index, due_us=due_us))
    if due_us <= turn.now_us:
        turn.ready(lane, index)
    else:
        turn.set_timer("retry", due_us, row.task, row.map_index)


def _tell(turn: Turn, report: i.AttemptSucceeded | i.AttemptFailed) -> None:
    if report.assets:
        turn.emit(
            f.AssetsTold(
                at_us=turn.now_us,
                task=report.task,
                map_index=report.map_index,
                attempt=report.attempt,
                events=report.assets,
            )
        )


def _skipped(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptSkipped) -> None:
    if lane.state[index] == DISPATCHED:
        _begin(turn, row, report.started_us or report.finished_us)
    release(turn, row)
    if row.marked is not None:
        declare(turn, lane, index, row.marked, row.reason)
    else:
        turn.skip(lane, index, report.reason, report.started_us, report.finished_us)


def _deferred(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptDeferred) -> None:
    if lane.state[index] == DISPATCHED:
        _begin(turn, row, report.started_us or report.finished_us)
    release(turn, row)
    due_us = turn.now_us + max(0, round(min(report.resume_after_s, LONGEST_S) * 1_000_000))
    due_us = max(due_us, 1)  # 0 says that it waits for a step of a flow.
    turn.emit(
        f.Deferred(at_us=turn.now_us, task=row.task, map_index=row.map_index, due_us=due_us, handle=report.handle)
    )
    if must_end(turn, lane, row):
        stop_deferred(turn, lane, row)
        ended_on_purpose(turn, lane, index, row)
    elif due_us <= turn.now_us:
        turn.ready(lane, index)
    else:
        turn.set_timer("deferred", due_us, row.task, row.map_index)


def _cancelled(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptCancelled) -> None:
    release(turn, row)
    if not ended_on_purpose(turn, lane, index, row):
        # Nobody here asked for it: the executor gave it up by itself, and the task run is innocent.
        _go_again(turn, lane, index, row, "cancelled by its executor", "")


def _returned(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptReturned) -> None:
    release(turn, row)
    if not ended_on_purpose(turn, lane, index, row):
        turn.ready(lane, index, returned=True)


def _lost(turn: Turn, lane: Lane, index: int, row: TaskRow, report: i.AttemptLost) -> None:
    if lane.state[index] == DISPATCHED and not report.blameless:
        # Its process died of starting it, or so it seems: that counts, or it would come again for ever.
        _begin(turn, row, report.finished_us)
    was_started = lane.state[index] == RUNNING
    release(turn, row)
    if ended_on_purpose(turn, lane, index, row):
        return
    node = lane.node.plan.node
    is_flow = isinstance(node, TaskNode) and node.kind == "flow"
    if report.blameless and (is_flow or not was_started):
        # A flow body is replayed from its record, so nothing is lost with it; and what never began goes as it was.
        turn.ready(lane, index, returned=True)
    elif report.blameless:
        _go_again(turn, lane, index, row, report.reason, "")
    elif row.losses < INFRASTRUCTURE_BUDGET:
        _go_again(turn, lane, index, row, report.reason, "infrastructure")
    else:
        message = f"lost with its worker {row.losses + 1} times, the last time: {report.reason}"
        turn.fail(lane, index, _lost_error(message), finished_us=report.finished_us)


def _go_again(turn: Turn, lane: Lane, index: int, row: TaskRow, reason: str, spends: str) -> None:
    if lane.state[index] == DISPATCHED:
        turn.ready(lane, index, returned=True)
        return
    _attempt_over(turn, row, AttemptOutcome.LOST, _lost_error(reason), spends)
    turn.ready(lane, index)


def _lost_error(message: str) -> ErrorInfo:
    return ErrorInfo(kind="infrastructure", type="WorkerLost", message=message)


def _begin(turn: Turn, row: TaskRow, started_us: int, worker: str = "") -> None:
    turn.emit(
        f.Started(
            at_us=turn.now_us,
            task=row.task,
            map_index=row.map_index,
            attempt=row.attempt,
            started_us=started_us,
            worker=worker,
        )
    )


def _attempt_over(turn: Turn, row: TaskRow, outcome: AttemptOutcome, error: ErrorInfo, spends: str) -> None:
    turn.emit(
        f.AttemptEnded(
            at_us=turn.now_us,
            task=row.task,
            map_index=row.map_index,
            attempt=row.attempt,
            outcome=outcome,
            error=error,
            spends=spends,
        )
    )


def release(turn: Turn, row: TaskRow) -> None:
    """The report is about to be recorded: its slots are free, and the worker may forget it."""
    if row.token is None:
        return  # Its host has the slots, and goes on.
    key = TaskKey(row.task, row.map_index)
    turn.effects.append(fx.ReleaseSlots(key=key))
    turn.effects.append(fx.Acknowledge(key=key, attempt=row.attempt, token=row.token))


def must_end(turn: Turn, lane: Lane, row: TaskRow) -> bool:
    """Whether a mark, a cancel or its deadline allows a task run no further attempt."""
    if row.marked is not None or is_called_off(turn.run, lane, row):
        return True
    return 0 < row.deadline_us <= turn.now_us


def ended_on_purpose(turn: Turn, lane: Lane, index: int, row: TaskRow) -> bool:
    """End a task run that may not go on, now that its attempt is over."""
    if not must_end(turn, lane, row):
        return False
    if row.marked is not None:
        declare(turn, lane, index, row.marked, row.reason)
    elif is_called_off(turn.run, lane, row):
        turn.cancel(lane, index, "", row.reason or turn.run.row.reason)
    else:
        turn.fail(lane, index, deadline_error(lane))
    return True


def deadline_error(lane: Lane) -> ErrorInfo:
    """Why a task run failed at its deadline."""
    deadline_s = lane.node.plan.deadline_us / 1_000_000
    message = f"not done within its deadline of {deadline_s:g} s"
    return ErrorInfo(kind="transient", type="DeadlineExceeded", message=message, retryable=False)


_HANDLERS: dict[type, Any] = {
    i.AttemptStarted: _started,
    i.AttemptSucceeded: _succeeded,
    i.AttemptFailed: _failed,
    i.AttemptSkipped: _skipped,
    i.AttemptDeferred: _deferred,
    i.AttemptCancelled: _cancelled,
    i.AttemptReturned: _returned,
    i.AttemptLost: _lost,
}

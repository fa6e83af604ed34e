"""Cancelling: what has not begun ends at once, what runs is told to, and teardowns still do their work."""

from __future__ import annotations

from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine.codes import DEFERRED, DISPATCHED, FIRST_TERMINAL, READY, RUNNING, WAITING
from toque.engine.hosting import is_held
from toque.engine.inputs import Cancel
from toque.engine.lanes import Lane, NodeState
from toque.engine.rows import TaskRow
from toque.engine.state import Run
from toque.engine.states import RunState
from toque.engine.turn import Turn
from toque.engine.values import TaskKey
from toque.graph.ir import TaskNode


def on_cancel(turn: Turn, order: Cancel) -> None:
    """Cancel the run, or one task run."""
    if order.task:
        _cancel_task(turn, order)
    elif turn.run.row.cancel_requested:
        turn.reject("cancel", "the run is being cancelled already")
    else:
        cancel_run(turn, order.actor, order.reason)


def cancel_run(turn: Turn, actor: str, reason: str) -> None:
    """Record the intent, end what has not begun, stop what has."""
    run = turn.run
    turn.emit(f.CancelRequested(at_us=turn.now_us, actor=actor, reason=reason))
    if run.row.state is RunState.QUEUED:
        turn.emit(f.OutcomeDecided(at_us=turn.now_us, state=RunState.CANCELLED))
        turn.finish(RunState.CANCELLED)
        return
    if run.row.state is RunState.SUSPENDED:
        # Teardowns have to run.
        turn.emit(f.RunResumed(at_us=turn.now_us, actor=actor))
        for node in run.nodes.values():
            if node.ready:
                run.readied[node.plan.id] = node.ready
    for node in list(run.nodes.values()):
        if node.plan.survives_cancel or (node.plan.is_hook and run.row.outcome is None):
            continue
        for lane in list(node.lanes.values()):
            cancel_lane(turn, lane, actor, reason, by_task=node.plan.is_hook)


def cancel_lane(turn: Turn, lane: Lane, actor: str, reason: str, *, by_task: bool) -> None:
    """Cancel all instances of a lane. `by_task`: the run goes on, so each running one must know for itself."""
    for index, row in list(lane.live.items()):
        if lane.node.plan.is_map and lane.state[index] == RUNNING:
            continue
        if by_task:
            call_off(turn, lane, row, actor, reason)
        else:
            stop_or_end(turn, lane, row, actor, reason)
    untouched = lane.untouched() if lane.node.body is None else []
    if not untouched:
        return
    if lane.node.plan.depth:
        turn.emit(
            f.Cancelled(at_us=turn.now_us, task=lane.node.plan.id, map_index=lane.path, actor=actor, reason=reason)
        )
        turn.ended.extend((lane, index) for index in untouched)
    else:
        turn.cancel(lane, 0, actor, reason)


def call_off(turn: Turn, lane: Lane, row: TaskRow, actor: str, reason: str) -> None:
    """Cancel one touched task run, whatever it is doing."""
    index = row.map_index[-1] if row.map_index else 0
    if lane.state[index] in (DISPATCHED, RUNNING) and not row.cancel_requested:
        turn.emit(
            f.TaskCancelRequested(at_us=turn.now_us, task=row.task, map_index=row.map_index, actor=actor, reason=reason)
        )
    stop_or_end(turn, lane, row, actor, reason)


def stop_or_end(turn: Turn, lane: Lane, row: TaskRow, actor: str, reason: str) -> None:
    """Stop an attempt that an executor holds; end at once what none holds."""
    index = row.map_index[-1] if row.map_index else 0
    code = lane.state[index]
    if code in (DISPATCHED, RUNNING):
        turn.stop(row)
    elif code < FIRST_TERMINAL:
        if code == DEFERRED:
            stop_deferred(turn, lane, row)
        turn.cancel(lane, index, actor, reason)


def is_called_off(run: Run, lane: Lane, row: TaskRow) -> bool:
    """Whether somebody cancelled the task run, alone or with its whole run (which hooks and teardowns outlive)."""
    plan = lane.node.plan
    return row.cancel_requested or (run.row.cancel_requested and not plan.survives_cancel and not plan.is_hook)


def stop_deferred(turn: Turn, lane: Lane, row: TaskRow) -> None:
    """Have the external job of a deferred task run stopped, if it has a way to."""
    node = lane.node.plan.node
    if isinstance(node, TaskNode) and node.policy.on_cancel is not None and row.handle is not None:
        turn.effects.append(fx.StopDeferred(key=TaskKey(row.task, row.map_index), handle=row.handle))


def _cancel_task(turn: Turn, order: Cancel) -> None:
    node: NodeState | None = turn.run.nodes.get(order.task)
    found = node.lane_of(order.map_index) if node is not None else None
    if node is None or found is None:
        turn.reject("cancel", _why_unknown(node, order.map_index), order.task, order.map_index)
        return
    lane, index = found
    code = lane.state[index]
    if code >= FIRST_TERMINAL:
        turn.reject("cancel", "it has ended", order.task, order.map_index)
    elif node.host is not None and is_held(lane, index):
        whole = TaskKey(node.host.plan.id, order.map_index)
        turn.reject("cancel", f"{whole} runs it with others: cancel {whole}", order.task, order.map_index)
    elif code in (WAITING, READY) and index not in lane.live:
        turn.cancel(lane, index, order.actor, order.reason)
    elif lane.live[index].cancel_requested:
        turn.reject("cancel", "it is being cancelled already", order.task, order.map_index)
    elif node.plan.is_map:
        cancel_scope(turn, lane, index, order.actor, order.reason)
    else:
        call_off(turn, lane, lane.live[index], order.actor, order.reason)


def cancel_scope(turn: Turn, lane: Lane, index: int, actor: str, reason: str) -> None:
    """Cancel an open map node with all its indexes; it ends when the last of them has."""
    key = lane.key_of(index)
    turn.emit(
        f.TaskCancelRequested(at_us=turn.now_us, task=lane.node.plan.id, map_index=key, actor=actor, reason=reason)
    )
    cancel_members(turn, lane, index, actor, reason)


def cancel_members(turn: Turn, lane: Lane, index: int, actor: str, reason: str) -> None:
    """Cancel all instances in an open scope but teardowns."""
    for inner in lane.opened[index].lanes:
        if inner.node.plan.survives_cancel:
            continue
        for at in list(inner.opened):
            if inner.state[at] == RUNNING and not inner.live[at].cancel_requested:
                cancel_scope(turn, inner, at, actor, reason)
        cancel_lane(turn, inner, actor, reason, by_task=True)


def _why_unknown(node: NodeState | None, map_index: tuple[int, ...]) -> str:
    if node is None:
        return "the pipeline has no such task"
    if len(map_index) < node.plan.depth:
        scope = node.plan.scope or "its flow"
        return f"it is mapped: name one of its indexes, or {scope} for all of them"
    return "it has no such index"

"""The cascade: what follows from the end of a task run, to a fixed point.

An end is told to its downstreams, whose rules may start or end them in turn; to the scope it belongs to, which may be
over; to the flow it is a step of; and at last to the run.
"""

from __future__ import annotations

from toque.engine import facts as f
from toque.engine.codes import CANCELLED, FIRST_TERMINAL, READY, RUNNING, WAITING
from toque.engine.hosting import end_members, end_with_host, host_of
from toque.engine.joining import joined
from toque.engine.lanes import Frame, Lane
from toque.engine.reuse import take_over
from toque.engine.rules import Verdict, culprit, judge
from toque.engine.scopes import is_unhandled
from toque.engine.sizes import Unsizable, size_of
from toque.engine.state import Run
from toque.engine.states import RunState, TaskState
from toque.engine.steps import abandon_steps, step_ended
from toque.engine.turn import Turn
from toque.engine.values import ErrorInfo
from toque.graph.ir import JoinNode, MapNode


def settle(turn: Turn) -> None:
    """Let everything follow that follows."""
    ended = turn.ended
    position = 0
    while True:
        while position < len(ended):
            lane, index = ended[position]
            position += 1
            _follow(turn, lane, index)
        ended.clear()
        position = 0
        conclude(turn)
        if not ended:
            break
    turn.request_slots()


def start_roots(turn: Turn) -> None:
    """The run has started: so does what waits for nothing."""
    for lane in turn.run.root.lanes:
        if lane.node.plan.total == 0 or not lane.node.plan.rule.needs:
            consider(turn, lane, 0)


def consider(turn: Turn, lane: Lane, index: int) -> None:
    """Apply the trigger rule of an instance, if it waits."""
    if lane.state[index] != WAITING:
        return
    run = turn.run
    verdict = judge(run.nodes, lane, index)
    if verdict is Verdict.WAIT:
        return
    if run.row.cancel_requested and not lane.node.plan.survives_cancel:
        turn.cancel(lane, index, "", run.row.reason)
        return
    match verdict:
        case Verdict.START:
            _start(turn, lane, index)
        case Verdict.BLOCKED:
            turn.block(lane, index, culprit(lane, index))
        case _:
            turn.skip(lane, index, verdict.value)


def _start(turn: Turn, lane: Lane, index: int) -> None:
    node = lane.node.plan.node
    match node:
        case MapNode():
            _open(turn, lane, index, node)
        case JoinNode():
            values = joined(turn.run, lane, index, node)
            if values is None:
                turn.skip(lane, index, Verdict.UPSTREAM.value)
            else:
                turn.succeed(lane, index, **values)
        case _:
            if turn.run.taken_over and take_over(turn, lane, index):
                return
            if lane.node.host is not None and host_of(lane).state[index] >= FIRST_TERMINAL:
                end_with_host(turn, lane, index)
            else:
                turn.ready(lane, index)


def _open(turn: Turn, lane: Lane, index: int, node: MapNode) -> None:
    try:
        size, shape = size_of(turn.run, lane, index, node)
    except Unsizable as problem:
        error = ErrorInfo(kind="code", type="MapError", message=str(problem), retryable=False)
        turn.fail(lane, index, error)
        return
    turn.emit(
        f.ScopeOpened(at_us=turn.now_us, task=lane.node.plan.id, map_index=lane.key_of(index), size=size, shape=shape)
    )
    turn.ended.append((lane, index))
    for inner in lane.opened[index].lanes:
        if inner.deadline_us and size:
            turn.set_timer("deadline", inner.deadline_us, inner.node.plan.id, inner.path)


def _follow(turn: Turn, lane: Lane, index: int) -> None:
    code = lane.state[index]
    node = lane.node
    if code < FIRST_TERMINAL:
        _opened(turn, lane, index)
        return
    for reader, _ in node.down:
        target = reader.lanes.get(lane.path)
        if target is not None and target.state[index] == WAITING:
            consider(turn, target, index)
    for reader in node.openings:
        target = reader.lanes.get(lane.path)
        if target is not None:
            consider(turn, target, index)
    if node.body is not None:
        step_ended(turn, lane, index)
    if node.steps:
        abandon_steps(turn, lane, index)
    if node.hosted:
        end_members(turn, lane, index)
    frame = lane.frame
    if frame is not None and frame.lane is not None and frame.ended == frame.size:
        close(turn, frame)


def _opened(turn: Turn, lane: Lane, index: int) -> None:
    """A scope has opened: those chained to it may, and its members that need a decision get one."""
    for reader in lane.node.openings:
        target = reader.lanes.get(lane.path)
        if target is not None:
            consider(turn, target, index)
    frame = lane.opened[index]
    for inner in frame.lanes:
        plan = inner.node.plan
        if turn.run.taken_over and plan.is_task:
            for at in range(frame.size):
                if inner.state[at] == READY:
                    take_over(turn, inner, at)
        if plan.total and plan.rule.needs:
            for at in sorted(inner.counters):
                consider(turn, inner, at)
        else:
            for at in range(frame.size) if not plan.is_task or plan.guards else ():
                consider(turn, inner, at)
    if frame.is_over:
        close(turn, frame)


def close(turn: Turn, frame: Frame) -> None:
    """All indexes of a scope have ended: so does its map node."""
    lane, index = frame.lane, frame.index
    assert lane is not None
    if lane.state[index] != RUNNING:
        return
    run = turn.run
    row = lane.live[index]
    node = lane.node.plan.node
    assert isinstance(node, MapNode)
    if row.marked is not None:
        declare(turn, lane, index, row.marked, row.reason)
    elif CANCELLED in frame.outcomes and (run.row.cancel_requested or row.cancel_requested):
        turn.cancel(lane, index, "", row.reason or run.row.reason)
    elif frame.failed > (node.tolerate * frame.size if node.tolerate < 1 else node.tolerate):
        turn.fail(lane, index, _map_error(frame, node))
    elif frame.size and frame.skipped == frame.size:
        turn.skip(lane, index, Verdict.UPSTREAM.value)
    else:
        turn.succeed(lane, index, result=None)


def _map_error(frame: Frame, node: MapNode) -> ErrorInfo:
    assert frame.first_failed is not None
    first, error = frame.first_failed
    tolerated = f", tolerated: {node.tolerate:.3g}" if node.tolerate else ""
    why = f": {error.said}" if error is not None else ""
    message = f"{frame.failed} of {frame.size} indexes failed{tolerated}; the first is [{first}]{why}"
    kind = error.kind if error is not None else "code"
    return ErrorInfo(kind=kind, type="MapFailed", message=message[:4000], retryable=False)


def declare(turn: Turn, lane: Lane, index: int, state: TaskState, reason: str) -> None:
    """End an instance as a person said."""
    match state:
        case TaskState.SUCCEEDED:
            turn.succeed(lane, index, result=None)
        case TaskState.FAILED:
            message = reason or "declared failed"
            turn.fail(lane, index, ErrorInfo(kind="code", type="Marked", message=message, retryable=False))
        case _:
            turn.skip(lane, index, reason)


# -- the end of the run


def conclude(turn: Turn) -> None:
    """Decide the outcome once everything but the hooks has ended, and finish once they have."""
    run = turn.run
    row = run.row
    if not run.root.ended or run.steps_open or row.state is not RunState.RUNNING:
        return
    if row.outcome is None:
        turn.emit(_outcome(turn, run))
        for node in run.hooks:
            _start_or_skip_hook(turn, node.lanes[()])
    if all(node.lanes[()].state[0] >= FIRST_TERMINAL for node in run.hooks):
        assert row.outcome is not None
        turn.finish(row.outcome)


def _start_or_skip_hook(turn: Turn, lane: Lane) -> None:
    wanted = {"on_failure": RunState.FAILED, "on_success": RunState.SUCCEEDED}
    hook = getattr(lane.node.plan.node, "hook", "")
    if lane.state[0] != WAITING:
        return
    if wanted.get(hook) is turn.run.row.outcome:
        turn.ready(lane, 0)
    else:
        turn.skip(lane, 0, "hook")


def _outcome(turn: Turn, run: Run) -> f.OutcomeDecided:
    error = run.row.error
    if error is None:
        error = next((_why(lane) for lane in run.root.lanes if is_unhandled(lane, 0)), None)
    if run.row.cancel_requested:
        state = RunState.FAILED if run.row.error is not None else RunState.CANCELLED
    else:
        state = RunState.SUCCEEDED if error is None else RunState.FAILED
    return f.OutcomeDecided(at_us=turn.now_us, state=state, error=error)


def _why(lane: Lane) -> ErrorInfo:
    name = lane.node.plan.id
    if lane.state[0] == CANCELLED:
        return ErrorInfo(kind="cancelled", type="Cancelled", message=f"{name} was cancelled", retryable=False)
    return lane.errors.get(0) or ErrorInfo(kind="code", type="Failed", message=f"{name} failed")

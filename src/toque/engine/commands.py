"""Commands: what people, timers and admission ask of a run."""

from __future__ import annotations

from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.cancelling import cancel_members, cancel_run, stop_deferred
from toque.engine.cascade import declare, start_roots
from toque.engine.codes import DEFERRED, DISPATCHED, FIRST_TERMINAL, READY, RETRYING, RUNNING, WAITING
from toque.engine.lanes import Lane
from toque.engine.reports import deadline_error
from toque.engine.rows import TaskRow
from toque.engine.run_facts import DEADLINE
from toque.engine.states import RunState
from toque.engine.steps import NOTHING
from toque.engine.transitions import MARKABLE
from toque.engine.turn import Turn
from toque.engine.values import TaskKey


def on_start(turn: Turn, start: i.Start) -> None:
    """The run leaves the queue."""
    run = turn.run
    turn.emit(f.RunStarted(at_us=turn.now_us))
    if run.pipeline.deadline_s is not None:
        turn.set_timer("run_deadline", run_deadline_us(turn))
    start_roots(turn)


def run_deadline_us(turn: Turn) -> int:
    """When the run must have ended."""
    return turn.run.row.started_us + round((turn.run.pipeline.deadline_s or 0) * 1_000_000)


def on_admitted(turn: Turn, grant: i.Admitted) -> None:
    """Dispatch as many ready task runs as there are tokens."""
    run = turn.run
    node = run.nodes.get(grant.task)
    used = 0
    if node is not None and run.row.state is RunState.RUNNING:
        tokens = grant.tokens
        for lane, index in node.next_ready():
            row = lane.live.get(index)
            # 0 in `dispatched_us`: the attempt in `attempt` is over, or there was none.
            attempt = 1 if row is None else row.attempt + (row.dispatched_us == 0)
            key = TaskKey(grant.task, lane.key_of(index))
            token = tokens[used]
            turn.emit(
                f.Dispatched(at_us=turn.now_us, task=grant.task, map_index=key.map_index, attempt=attempt, token=token)
            )
            turn.effects.append(fx.Dispatch(key=key, attempt=attempt, token=token))
            used += 1
            if used == len(tokens):
                break
    if used < len(grant.tokens):
        turn.effects.append(fx.ReturnGrants(task=grant.task, tokens=grant.tokens[used:]))


# -- timers


def on_timer(turn: Turn, timer: i.TimerFired) -> None:
    """A timer is due. One that has become pointless does nothing; one that fires early is set again."""
    run = turn.run
    if timer.kind == "run_deadline":
        _run_deadline(turn)
        return
    node = run.nodes.get(timer.task)
    if node is None:
        return
    if timer.kind == "deadline" and len(timer.map_index) < node.plan.depth:
        lane = node.lanes.get(timer.map_index)
        if lane is not None:
            _lane_deadline(turn, lane)
        return
    found = node.lane_of(timer.map_index)
    row = found[0].live.get(found[1]) if found is not None else None
    if found is not None and row is not None:
        _task_timer(turn, timer, *found, row)


def _task_timer(turn: Turn, timer: i.TimerFired, lane: Lane, index: int, row: TaskRow) -> None:
    code = lane.state[index]
    if timer.kind == "deadline":
        if _is_due(turn, timer, row.deadline_us):
            _expire(turn, lane, index, row)
    elif timer.kind == "retry":
        if code == RETRYING and _is_due(turn, timer, row.due_us):
            turn.ready(lane, index)
    elif code == DEFERRED and row.due_us and _is_due(turn, timer, row.due_us):
        if is_sleep(lane, row):
            turn.succeed(lane, index, result=NOTHING)
        else:
            turn.ready(lane, index)


def is_sleep(lane: Lane, row: TaskRow) -> bool:
    """A deferred step that was never dispatched is a durable sleep."""
    return lane.node.body is not None and row.attempt == 0


def _is_due(turn: Turn, timer: i.TimerFired, due_us: int) -> bool:
    if not due_us:
        return False
    if due_us > turn.now_us:
        turn.set_timer(timer.kind, due_us, timer.task, timer.map_index)
        return False
    return True


def _run_deadline(turn: Turn) -> None:
    row = turn.run.row
    due_us = run_deadline_us(turn)
    if row.cancel_requested or row.outcome is not None or turn.run.pipeline.deadline_s is None:
        return
    if due_us > turn.now_us:
        turn.set_timer("run_deadline", due_us)
        return
    cancel_run(turn, DEADLINE, f"the run did not end within its deadline of {turn.run.pipeline.deadline_s:g} s")


def _lane_deadline(turn: Turn, lane: Lane) -> None:
    """The common deadline of all instances that became ready when their scope opened."""
    if lane.deadline_us > turn.now_us:
        turn.set_timer("deadline", lane.deadline_us, lane.node.plan.id, lane.path)
        return
    for index in lane.untouched():
        if lane.state[index] == READY:
            turn.fail(lane, index, deadline_error(lane))
    for index, row in list(lane.live.items()):
        if row.deadline_us and row.deadline_us <= turn.now_us:
            _expire(turn, lane, index, row)


def _expire(turn: Turn, lane: Lane, index: int, row: TaskRow) -> None:
    code = lane.state[index]
    if code in (DISPATCHED, RUNNING):
        # It fails when its attempt has ended: until then its slots are taken.
        turn.stop(row)
    elif WAITING < code < FIRST_TERMINAL:
        if code == DEFERRED:
            stop_deferred(turn, lane, row)
        turn.fail(lane, index, deadline_error(lane))


# -- people


def on_mark(turn: Turn, mark: i.Mark) -> None:
    """Declare the outcome of a task run that has not ended; a running attempt is stopped first."""
    node = turn.run.nodes.get(mark.task)
    found = node.lane_of(mark.map_index) if node is not None else None
    if mark.state not in MARKABLE:
        turn.reject("mark", f"{mark.state} cannot be declared", mark.task, mark.map_index)
        return
    if node is None or found is None:
        turn.reject("mark", "there is no such task run", mark.task, mark.map_index)
        return
    lane, index = found
    code = lane.state[index]
    if code >= FIRST_TERMINAL:
        turn.reject("mark", "it has ended", mark.task, mark.map_index)
        return
    _mark(turn, lane, index, mark)


def _mark(turn: Turn, lane: Lane, index: int, mark: i.Mark) -> None:
    """Declare the outcome of one task run. That of a host goes for those of its members that have not ended."""
    node, code = lane.node, lane.state[index]
    turn.emit(
        f.Marked(
            at_us=turn.now_us,
            task=node.plan.id,
            map_index=mark.map_index,
            state=mark.state,
            actor=mark.actor,
            reason=mark.reason,
        )
    )
    for member in node.hosted:
        inner = member.lanes[lane.path]
        if inner.state[index] < FIRST_TERMINAL:
            _mark(turn, inner, index, mark)
    row = lane.live[index]
    if node.plan.is_map and code == RUNNING:
        cancel_members(turn, lane, index, mark.actor, mark.reason)
    elif code in (DISPATCHED, RUNNING) and node.host is None:
        turn.stop(row)
    else:
        if code == DEFERRED:
            stop_deferred(turn, lane, row)
        declare(turn, lane, index, mark.state, mark.reason)


def on_suspend(turn: Turn, suspend: i.Suspend) -> None:
    """Dispatch nothing more: take back what was asked of admission."""
    if turn.run.row.cancel_requested:
        turn.reject("suspend", "the run is being cancelled")
        return
    turn.emit(f.RunSuspended(at_us=turn.now_us, actor=suspend.actor, reason=suspend.reason))
    for node in turn.run.nodes.values():
        if node.ready:
            turn.effects.append(fx.WithdrawRequest(task=node.plan.id, count=node.ready))


def on_resume(turn: Turn, resume: i.Resume) -> None:
    """Go on: ask admission again for all that is ready."""
    turn.emit(f.RunResumed(at_us=turn.now_us, actor=resume.actor))
    for node in turn.run.nodes.values():
        if node.ready:
            turn.run.readied[node.plan.id] = node.ready

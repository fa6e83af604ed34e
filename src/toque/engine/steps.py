"""Steps of flows: task runs that a flow body asks for while it runs, and that answer a replay from their record."""

from __future__ import annotations

from toque.engine import effects as fx
from toque.engine import facts as f
from toque.engine.cancelling import call_off, is_called_off
from toque.engine.codes import DEFERRED, DISPATCHED, FAILED, FIRST_TERMINAL, RUNNING, STATES, SUCCEEDED
from toque.engine.inputs import FlowEvicted, StepRequested
from toque.engine.lanes import Lane, NodeState
from toque.engine.rows import TaskRow
from toque.engine.state import step_key
from toque.engine.turn import Turn
from toque.engine.values import ErrorInfo, TaskKey, ValueRef

NOTHING = ValueRef(codec="json", inline=b"null", size_bytes=4)
"""What a durable sleep returns."""


def on_step_requested(turn: Turn, request: StepRequested) -> None:
    """Start a step, or answer from its record."""
    body = active_body(turn, request.body, request.body_index, request, "step")
    if body is None:
        return
    lane, index, row = body
    if lane.state[index] == DISPATCHED:
        turn.emit(
            f.Started(
                at_us=turn.now_us, task=row.task, map_index=row.map_index, attempt=row.attempt, started_us=turn.now_us
            )
        )
    key = step_key(request.node, row.map_index, request.occurrence)
    step = turn.run.nodes.get(key.task)
    if step is not None and step.body is not lane.node:
        turn.reject("step", "a node of the pipeline has this name", key.task, key.map_index)
        return
    if step is not None:
        found = step.lane_of(key.map_index)
        if found is not None:
            _answer_again(turn, request, *found, row)
            return
    if is_called_off(turn.run, lane, row):
        turn.reject("step", "the flow is being cancelled", key.task, key.map_index)
        return
    _add(turn, request, key, is_new=step is None)


def _add(turn: Turn, request: StepRequested, key: TaskKey, *, is_new: bool) -> None:
    if is_new:
        turn.emit(f.StepDeclared(at_us=turn.now_us, node=request.node, body=request.body))
    turn.emit(
        f.StepAdded(
            at_us=turn.now_us, task=key.task, map_index=key.map_index, digest=request.digest, payload=request.payload
        )
    )
    found = turn.run.nodes[key.task].lane_of(key.map_index)
    assert found is not None
    lane, index = found
    turn.ready(lane, index)
    if request.sleep_until_us:
        turn.emit(
            f.Deferred(
                at_us=turn.now_us,
                task=key.task,
                map_index=key.map_index,
                due_us=request.sleep_until_us,
                worked=False,
            )
        )
        if request.sleep_until_us <= turn.now_us:
            turn.succeed(lane, index, result=NOTHING)
        else:
            turn.set_timer("sleep", request.sleep_until_us, key.task, key.map_index)


def step_ended(turn: Turn, lane: Lane, index: int) -> None:
    """Answer the body, or have an evicted one replayed."""
    assert lane.node.body is not None
    key = lane.key_of(index)
    found = lane.node.body.lane_of(key[:-1])
    assert found is not None
    body, at = found
    parent = body.live.get(at)
    if parent is None:
        return
    if body.state[at] in (DISPATCHED, RUNNING) and parent.token is not None:
        step = lane.kept.get(index)
        if step is not None:
            turn.effects.append(_answer(step, parent))
    elif body.state[at] == DEFERRED and not parent.due_us:
        turn.ready(body, at, returned=True)


def abandon_steps(turn: Turn, lane: Lane, index: int) -> None:
    """The body has ended: nobody waits for its open steps any more."""
    path = lane.key_of(index)
    for step in lane.node.steps:
        steps = step.lanes.get(path)
        if steps is None:
            continue
        for row in list(steps.live.values()):
            call_off(turn, steps, row, "", "its flow has ended")


def active_body(
    turn: Turn, task: str, index: tuple[int, ...], request: StepRequested | FlowEvicted, name: str
) -> tuple[Lane, int, TaskRow] | None:
    """Where a body stands that its host runs by the token of `request`; None after the request was rejected."""
    state: NodeState | None = turn.run.nodes.get(task)
    found = state.lane_of(index) if state is not None else None
    row = found[0].live.get(found[1]) if found is not None else None
    if found is None or row is None or row.token != request.token:
        turn.reject(name, "stale: the flow was dispatched anew or has ended", task, index)
        key, attempt = TaskKey(task, index), row.attempt if row else 0
        if isinstance(request, StepRequested):
            # The host still runs a body that is void.
            turn.effects.append(fx.StopAttempt(key=key, attempt=attempt, token=request.token))
        else:
            turn.effects.append(fx.Acknowledge(key=key, attempt=attempt, token=request.token))
        return None
    return (*found, row)


def _answer_again(turn: Turn, request: StepRequested, lane: Lane, index: int, parent: TaskRow) -> None:
    step = lane.kept.get(index) or lane.live.get(index)
    if step is None:
        return
    if step.step_digest != request.digest:
        assert parent.token is not None
        turn.effects.append(
            fx.AnswerStep(
                body=TaskKey(parent.task, parent.map_index),
                step=TaskKey(step.task, step.map_index),
                order=step.order,
                token=parent.token,
                probe=request.probe,
                diverged=f"{step.task} was called with other inputs before the flow was replayed",
            )
        )
    elif lane.state[index] >= FIRST_TERMINAL:
        turn.effects.append(_answer(step, parent, request.probe))


def _answer(step: TaskRow, parent: TaskRow, probe: int = 0) -> fx.AnswerStep:
    assert parent.token is not None
    key, body = TaskKey(step.task, step.map_index), TaskKey(parent.task, parent.map_index)
    if step.state is STATES[SUCCEEDED]:
        result = step.result if step.result is not None else NOTHING
        return fx.AnswerStep(
            body=body,
            step=key,
            order=step.order,
            token=parent.token,
            at_us=step.finished_us,
            result=result,
            probe=probe,
        )
    error = step.error
    if error is None or step.state is not STATES[FAILED]:
        name = "Skipped" if step.state.value == "skipped" else "Cancelled"
        error = ErrorInfo(kind="cancelled", type=name, message=step.reason, retryable=False)
    return fx.AnswerStep(
        body=body,
        step=key,
        order=step.order,
        token=parent.token,
        at_us=step.finished_us,
        error=error,
        probe=probe,
    )


def has_open_steps(lane: Lane, index: int) -> bool:
    """Whether a step of the body has not ended."""
    path = lane.key_of(index)
    return any(path in step.lanes and step.lanes[path].live for step in lane.node.steps)

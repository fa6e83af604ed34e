"""Restore: the way back from rows to the state of a run, and the effects that arm it again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Protocol

import msgspec

from toque.engine import effects as fx
from toque.engine.cancelling import is_called_off
from toque.engine.codes import CANCELLED, CODE, DEFERRED, FAILED, FIRST_TERMINAL, READY, RETRYING, RUNNING, WAITING
from toque.engine.commands import is_sleep
from toque.engine.keeping import keep
from toque.engine.lanes import Frame, Lane
from toque.engine.lateness import late_timers
from toque.engine.reuse import plan_reuse
from toque.engine.rows import RunRow, StepRow, TaskRow
from toque.engine.run_facts import add_step, declare_step
from toque.engine.scopes import count_end, count_opening, count_ready, open_scope, ready_at_opening
from toque.engine.state import Run
from toque.engine.states import RunState
from toque.engine.values import TaskKey, TimerKind
from toque.errors import ToqueBug
from toque.graph.ir import Pipeline, TaskNode


class Stored(Protocol):
    """The rows of one run (`ports.store.StoredRun` is one)."""

    @property
    def run(self) -> RunRow: ...
    @property
    def tasks(self) -> list[TaskRow]: ...
    @property
    def steps(self) -> list[StepRow]: ...


def restore(pipeline: Pipeline, stored: Stored, reuse: Sequence[TaskRow] = ()) -> tuple[Run, list[fx.AnyEffect]]:
    """The run as it was when its rows were written, and what has to be asked for again.

    Its active attempts stay active (`Run.active`): the caller reports those lost that are. `reuse` is for a
    rerun that has not started yet: the rows of its origin.
    """
    run = Run(pipeline, copy(stored.run))
    _declare_steps(run, stored.steps)
    placed = [_place(run, copy(row)) for row in _outermost_first(run, stored.tasks)]
    implied = _cancel_implied(run)
    _count(run, placed, implied)
    _line_up(run, placed)
    if run.row.state is RunState.QUEUED:
        plan_reuse(run, reuse)
    run.dirty.clear()
    run.readied.clear()
    return run, _rearm(run)


def _declare_steps(run: Run, steps: Iterable[StepRow]) -> None:
    left = list(steps)
    while left:
        known = [step for step in left if step.body in run.nodes]
        if not known:
            raise ToqueBug(f"run {run.row.run_id} has steps of unknown flows: {[step.body for step in left]}")
        for step in known:
            declare_step(run, msgspec.msgpack.decode(step.node, type=TaskNode), step.body)
        left = [step for step in left if step not in known]


def _outermost_first(run: Run, rows: Iterable[TaskRow]) -> list[TaskRow]:
    """Map nodes before what is in their scope, bodies before their steps."""
    try:
        return sorted(rows, key=lambda row: (len(row.map_index), run.nodes[row.task].plan.position, row.map_index))
    except KeyError as unknown:
        raise ToqueBug(f"run {run.row.run_id} has a row of {unknown}, which its pipeline has not") from None


def _place(run: Run, row: TaskRow) -> tuple[Lane, int, TaskRow]:
    state = run.nodes[row.task]
    if state.body is not None:
        lane = add_step(state, row.map_index[:-1], row.map_index[-1])
        lane.live[row.map_index[-1]] = row
        run.steps_open += 1
    found = state.lane_of(row.map_index)
    if found is None:
        raise ToqueBug(f"run {run.row.run_id} has a row of {row.task}{list(row.map_index)}, whose scope is not open")
    lane, index = found
    lane.state[index] = CODE[row.state]
    lane.live[index] = row
    if state.plan.is_map and row.size >= 0:
        open_scope(lane, index, row.size, row.shape, row.started_us)
    return lane, index, row


def _frames(run: Run) -> list[Frame]:
    return [frame for lane in run.lanes() for frame in lane.opened.values()]


def _cancel_implied(run: Run) -> list[tuple[Lane, int, bool]]:
    """Instances without a row in a scope that was cancelled: (lane, index, whether it waited)."""
    implied: list[tuple[Lane, int, bool]] = []
    for frame in _frames(run):
        assert frame.lane is not None
        row = frame.lane.live[frame.index]
        if not (run.row.cancel_requested or row.cancel_requested or row.marked is not None or row.state.is_terminal):
            continue
        for lane in frame.lanes:
            if lane.node.plan.survives_cancel:
                continue
            for index in lane.untouched():
                lane.state[index] = CANCELLED
                implied.append((lane, index, not lane.node.plan.starts_with_scope))
    return implied


def _count(run: Run, placed: list[tuple[Lane, int, TaskRow]], implied: list[tuple[Lane, int, bool]]) -> None:
    """Tell downstreams and scopes of all that has opened and ended."""
    failed = []
    for lane, index, row in placed:
        if index in lane.opened:
            count_opening(lane, index)
        code = lane.state[index]
        if code == FAILED:
            failed.append((row.finished_us, lane, index, row))
        elif code >= FIRST_TERMINAL:
            _count_end(run, lane, index, row)
    for _, lane, index, row in sorted(failed, key=lambda item: item[0]):
        _count_end(run, lane, index, row)
    for lane, index, waited in implied:
        count_end(lane, index, was_waiting=waited)


def _count_end(run: Run, lane: Lane, index: int, row: TaskRow) -> None:
    keep(run, lane, index, row)
    count_end(lane, index, was_waiting=index not in lane.opened)


def _line_up(run: Run, placed: list[tuple[Lane, int, TaskRow]]) -> None:
    """What is ready, in the order in which it became so."""
    for frame in _frames(run):
        assert frame.lane is not None
        if frame.lane.state[frame.index] == RUNNING and not run.row.cancel_requested:
            ready_at_opening(run, frame)
    for lane, index, _ in placed:
        if lane.state[index] == READY and lane.node.host is None:
            # Not merged with a range next to it, which may have been ready much earlier or later.
            lane.node.queue.append((lane, index, index + 1))
            count_ready(run, lane.node, 1)
    for node in run.nodes.values():
        if len(node.queue) > 1:
            in_order = sorted(node.queue, key=_ready_since)
            node.queue.clear()
            node.queue.extend(in_order)


def _ready_since(waiting: tuple[Lane, int, int]) -> int:
    lane, start, _ = waiting
    row = lane.live.get(start)
    return row.ready_us if row is not None else lane.ready_us


def _rearm(run: Run) -> list[fx.AnyEffect]:
    effects = late_timers(run)
    row = run.row
    if row.state.is_terminal or row.state is RunState.QUEUED:
        return effects
    if run.pipeline.deadline_s is not None and row.outcome is None:
        due_us = row.started_us + round(run.pipeline.deadline_s * 1_000_000)
        effects.append(fx.SetTimer(kind="run_deadline", due_us=due_us))
    for node in run.nodes.values():
        if node.ready and row.state is RunState.RUNNING:
            effects.append(fx.RequestSlots(task=node.plan.id, count=node.ready))
        for lane in node.lanes.values():
            if lane.deadline_us and any(code == READY for code in lane.state):
                effects.append(
                    fx.SetTimer(kind="deadline", due_us=lane.deadline_us, task=node.plan.id, map_index=lane.path)
                )
            for index, live in lane.live.items():
                effects.extend(_rearm_task(run, lane, index, live))
    return effects


def _rearm_task(run: Run, lane: Lane, index: int, row: TaskRow) -> Iterable[fx.AnyEffect]:
    code = lane.state[index]
    if row.deadline_us and code != WAITING:
        yield fx.SetTimer(kind="deadline", due_us=row.deadline_us, task=row.task, map_index=row.map_index)
    if code == RETRYING:
        yield fx.SetTimer(kind="retry", due_us=row.due_us, task=row.task, map_index=row.map_index)
    elif code == DEFERRED and row.due_us:
        kind: TimerKind = "sleep" if is_sleep(lane, row) else "deferred"
        yield fx.SetTimer(kind=kind, due_us=row.due_us, task=row.task, map_index=row.map_index)
    if row.token is not None and (row.marked is not None or is_called_off(run, lane, row)):
        yield fx.StopAttempt(key=TaskKey(row.task, row.map_index), attempt=row.attempt, token=row.token)

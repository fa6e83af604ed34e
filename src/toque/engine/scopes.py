"""Scopes: what an opened map node's instance holds, and when one of its indexes has ended, and how."""

from __future__ import annotations

from toque.engine.codes import (
    CANCELLED,
    FAILED,
    FAILED_UNIT,
    FIRST_TERMINAL,
    OK_UNIT,
    READY,
    SKIPPED,
    SUCCEEDED,
    UNIT,
    UPSTREAM_FAILED,
    WAITING,
)
from toque.engine.lanes import Frame, Lane, NodeState
from toque.engine.rules import Verdict, judge, opening_unit, unit_of
from toque.engine.state import Run
from toque.graph.expr import Gather, Ref
from toque.graph.ir import MapNode


def open_scope(lane: Lane, index: int, size: int, shape: tuple[int, ...], at_us: int) -> Frame:
    """Make the lanes of all members: from here on their instances exist."""
    members = lane.node.members
    frame = Frame(lane, index, size, shape, len(members))
    lane.opened[index] = frame
    for member in members:
        inner = Lane(member, frame, frame.path, size)
        inner.ready_us = at_us
        if member.plan.deadline_us:
            inner.deadline_us = at_us + member.plan.deadline_us
        member.lanes[frame.path] = inner
        frame.lanes.append(inner)
    if not members:
        frame.ended = size
        frame.outcomes = bytearray([SUCCEEDED]) * size
    return frame


def count_chained(frame: Frame) -> None:
    """Give members what upstreams in sibling scopes have ended before this scope opened."""
    for lane in frame.lanes:
        for edge, source in zip(lane.node.plan.edges, lane.node.sources, strict=True):
            if source.plan.scope == lane.node.plan.scope:
                continue
            before = source.lanes.get(lane.path)
            if before is None:
                continue
            for index in range(min(frame.size, len(before.state))):
                if edge.opening:
                    unit = opening_unit(before, index)
                else:
                    unit = unit_of(before, index, outcome=edge.outcome)
                if unit:
                    lane.counters[index] = lane.counters.get(index, 0) + unit


def ready_at_opening(run: Run, frame: Frame) -> None:
    """Ready what waits for nothing inside the scope. No fact and no row: the opening says it for all indexes."""
    for lane in frame.lanes:
        plan = lane.node.plan
        if not plan.is_task:
            continue
        if plan.starts_with_scope:
            candidates = [index for index, code in enumerate(lane.state) if code == WAITING]
        else:
            waiting = range(frame.size) if not plan.total else sorted(lane.counters)
            candidates = [
                index
                for index in waiting
                if lane.state[index] == WAITING and judge(run.nodes, lane, index) is Verdict.START
            ]
        for start, stop in _ranges(candidates):
            lane.state[start:stop] = bytes([READY]) * (stop - start)
            lane.node.enqueue(lane, start, stop)
        if candidates:
            count_ready(run, lane.node, len(candidates))
        for index in candidates:
            lane.counters.pop(index, None)


def count_ready(run: Run, node: NodeState, change: int) -> None:
    """More or fewer instances of `node` are ready, and admission is to hear of it (not of those that a host runs)."""
    if node.host is not None:
        return
    node.ready += change
    name = node.plan.id
    run.readied[name] = run.readied.get(name, 0) + change


def count_end(lane: Lane, index: int, *, was_waiting: bool) -> None:
    """Tell the counters of downstreams and of the scope that an instance has ended."""
    code = lane.state[index]
    node = lane.node
    if node.down:
        unit = UNIT[code]
        for reader, outcome in node.down:
            _count(reader, lane, index, OK_UNIT if outcome else unit)
    if was_waiting:
        for reader in node.openings:
            _count(reader, lane, index, UNIT[code])
    frame = lane.frame
    if frame is None:
        return
    if frame.left:
        frame.left[index] -= 1
        if frame.left[index]:
            return
    end_index(frame, index)


def count_opening(lane: Lane, index: int) -> None:
    """Tell map nodes chained to this one that its size is known."""
    for reader in lane.node.openings:
        _count(reader, lane, index, OK_UNIT)


def end_index(frame: Frame, index: int) -> None:
    """All members of an index have ended."""
    code = frame.lanes[0].state[index] if frame.members == 1 and frame.lane is not None else _outcome(frame, index)
    frame.outcomes[index] = code
    frame.ended += 1
    unit = UNIT[code]
    error = frame.errors.pop(index, None) if frame.errors else None
    if unit == FAILED_UNIT:
        frame.failed += 1
        if frame.first_failed is None or index < frame.first_failed[0]:
            frame.first_failed = (index, error[1] if error is not None else None)
    elif code == SKIPPED:
        frame.skipped += 1


def is_unhandled(lane: Lane, index: int) -> bool:
    """Whether an instance that ended makes its index (or its run) fail."""
    code = lane.state[index]
    if code == UPSTREAM_FAILED:
        # Its culprit answers for it, unless that is in another scope: then nobody here would.
        if not _blocked_from_outside(lane, index):
            return False
    elif code not in (FAILED, CANCELLED):
        return False
    node = lane.node
    if node.handled:
        return False
    return not any(
        (rescuer := reader.lanes.get(lane.path)) is not None and rescuer.state[index] == SUCCEEDED
        for reader in node.rescuers
    )


def _outcome(frame: Frame, index: int) -> int:
    skipped = 0
    for lane in frame.lanes:
        code = lane.state[index]
        if code == SKIPPED:
            skipped += 1
        elif code != SUCCEEDED and is_unhandled(lane, index):
            return code
    result = _result_code(frame, index)
    if result is not None and result != SUCCEEDED:
        return result
    return SKIPPED if skipped == len(frame.lanes) else SUCCEEDED


def _result_code(frame: Frame, index: int) -> int | None:
    """The state of what the index stands for in a reduce."""
    if frame.lane is None or not isinstance(frame.lane.node.plan.node, MapNode):
        return None
    match frame.lane.node.plan.node.result:
        case Ref(node=name) | Gather(map=name):
            for lane in frame.lanes:
                if lane.node.plan.id == name:
                    return lane.state[index]
        case _:
            pass
    return None


def _blocked_from_outside(lane: Lane, index: int) -> bool:
    for edge, source in zip(lane.node.plan.edges, lane.node.sources, strict=True):
        if source.plan.scope == lane.node.plan.scope or edge.outcome or edge.opening:
            continue
        before = source.lanes.get(lane.path)
        if before is not None and UNIT[before.state[index]] == FAILED_UNIT:
            return True
    return False


def _count(reader: NodeState, source: Lane, index: int, unit: int) -> None:
    lane = reader.lanes.get(source.path)
    if lane is not None and lane.state[index] == WAITING:
        lane.counters[index] = lane.counters.get(index, 0) + unit


def _ranges(indexes: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    start = previous = -2
    for index in indexes:
        if index != previous + 1:
            if start >= 0:
                ranges.append((start, previous + 1))
            start = index
        previous = index
    if start >= 0:
        ranges.append((start, previous + 1))
    return ranges


def is_terminal(code: int) -> bool:
    """Whether a state code is an end."""
    return code >= FIRST_TERMINAL

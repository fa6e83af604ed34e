"""Evictions: a flow host lets go of a body that only waits, so that waiting costs no memory."""

from __future__ import annotations

from toque.engine import facts as f
from toque.engine.codes import DISPATCHED
from toque.engine.inputs import FlowEvicted
from toque.engine.reports import ended_on_purpose, release
from toque.engine.steps import active_body, has_open_steps
from toque.engine.turn import Turn


def on_evicted(turn: Turn, eviction: FlowEvicted) -> None:
    """Park a body until one of its steps ends."""
    body = active_body(turn, eviction.body, eviction.body_index, eviction, "flow_evicted")
    if body is None:
        return
    lane, index, row = body
    release(turn, row)
    if ended_on_purpose(turn, lane, index, row):
        # The order to stop has crossed the eviction: it would never reach the next dispatch.
        return
    if lane.state[index] == DISPATCHED:
        # It never began: there is nothing that it could be waiting for.
        turn.ready(lane, index, returned=True)
        return
    turn.emit(f.Deferred(at_us=turn.now_us, task=row.task, map_index=row.map_index, due_us=0))
    unseen = eviction.seen >= 0 and lane.orders.get(index, 0) > eviction.seen
    if unseen or not has_open_steps(lane, index):
        turn.ready(lane, index, returned=True)

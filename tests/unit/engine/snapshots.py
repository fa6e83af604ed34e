"""A run, laid open: two machines are in the same state if their snapshots are equal.

Left out is what only orders or caches: the lines of ready instances, the rows that wait to be drained, and
the number of the last fact, which is the runtime's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from toque.engine.lanes import Frame, Lane, NodeState
from toque.engine.run import Run
from toque.engine.states import TaskState

_STATES = list(TaskState)


def snapshot(run: Run) -> dict[str, Any]:
    """Everything that the next decision may depend on."""
    row = msgspec.structs.asdict(run.row)
    row.pop("fact_seq")
    return {
        "row": row,
        "nodes": {name: _node(node) for name, node in run.nodes.items()},
        "root": _frame(run.root),
        "steps_open": run.steps_open,
        "failed": sorted(map(str, run.failed)),
        "failed_count": run.failed_count,
        "taken_over": sorted(map(str, run.taken_over)),
    }


def _node(node: NodeState) -> dict[str, Any]:
    return {
        "ready": node.ready,
        "steps": sorted(step.plan.id for step in node.steps),
        "lanes": {str(path): _lane(lane) for path, lane in node.lanes.items()},
    }


def _lane(lane: Lane) -> dict[str, Any]:
    return {
        "state": [_STATES[code].value for code in lane.state],
        "live": {index: msgspec.structs.asdict(row) for index, row in lane.live.items()},
        "counters": {index: lane.counted(index) for index, packed in lane.counters.items() if packed},
        "results": {index: result for index, result in enumerate(lane.results) if result is not None},
        "errors": dict(lane.errors),
        "exports": dict(lane.exports),
        "lengths": dict(lane.lengths),
        "opened": {index: _frame(frame) for index, frame in lane.opened.items()},
        "kept": {index: msgspec.structs.asdict(row) for index, row in lane.kept.items()},
        "orders": dict(lane.orders),
        "ready_us": lane.ready_us,
        "deadline_us": lane.deadline_us,
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {
        "size": frame.size,
        "shape": frame.shape,
        "left": list(frame.left),
        "outcomes": list(frame.outcomes),
        "ended": frame.ended,
        "failed": frame.failed,
        "skipped": frame.skipped,
        "errors": dict(frame.errors),
        "first_failed": frame.first_failed,
    }


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two snapshots differ, for people."""
    if one == other:
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for key in sorted({*one, *other}, key=str)
            for line in differences(one.get(key, "(missing)"), other.get(key, "(missing)"), f"{path}/{key}")
        ]
    return [f"{path}: {one!r} != {other!r}"]

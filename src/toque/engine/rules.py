"""Rules: what the trigger rule and the guards of a waiting instance say, from counters alone."""

from __future__ import annotations

from enum import Enum

from toque.engine.codes import FAILED_UNIT, FIRST_TERMINAL, OK_UNIT, SUCCEEDED, UNIT, WAITING
from toque.engine.lanes import Lane, NodeState
from toque.engine.transitions import Rule
from toque.engine.values import MapIndex
from toque.graph.ir import Guard


class Verdict(Enum):
    """What becomes of a waiting instance."""

    WAIT = "wait"
    START = "start"
    BRANCH = "branch"
    """Skipped: a guard says no."""
    UPSTREAM = "upstream"
    """Skipped: so were its upstreams."""
    RULE = "rule"
    """Skipped: its trigger rule can't be fulfilled any more."""
    BLOCKED = "blocked"
    """upstream_failed."""


def judge(nodes: dict[str, NodeState], lane: Lane, index: int) -> Verdict:
    """The verdict on an instance that waits."""
    plan = lane.node.plan
    for guard in plan.guards:
        answer = _passes(nodes[guard.node], guard, lane.key_of(index))
        if answer is None:
            return Verdict.WAIT
        if not answer:
            return Verdict.BRANCH
    total = plan.total
    if not total:
        return Verdict.START
    ok, failed, skipped = lane.counted(index)
    if plan.gates:
        closed = _gate(lane, index)
        if closed is not None:
            return closed
        ok, total = ok - len(plan.gates), total - len(plan.gates)
        if not total:
            return Verdict.START
    if _fulfilled(plan.rule, (ok, failed, skipped, total), lane, index):
        return Verdict.START
    if ok + failed + skipped < total:
        return Verdict.WAIT
    if plan.rule.unmet == "skipped":
        return Verdict.RULE
    return Verdict.BLOCKED if failed else Verdict.UPSTREAM


def _gate(lane: Lane, index: int) -> Verdict | None:
    """What the gates say, before the trigger rule is asked; None: all are open."""
    key = lane.key_of(index)
    verdict = None
    for position in lane.node.plan.gates:
        unit = UNIT[state_of(lane.node.sources[position], key)]
        if not unit:
            return Verdict.WAIT
        if unit == FAILED_UNIT:
            verdict = Verdict.BLOCKED
        elif unit != OK_UNIT and verdict is None:
            verdict = Verdict.UPSTREAM
    return verdict


def _fulfilled(rule: Rule, counts: tuple[int, int, int, int], lane: Lane, index: int) -> bool:
    ok, failed, skipped, total = counts
    for counted, share in rule.needs:
        match counted:
            case "ok":
                count = ok
            case "failed":
                count = failed
            case "skipped":
                count = skipped
            case "done":
                count = ok + failed + skipped
            case "setup":
                count = 1 if state_of(lane.node.sources[0], lane.key_of(index)) == SUCCEEDED else 0
        if share == "all":
            if count < total:
                return False
        elif (count > 0) is (share == "none"):
            return False
    return True


def _passes(node: NodeState, guard: Guard, reader: MapIndex) -> bool | None:
    """Whether the guard lets the reader pass; None: not known yet. Without a value the trigger rule decides."""
    found = node.lane_of(reader[: node.plan.depth])
    if found is None:
        return None
    lane, index = found
    code = lane.state[index]
    if code < FIRST_TERMINAL:
        return None
    if code != SUCCEEDED:
        return True
    exports = lane.exports.get(index, ())
    value = exports[guard.export] if guard.export < len(exports) else None
    # 1 == True in Python, and a branch on a number is not one on a truth value.
    is_one = any(type(value) is type(wanted) and value == wanted for wanted in guard.values)
    return is_one is (guard.test == "equals")


def state_of(node: NodeState, map_index: MapIndex) -> int:
    """The code of an instance; that of a scope which has not opened is `waiting`."""
    found = node.lane_of(map_index[: node.plan.depth])
    return WAITING if found is None else found[0].state[found[1]]


def unit_of(source: Lane, index: int, *, outcome: bool) -> int:
    """What a source that ended adds to the counters of a downstream (0: it has not ended)."""
    unit = UNIT[source.state[index]]
    return OK_UNIT if outcome and unit else unit


def opening_unit(source: Lane, index: int) -> int:
    """The same for a map node of which only the opening is waited for."""
    return OK_UNIT if index in source.opened else UNIT[source.state[index]]


def culprit(lane: Lane, index: int) -> str:
    """The first failed upstream in edge order, as `task[index]`."""
    key = lane.key_of(index)
    for edge, source in zip(lane.node.plan.edges, lane.node.sources, strict=True):
        found = source.lane_of(key)
        if found is None or edge.outcome:
            continue
        unit = opening_unit(*found) if edge.opening else unit_of(*found, outcome=False)
        if unit == FAILED_UNIT:
            suffix = f"[{'.'.join(map(str, key))}]" if key else ""
            return f"{source.plan.id}{suffix}"
    return ""

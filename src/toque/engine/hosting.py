"""Hosting: task runs that the attempt of another one, their host, runs and reports for.

1. A member is never dispatched and holds no slot. `ready` says that it may run; its host gets to it.
2. A report about a member counts while the dispatch of its host is current, and only about one that may run or runs.
3. An attempt of the host that is over takes back what it had begun; what it finished stays finished, and the next
   attempt is told of the rest.
4. When the host has ended, no member can run any more: one that may or does ends as the host did. One that still waits
   is asked by its own rule first, so that a failure among members is told as theirs.
"""

from __future__ import annotations

from toque.engine import facts as f
from toque.engine import inputs as i
from toque.engine.codes import CANCELLED, DISPATCHED, FIRST_TERMINAL, READY, RUNNING, SKIPPED, SUCCEEDED
from toque.engine.lanes import Lane
from toque.engine.rules import Verdict
from toque.engine.state import Run
from toque.engine.states import AttemptOutcome
from toque.engine.turn import Turn
from toque.engine.values import ErrorInfo, TaskKey

_TELLS = (i.AttemptStarted, i.AttemptSucceeded, i.AttemptFailed, i.AttemptSkipped)
"""What a host may report for a member."""


def members_of(run: Run, key: TaskKey) -> tuple[tuple[str, int], ...]:
    """The members of a host that have not ended, in the order of the graph, with the number of their next attempt."""
    found = run.nodes[key.task].lane_of(key.map_index)
    if found is None:
        return ()
    host, index = found
    lanes = [member.lanes[host.path] for member in host.node.hosted]
    left = [lane for lane in lanes if lane.state[index] < FIRST_TERMINAL]
    return tuple((lane.node.plan.id, _next_attempt(lane, index)) for lane in left)


def host_of(lane: Lane) -> Lane:
    """The lane of the host of a member: the same index there is its host."""
    assert lane.node.host is not None
    return lane.node.host.lanes[lane.path]


def is_held(lane: Lane, index: int) -> bool:
    """Whether an executor has the host of a member."""
    return host_of(lane).state[index] in (DISPATCHED, RUNNING)


def refusal(lane: Lane, index: int, report: i.AnyReport) -> str:
    """Why a report about a member is void; "" if it is not."""
    row = host_of(lane).live.get(index)
    if row is None or row.token != report.token or not is_held(lane, index):
        return "stale: of a dispatch of its host that is over"
    code = lane.state[index]
    if code >= FIRST_TERMINAL:
        return "it has ended"
    if code not in (READY, RUNNING):
        return "what it waits for has not ended"
    if not isinstance(report, _TELLS):
        return "a host cannot say so of a task that it runs"
    current = lane.live[index].attempt if code == RUNNING else _next_attempt(lane, index)
    return "" if report.attempt == current else f"of attempt {report.attempt}, and the one at hand is {current}"


def take_back(turn: Turn, host: Lane, index: int) -> None:
    """The attempt of the host is over, and there will be another one: what it had begun may run again."""
    if host.state[index] in (DISPATCHED, RUNNING) or host.state[index] >= FIRST_TERMINAL:
        return
    for member in host.node.hosted:
        lane = member.lanes[host.path]
        if lane.state[index] != RUNNING:
            continue
        row = lane.live[index]
        message = f"the attempt of {_name(host, index)} that ran it ended before it had reported its end"
        turn.emit(
            f.AttemptEnded(
                at_us=turn.now_us,
                task=row.task,
                map_index=row.map_index,
                attempt=row.attempt,
                outcome=AttemptOutcome.LOST,
                error=ErrorInfo(kind="infrastructure", type="HostLost", message=message),
            )
        )
        turn.ready(lane, index)


def end_members(turn: Turn, host: Lane, index: int) -> None:
    """The host has ended: so do those of its members that may run or do."""
    for member in host.node.hosted:
        lane = member.lanes[host.path]
        if lane.state[index] in (READY, RUNNING):
            end_with_host(turn, lane, index)


def end_with_host(turn: Turn, lane: Lane, index: int) -> None:
    """End a member as its host ended."""
    host, row = host_of(lane), lane.live.get(index)
    name, code = _name(host, index), host.state[index]
    if code == CANCELLED or turn.run.row.cancel_requested or (row is not None and row.cancel_requested):
        reason = row.reason if row is not None and row.reason else turn.run.row.reason
        turn.cancel(lane, index, "", reason or f"{name} was cancelled")
    elif code == SUCCEEDED:
        message = f"{name} runs it, and ended without having reported it"
        turn.fail(lane, index, ErrorInfo(kind="code", type="NotReported", message=message, retryable=False))
    elif code == SKIPPED:
        turn.skip(lane, index, Verdict.UPSTREAM.value)
    elif lane.state[index] == RUNNING:
        error = host.errors.get(index)
        why = f": {error.said}" if error is not None else ""
        kind = error.kind if error is not None else "code"
        message = f"{name} failed while it ran this{why}"[:4000]
        turn.fail(lane, index, ErrorInfo(kind=kind, type="HostFailed", message=message, retryable=False))
    else:
        turn.block(lane, index, name)


def _next_attempt(lane: Lane, index: int) -> int:
    row = lane.live.get(index)
    if row is None:
        return 1
    return row.attempt if lane.state[index] == RUNNING else row.attempt + 1


def _name(lane: Lane, index: int) -> str:
    return str(TaskKey(lane.node.plan.id, lane.key_of(index)))

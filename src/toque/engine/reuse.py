"""Reuse: which outcomes of its origin a rerun takes over.

A task run is taken over if it ended well (or skipped itself), is not to run anew, and the same holds for all that
it depends on. What lies between a setup and its teardown needs the setup anew; what a host
runs needs the host, which then runs what is left of its members.
"""

from __future__ import annotations

from collections.abc import Sequence

from toque.engine import facts as f
from toque.engine.codes import READY, WAITING
from toque.engine.lanes import Lane, NodeState
from toque.engine.rows import TaskRow
from toque.engine.state import Run
from toque.engine.states import TaskState
from toque.engine.turn import Turn
from toque.engine.values import TaskKey

_BY_RULE = frozenset({"branch", "upstream", "rule", "hook"})
"""Reasons of skips that the machine will come to again by itself."""


def take_over(turn: Turn, lane: Lane, index: int) -> bool:
    """End an instance with the outcome of the origin, if there is one to take over."""
    run = turn.run
    row = run.taken_over.pop(TaskKey(lane.node.plan.id, lane.key_of(index)), None)
    if row is None or lane.state[index] not in (WAITING, READY):
        return False
    origin = row.reused_from or row.run_id
    turn.emit(f.Reused(at_us=turn.now_us, task=row.task, map_index=row.map_index, origin_run=origin))
    if row.state is TaskState.SKIPPED:
        turn.skip(lane, index, row.reason, row.started_us, row.finished_us)
    else:
        turn.succeed(
            lane,
            index,
            result=row.result,
            started_us=row.started_us,
            finished_us=row.finished_us,
            exports=row.exports,
            lengths=row.lengths,
            cached_from=row.cached_from,
        )
    return True


def plan_reuse(run: Run, rows: Sequence[TaskRow]) -> None:
    """Find out what `run` takes over from the rows of its origin (all of them; those that failed say what is anew)."""
    if not rows:
        return
    by_key = {TaskKey(row.task, row.map_index): row for row in rows if row.task in run.nodes}
    anew = set(run.row.reuse)
    # Who names a host means all that it runs.
    anew.update(name for name, node in run.nodes.items() if node.plan.host in anew)
    dirty = {key for key, row in by_key.items() if key.task in anew or not _is_settled(row)}
    while True:
        clean = _clean(run, by_key, dirty, anew)
        more = (_setups_needed(run, by_key, clean) | _hosts_needed(run, by_key, clean)) - dirty
        if not more:
            break
        dirty |= more
    run.taken_over = {
        key: row
        for key, row in by_key.items()
        if key in clean and _runs_code(run.nodes[key.task]) and not _is_by_rule(row)
    }


def _runs_code(state: NodeState) -> bool:
    """Maps and joins are decided anew; hooks tell of this run, not of the origin."""
    return state.plan.is_task and not state.plan.is_hook


def _is_settled(row: TaskRow) -> bool:
    return row.state in (TaskState.SUCCEEDED, TaskState.SKIPPED)


def _is_by_rule(row: TaskRow) -> bool:
    return row.state is TaskState.SKIPPED and row.reason in _BY_RULE


def _clean(run: Run, rows: dict[TaskKey, TaskRow], dirty: set[TaskKey], anew: set[str]) -> set[TaskKey]:
    """Those whose whole past is taken over."""
    clean: set[TaskKey] = set()
    unclean_members: set[TaskKey] = set()
    ordered = sorted(rows, key=lambda key: (run.nodes[key.task].plan.position, key.map_index))
    for key in ordered:
        state = run.nodes[key.task]
        if key not in dirty and key.task not in anew and _past_is_clean(run, state, key, rows, clean, unclean_members):
            clean.add(key)
        else:
            _taint_scopes(run, state, key, unclean_members)
    return clean


def _past_is_clean(
    run: Run,
    state: NodeState,
    key: TaskKey,
    rows: dict[TaskKey, TaskRow],
    clean: set[TaskKey],
    unclean_members: set[TaskKey],
) -> bool:
    if state.plan.scope in run.row.reuse:
        return False
    for edge in state.plan.edges:
        source = TaskKey(edge.source, key.map_index)
        if edge.opening:
            if not _opens_again(run, source, rows, clean):
                return False
        elif source not in clean or source in unclean_members:
            return False
    return not state.plan.scope or _opens_again(run, TaskKey(state.plan.scope, key.map_index[:-1]), rows, clean)


def _opens_again(run: Run, scope: TaskKey, rows: dict[TaskKey, TaskRow], clean: set[TaskKey]) -> bool:
    """A map that failed may have members worth keeping, if it will open on the same items."""
    if scope in clean:
        return True
    row = rows.get(scope)
    if row is None or row.size < 0 or scope.task in run.row.reuse:
        return False
    return all(
        _opens_again(run, TaskKey(edge.source, scope.map_index), rows, clean)
        if edge.opening
        else TaskKey(edge.source, scope.map_index) in clean
        for edge in run.nodes[scope.task].plan.edges
    )


def _taint_scopes(run: Run, state: NodeState, key: TaskKey, unclean_members: set[TaskKey]) -> None:
    """Whoever reads the whole of a map reads something new."""
    scope, index = state.plan.scope, key.map_index
    while scope:
        index = index[:-1]
        unclean_members.add(TaskKey(scope, index))
        scope = run.nodes[scope].plan.scope


def _hosts_needed(run: Run, rows: dict[TaskKey, TaskRow], clean: set[TaskKey]) -> set[TaskKey]:
    """Hosts of whatever runs anew: nobody else can run it."""
    return {
        key
        for key in rows
        if any(TaskKey(member.plan.id, key.map_index) not in clean for member in run.nodes[key.task].hosted)
    }


def _setups_needed(run: Run, rows: dict[TaskKey, TaskRow], clean: set[TaskKey]) -> set[TaskKey]:
    """Setups, and their teardowns, of whatever runs anew between them."""
    needed: set[TaskKey] = set()
    for key in rows:
        plan = run.nodes[key.task].plan
        if not plan.setup:
            continue
        upstream = [TaskKey(edge.source, key.map_index) for edge in plan.edges]
        if key not in clean or any(source not in clean for source in upstream):
            needed.update((key, TaskKey(plan.setup, key.map_index)))
    return needed

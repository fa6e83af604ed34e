"""Why a task run has not started, in words: the question that people ask most of an orchestrator."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from toque.api.details import node_counts
from toque.api.lookups import find_task_run
from toque.api.services import Services
from toque.api.timeline import upstream_tasks
from toque.api.wire.tasks import Blocker, Waiting
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import TERMINAL, RunState, TaskState
from toque.engine.values import TaskKey
from toque.graph.ir import Pipeline, TaskNode
from toque.ports.pages import Holder, worst_state
from toque.runtime.starting import RUNS

SHOWN = 5
RULES = {
    "all_success": "when all upstream tasks have succeeded",
    "all_done": "when all upstream tasks have ended, however they did",
    "all_failed": "when all upstream tasks have failed",
    "one_success": "as soon as one upstream task has succeeded",
    "one_failed": "as soon as one upstream task has failed",
    "one_done": "as soon as one upstream task has ended",
    "none_failed": "when all upstream tasks have ended and none failed",
    "none_failed_min_one_success": "when all upstream tasks have ended, none failed and one succeeded",
    "none_skipped": "when all upstream tasks have ended and none was skipped",
    "all_skipped": "when all upstream tasks were skipped",
    "always": "at once",
    "teardown": "when what uses its setup has ended",
}


async def why_waiting(asked: Services, run: RunRow, pipeline: Pipeline, row: TaskRow) -> Waiting | None:
    """None for what has started or ended, and for what will never start since its run has ended."""
    if row.state in TERMINAL or row.state is TaskState.RUNNING or run.state.is_terminal:
        return None
    if run.state is RunState.QUEUED:
        return await _queued(asked, run, pipeline)
    if run.state is RunState.SUSPENDED:
        return _one("run", run.run_id, "the run is suspended: nothing starts until somebody resumes it")
    node = next((each for each in pipeline.nodes if each.id == row.task), None)
    match row.state:
        case TaskState.RETRYING:
            return _one("timer", "retry", f"the last attempt failed; the next one starts at {_clock(row.due_us)}")
        case TaskState.DEFERRED if row.due_us:
            return _one("timer", "deferred", f"it waits for something outside, and looks again at {_clock(row.due_us)}")
        case TaskState.DEFERRED:
            return _one("timer", "deferred", "it waits for something outside to answer")
        case TaskState.DISPATCHED:
            return _one("capacity", row.worker, "it was handed to a worker and is about to begin")
        case TaskState.READY if isinstance(node, TaskNode):
            if node.host:
                return await _hosted(asked, run, TaskKey(node.host, row.map_index))
            return await _ready(asked, run, node)
        case TaskState.READY:
            return await _capacity(asked, "process")
        case _:
            return await _upstream(asked, run, pipeline, row)


async def _queued(asked: Services, run: RunRow, pipeline: Pipeline) -> Waiting:
    limit = pipeline.concurrency.max_active_runs
    if limit is None:
        if not run.owner:
            return _one("run", "", "the run is queued, and no server has taken it yet")
        return _one("run", "", "the run is queued and about to start")
    holders = [each for each in await asked.store.history.holders() if each.pool == RUNS + run.pipeline]
    named = ", ".join(each.run_id for each in holders[:SHOWN])
    words = f"the run is queued: {run.pipeline} may have {limit} active run{'s' if limit > 1 else ''}"
    return Waiting(
        words=f"{words}, and {named or 'others'} {'is' if len(holders) == 1 else 'are'} active",
        blockers=[Blocker(kind="run", name=each.run_id, text="is active") for each in holders[:SHOWN]],
    )


async def _hosted(asked: Services, run: RunRow, host: TaskKey) -> Waiting:
    row = await find_task_run(asked, run.run_id, host)
    state = row.state if row is not None else TaskState.WAITING
    if state is TaskState.RUNNING:
        return _one("upstream", host.task, f"it may run, and {host} gets to it, which runs it with others")
    return _one("upstream", host.task, f"it may run as soon as {host} does, which runs it with others and is {state}")


async def _ready(asked: Services, run: RunRow, node: TaskNode) -> Waiting:
    claims = {asked.options.pool_of(claim.pool): claim.slots for claim in node.policy.pools}
    if node.policy.concurrency_key is not None:
        claims[f"key:{_filled(node.policy.concurrency_key, run)}"] = 1
    holders = await asked.store.history.holders() if claims else []
    blockers = []
    for pool, slots in claims.items():
        limit = 1 if pool.startswith("key:") else asked.options.pool_limit(pool)
        held = [each for each in holders if each.pool == pool]
        used = sum(each.slots for each in held)
        if limit is not None and used + min(slots, limit) > limit:
            text = f"{used} of {limit} slot{'s' if limit > 1 else ''} taken by {_names(held)}"
            blockers.append(Blocker(kind="pool", name=pool, text=text))
    if not blockers:
        return await _capacity(asked, "flow" if node.kind == "flow" else node.policy.executor)
    words = "; ".join(f"the pool {each.name} is full: {each.text}" for each in blockers)
    return Waiting(words=f"it is ready, but {words}", blockers=blockers)


async def _capacity(asked: Services, executor: str) -> Waiting:
    if asked.machine.free(executor) > 0:
        return _one("capacity", executor, "it is ready and about to be dispatched")
    busy = sum(len(each.attempts) for each in asked.machine.workers() if each.executor == executor)
    return _one("capacity", executor, f"it is ready, but no worker is free: {busy} attempts are in their hands")


async def _upstream(asked: Services, run: RunRow, pipeline: Pipeline, row: TaskRow) -> Waiting | None:
    node = next((each for each in pipeline.nodes if each.id == row.task), None)
    if node is None:
        return None
    counts = {each.task: each.counts for each in await node_counts(asked, run.run_id)}
    blockers = []
    for name in sorted(upstream_tasks(pipeline).get(row.task, ())):
        states = counts.get(name, {})
        open_ones = {state: number for state, number in states.items() if state not in TERMINAL and number}
        if not states:
            blockers.append(Blocker(kind="upstream", name=name, text="waits itself"))
        elif open_ones:
            total = sum(states.values())
            ended = total - sum(open_ones.values())
            text = str(worst_state(open_ones)) + (f", {ended} of {total} ended" if total > 1 else "")
            blockers.append(Blocker(kind="upstream", name=name, text=text))
    rule = RULES.get(node.rule, node.rule)
    if not blockers:
        return Waiting(words=f"it starts {rule}; what it waits for is being decided", blockers=[])
    named = ", ".join(f"{each.name} ({each.text})" for each in blockers[:SHOWN])
    more = f" and {len(blockers) - SHOWN} more" if len(blockers) > SHOWN else ""
    return Waiting(words=f"it starts {rule}; not ended yet: {named}{more}", blockers=blockers)


def _one(kind: str, name: str, text: str) -> Waiting:
    return Waiting(words=text, blockers=[Blocker.model_validate({"kind": kind, "name": name, "text": text})])


def _names(held: list[Holder]) -> str:
    named = [f"{each.run_id}/{TaskKey(each.task, each.map_index)}" for each in held[:SHOWN]]
    more = [f"{len(held) - SHOWN} more"] if len(held) > SHOWN else []
    return ", ".join([*named, *more]) or "other processes"


def _filled(template: str, run: RunRow) -> str:
    """As `toque.engine.requests.filled`, for a run that is not in memory."""
    return re.sub(r"\{(\w+)\}", lambda found: str(run.parameters.get(found[1], found[0])), template)


def _clock(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"

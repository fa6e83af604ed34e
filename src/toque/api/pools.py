"""Pools: limits, holders, waiters."""

from __future__ import annotations

from toque.api.lookups import version_graph
from toque.api.services import Services
from toque.api.wire.system import Pool, PoolUser
from toque.engine.rows import RunRow
from toque.engine.states import RunState, TaskState
from toque.graph.ir import TaskNode
from toque.ports.pages import RunQuery, TaskQuery
from toque.runtime.starting import RUNS

ACTIVE_RUNS = 50
"""Running runs whose ready task runs are looked at for waiters, and queued ones."""
READY = 100
"""Of each of them."""


async def pools(asked: Services) -> list[Pool]:
    """Those that are declared or held, by name."""
    held: dict[str, list[PoolUser]] = {}
    for each in await asked.store.history.holders():
        user = PoolUser(
            run_id=each.run_id, task=each.task, index=list(each.map_index), since_us=each.since_us, slots=each.slots
        )
        held.setdefault(each.pool, []).append(user)
    waiting = await _waiters(asked)
    limits = await _run_limits(asked, {*held, *waiting})
    names = sorted({*asked.options.pools, *held, *waiting})
    found = []
    for name in names:
        limit = limits.get(name) or (1 if name.startswith("key:") else asked.options.pool_limit(name)) or 0
        holders = held.get(name, [])
        used = sum(each.slots for each in holders)
        found.append(Pool(pool=name, limit=limit, used=used, holders=holders, waiters=waiting.get(name, [])))
    return found


async def _waiters(asked: Services) -> dict[str, list[PoolUser]]:
    history = asked.store.history
    found: dict[str, list[PoolUser]] = {}
    running = await history.runs(RunQuery(states=(RunState.RUNNING,), limit=ACTIVE_RUNS))
    for run in running.runs:
        claims = await _claims(asked, run)
        if not claims:
            continue
        page = await history.task_runs(TaskQuery(run_id=run.run_id, states=(TaskState.READY,), limit=READY))
        for row in page.tasks:
            for pool, slots in claims.get(row.task, ()):
                user = PoolUser(
                    run_id=run.run_id, task=row.task, index=list(row.map_index), since_us=row.ready_us, slots=slots
                )
                found.setdefault(pool, []).append(user)
    queued = await history.runs(RunQuery(states=(RunState.QUEUED,), limit=ACTIVE_RUNS))
    for run in queued.runs:
        pipeline = await version_graph(asked, run.version)
        if pipeline.concurrency.max_active_runs is not None:
            user = PoolUser(run_id=run.run_id, task="", index=[], since_us=run.created_us, slots=1)
            found.setdefault(RUNS + run.pipeline, []).append(user)
    return found


async def _claims(asked: Services, run: RunRow) -> dict[str, list[tuple[str, int]]]:
    """By task: the pools that it wants, with slots."""
    pipeline = await version_graph(asked, run.version)
    return {
        node.id: [(asked.options.pool_of(claim.pool), claim.slots) for claim in node.policy.pools]
        for node in pipeline.nodes
        if isinstance(node, TaskNode) and node.policy.pools
    }


async def _run_limits(asked: Services, names: set[str]) -> dict[str, int]:
    """Of the pools that count active runs."""
    found = {}
    for name in names:
        if name.startswith(RUNS):
            row = await asked.store.current_version(name.removeprefix(RUNS))
            if row is not None:
                pipeline = await version_graph(asked, row.version)
                found[name] = pipeline.concurrency.max_active_runs or 0
    return found

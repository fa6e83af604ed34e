"""Orders to a run that has not ended: checked here, written into the store, carried out by whoever owns the run."""

from __future__ import annotations

import asyncio
from typing import Any

from toque.api.asking import map_index
from toque.api.lookups import find_run, find_task_run, version_graph
from toque.api.services import Services
from toque.api.wire.actions import RunAction
from toque.engine.rows import RunRow
from toque.engine.states import ACTIVE, RunState
from toque.engine.values import TaskKey
from toque.errors import Conflict, NotFound, UserError
from toque.graph.ir import TaskNode
from toque.ports.store import CommandRow

LOOKS = 10
LOOK_S = 0.03
"""Between looks at whether the order was carried out, so that the answer shows what came of it."""


async def check_order(asked: Services, run: RunRow, kind: str, act: RunAction) -> None:
    """Raises `Conflict` where the order has no meaning, `NotFound` for a task."""
    if run.state.is_terminal:
        raise Conflict(f"run {run.run_id} has ended: it {run.state}", fix="retry or rerun starts a new one")
    if kind == "suspend" and run.state is RunState.QUEUED:
        raise Conflict(f"run {run.run_id} has not started: it is queued", fix="cancel it, or wait until it runs")
    if kind == "suspend" and run.cancel_requested:
        raise Conflict(f"run {run.run_id} is being cancelled")
    if kind == "resume" and run.state is not RunState.SUSPENDED:
        raise Conflict(f"run {run.run_id} is not suspended: it is {run.state}")
    if act.task:
        key = TaskKey(act.task, map_index(act.index))
        await _check_task(asked, run, key)
        if kind == "cancel":
            await _check_alone(asked, run, key)


async def check_mark(asked: Services, run: RunRow, act: RunAction) -> None:
    """Raises `UserError` for what is missing, `Conflict` for a task run that has ended."""
    if not act.task:
        raise UserError("no task is named", fix='{"task": "…", "state": "succeeded"}')
    if not act.state:
        raise UserError("no state is named", fix='{"task": "…", "state": "succeeded"}')
    await check_order(asked, run, "mark", act)


async def give_order(asked: Services, run: RunRow, kind: str, act: RunAction, actor: str) -> RunRow:
    """Durable when it returns; the row shows what came of it, if that was quick. Repeated, it changes nothing."""
    if _is_done(run, kind, act):
        return run
    payload: dict[str, Any] = {"reason": act.reason}
    if kind in ("cancel", "mark"):
        payload |= {"task": act.task, "map_index": list(map_index(act.index))}
    if kind == "mark":
        payload["state"] = act.state
    command = CommandRow(run_id=run.run_id, kind=kind, payload=payload, actor=actor, at_us=asked.clock.now_us())
    await asked.store.put_command(command)
    seen = run
    for _ in range(LOOKS if run.owner else 0):
        await asyncio.sleep(LOOK_S)
        seen = await find_run(asked, run.run_id)
        if seen.fact_seq != run.fact_seq:
            break
    return seen


def _is_done(run: RunRow, kind: str, act: RunAction) -> bool:
    return (kind == "cancel" and not act.task and run.cancel_requested) or (
        kind == "suspend" and run.state is RunState.SUSPENDED
    )


async def _check_alone(asked: Services, run: RunRow, key: TaskKey) -> None:
    """What a running host runs with others cannot be taken out of its hands."""
    pipeline = await version_graph(asked, run.version)
    host = next((each.host for each in pipeline.nodes if each.id == key.task and isinstance(each, TaskNode)), "")
    if host:
        whole = TaskKey(host, key.map_index)
        row = await find_task_run(asked, run.run_id, whole)
        if row is not None and row.state in ACTIVE:
            raise Conflict(f"{whole} runs {key} with others: it cannot be cancelled alone", fix=f"cancel {whole}")


async def _check_task(asked: Services, run: RunRow, key: TaskKey) -> None:
    row = await find_task_run(asked, run.run_id, key)
    if row is not None:
        if row.state.is_terminal:
            raise Conflict(f"{key} has ended: it {row.state}", fix="rerun repeats it in a new run")
        return
    pipeline = await version_graph(asked, run.version)
    node = next((each for each in pipeline.nodes if each.id == key.task), None)
    if node is None:
        known = ", ".join(sorted(each.id for each in pipeline.nodes)[:20])
        raise NotFound(f"run {run.run_id} has no task {key.task!r}", fix=f"it has: {known}")
    if bool(key.map_index) != bool(node.scope):
        raise NotFound(f"run {run.run_id} has no task run {key}", fix="name the map index of a mapped task")

"""Cancel, suspend, resume, retry, rerun, mark: each with a preview of what it will touch."""

from __future__ import annotations

from fastapi import APIRouter

from toque.api import rows
from toque.api.asking import Actor, Asked, Dedup, RunId
from toque.api.effects import again_effects, cancel_effects, mark_effects, pause_effects
from toque.api.errors import documented
from toque.api.lookups import find_run
from toque.api.orders import check_mark, check_order, give_order
from toque.api.services import Again
from toque.api.wire.actions import ActionPreview, RunAction
from toque.api.wire.runs import Run
from toque.errors import UserError

router = APIRouter(tags=["actions"], responses=documented(404, 409, 422))


@router.post("/runs/{run_id}/cancel")
async def cancel_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor) -> Run | ActionPreview:
    """Cancel a run, or one task run of it: first kindly, then by force."""
    run = await find_run(asked, run_id)
    await check_order(asked, run, "cancel", act)
    if act.preview:
        return await cancel_effects(asked, run, act)
    return rows.run(await give_order(asked, run, "cancel", act, actor))


@router.post("/runs/{run_id}/suspend")
async def suspend_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor) -> Run | ActionPreview:
    """Start nothing more of a run until it is resumed."""
    run = await find_run(asked, run_id)
    await check_order(asked, run, "suspend", act)
    if act.preview:
        return await pause_effects(asked, run, resumes=False)
    return rows.run(await give_order(asked, run, "suspend", act, actor))


@router.post("/runs/{run_id}/resume")
async def resume_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor) -> Run | ActionPreview:
    """Let a suspended run go on."""
    run = await find_run(asked, run_id)
    await check_order(asked, run, "resume", act)
    if act.preview:
        return await pause_effects(asked, run, resumes=True)
    return rows.run(await give_order(asked, run, "resume", act, actor))


@router.post("/runs/{run_id}/retry")
async def retry_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """A new run that repeats what failed in an ended run, and everything behind it."""
    again = Again(run_id=run_id, tasks=None, new_code=act.new_code, actor=actor, reason=act.reason, dedup=dedup)
    if act.preview:
        return await again_effects(asked, again)
    return rows.run(await asked.starts.again(again))


@router.post("/runs/{run_id}/rerun")
async def rerun_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """A new run that repeats `tasks` (or `task`) and everything behind them."""
    tasks = tuple(act.tasks or ([act.task] if act.task else []))
    if not tasks:
        raise UserError("no task is named", fix='{"tasks": ["…"]}; POST …/retry repeats what failed')
    again = Again(run_id=run_id, tasks=tasks, new_code=act.new_code, actor=actor, reason=act.reason, dedup=dedup)
    if act.preview:
        return await again_effects(asked, again)
    return rows.run(await asked.starts.again(again))


@router.post("/runs/{run_id}/mark")
async def mark_task_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor) -> Run | ActionPreview:
    """Declare the outcome of a task run that has not ended."""
    run = await find_run(asked, run_id)
    await check_mark(asked, run, act)
    if act.preview:
        return await mark_effects(asked, run, act)
    return rows.run(await give_order(asked, run, "mark", act, actor))

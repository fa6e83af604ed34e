"""Cancel, suspend, resume, retry, rerun, mark: each with a preview of what it will touch."""

from __future__ import annotations

from fastapi import APIRouter

from toque.api.asking import Actor, Asked, Dedup, RunId
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.actions import ActionPreview, RunAction
from toque.api.wire.runs import Run

router = APIRouter(tags=["actions"], responses=documented(404, 409, 422))


@router.post("/runs/{run_id}/cancel")
async def cancel_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """Cancel a run, or one task run of it."""
    raise NotImplementedYet("cancel_run")


@router.post("/runs/{run_id}/suspend")
async def suspend_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """Start nothing more of a run until it is resumed."""
    raise NotImplementedYet("suspend_run")


@router.post("/runs/{run_id}/resume")
async def resume_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """Let a suspended run go on."""
    raise NotImplementedYet("resume_run")


@router.post("/runs/{run_id}/retry")
async def retry_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """A new run that repeats what failed in an ended run, and everything behind it."""
    raise NotImplementedYet("retry_run")


@router.post("/runs/{run_id}/rerun")
async def rerun_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """A new run that repeats `tasks` (or `task`) and everything behind them."""
    raise NotImplementedYet("rerun_run")


@router.post("/runs/{run_id}/mark")
async def mark_task_run(asked: Asked, run_id: RunId, act: RunAction, actor: Actor, dedup: Dedup) -> Run | ActionPreview:
    """Declare the outcome of a task run that has not ended."""
    raise NotImplementedYet("mark_task_run")

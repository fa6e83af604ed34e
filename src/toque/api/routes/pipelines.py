"""Pipelines: lists, details, pausing, starting a run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from toque.api.asking import Actor, Asked, Dedup, Name, Paging
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.model import Page
from toque.api.wire.pipelines import BrokenFile, PipelineDetail, PipelineSummary, StartRun
from toque.api.wire.runs import Run

router = APIRouter(tags=["pipelines"])


class PipelineQuery(Paging):
    """Which pipelines."""

    search: str = ""
    """Part of the name, the doc or a tag."""
    tag: str = ""
    owner: str = ""
    paused: bool | None = None
    broken: bool | None = None


@router.get("/pipelines")
async def list_pipelines(asked: Asked, where: Annotated[PipelineQuery, Query()]) -> Page[PipelineSummary]:
    """All pipelines, by name."""
    raise NotImplementedYet("list_pipelines")


@router.get("/pipelines/{name}", responses=documented(404))
async def get_pipeline(asked: Asked, name: Name) -> PipelineDetail:
    """One pipeline."""
    raise NotImplementedYet("get_pipeline")


@router.post("/pipelines/{name}/pause", responses=documented(404))
async def pause_pipeline(asked: Asked, name: Name, actor: Actor) -> PipelineDetail:
    """Let no schedule start it."""
    raise NotImplementedYet("pause_pipeline")


@router.post("/pipelines/{name}/unpause", responses=documented(404))
async def unpause_pipeline(asked: Asked, name: Name, actor: Actor) -> PipelineDetail:
    """Let its schedules start it again."""
    raise NotImplementedYet("unpause_pipeline")


@router.post("/pipelines/{name}/runs", status_code=201, responses=documented(404, 422))
async def start_run(asked: Asked, name: Name, start: StartRun, actor: Actor, dedup: Dedup) -> Run:
    """Start a run of the current version. With an `Idempotency-Key`, once."""
    raise NotImplementedYet("start_run")


@router.get("/files")
async def list_broken_files(asked: Asked) -> Page[BrokenFile]:
    """Files of the project that cannot be loaded."""
    raise NotImplementedYet("list_broken_files")

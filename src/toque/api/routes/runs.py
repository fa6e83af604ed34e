"""Runs: lists, details, comparison."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from toque.api.asking import Asked, Paging, RunId, TimeUs
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.model import Page
from toque.api.wire.runs import Comparison, Run
from toque.api.wire.tasks import RunDetail
from toque.engine.states import RunState

router = APIRouter(tags=["runs"])


class RunQuery(Paging):
    """Which runs."""

    pipeline: str = Field(default="", max_length=200)
    state: list[RunState] = []
    """Any of these; repeat the parameter."""
    trigger: str = Field(default="", max_length=200)
    from_us: TimeUs = 0
    """Created at or after."""
    to_us: TimeUs = 0
    """Created before."""
    search: str = Field(default="", max_length=200)
    """Part of the pipeline's name, or the beginning of the run's id."""


@router.get("/runs")
async def list_runs(asked: Asked, where: Annotated[RunQuery, Query()]) -> Page[Run]:
    """Newest first."""
    raise NotImplementedYet("list_runs")


@router.get("/runs/{run_id}", responses=documented(404))
async def get_run(asked: Asked, run_id: RunId) -> RunDetail:
    """One run."""
    raise NotImplementedYet("get_run")


@router.get("/compare", responses=documented(404))
async def compare_runs(
    asked: Asked,
    a: Annotated[str, Query(min_length=1, max_length=100)],
    b: Annotated[str, Query(min_length=1, max_length=100)],
) -> Comparison:
    """Two runs side by side."""
    raise NotImplementedYet("compare_runs")

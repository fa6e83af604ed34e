"""The graph of a pipeline or run, and the grid."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from toque.api.asking import Asked, Name, Parameters, RunId
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.graphs import Graph, Grid

router = APIRouter(tags=["graphs"])


class GridQuery(Parameters):
    """Which runs."""

    limit: int = Field(default=50, ge=1, le=200)
    before: str = Field(default="", max_length=100)
    """Runs older than this one."""


@router.get("/pipelines/{name}/graph", responses=documented(404))
async def get_pipeline_graph(asked: Asked, name: Name, version: Annotated[str, Query(max_length=100)] = "") -> Graph:
    """The graph of a version (by default the current one)."""
    raise NotImplementedYet("get_pipeline_graph")


@router.get("/runs/{run_id}/graph", responses=documented(404))
async def get_run_graph(asked: Asked, run_id: RunId) -> Graph:
    """The graph of a run, with the steps that its flows declared so far."""
    raise NotImplementedYet("get_run_graph")


@router.get("/pipelines/{name}/grid", responses=documented(404))
async def get_grid(asked: Asked, name: Name, where: Annotated[GridQuery, Query()]) -> Grid:
    """Runs × tasks, newest run first."""
    raise NotImplementedYet("get_grid")

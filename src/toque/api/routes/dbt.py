"""What a run has of dbt."""

from __future__ import annotations

from fastapi import APIRouter

from toque.api.asking import Asked, RunId
from toque.api.dbt_models import models
from toque.api.errors import documented
from toque.api.lookups import find_run, version_graph
from toque.api.wire.dbt import DbtModel
from toque.api.wire.model import Page

router = APIRouter(tags=["dbt"])


@router.get("/runs/{run_id}/dbt", responses=documented(404))
async def list_dbt_models(asked: Asked, run_id: RunId) -> Page[DbtModel]:
    """Models, seeds and snapshots that the run builds, each with its tests."""
    run = await find_run(asked, run_id)
    return Page(items=await models(asked, await version_graph(asked, run.version), run))

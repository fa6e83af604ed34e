"""Runs: lists, details, comparison."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from toque.api import rows
from toque.api.asking import Asked, Paging, RunId, TimeUs
from toque.api.comparing import compared
from toque.api.details import run_detail
from toque.api.errors import documented
from toque.api.lookups import cursor_of, find_run, position_of
from toque.api.wire.model import Page
from toque.api.wire.runs import Comparison, Run
from toque.api.wire.tasks import RunDetail
from toque.engine.states import RunState
from toque.ports.pages import RunQuery as StoredQuery

router = APIRouter(tags=["runs"])


class RunQuery(Paging):
    """Which runs."""

    pipeline: str = Field(default="", max_length=200)
    state: list[RunState] = []
    """Any of these; repeat the parameter."""
    trigger: str = Field(default="", max_length=200)
    backfill: str = Field(default="", max_length=200)
    """Those of a backfill."""
    from_us: TimeUs = 0
    """Created at or after."""
    to_us: TimeUs = 0
    """Created before."""
    search: str = Field(default="", max_length=200)
    """Beginning of the run's id, its pipeline, or a parameter (`value` or `name=value`)."""


@router.get("/runs")
async def list_runs(asked: Asked, where: Annotated[RunQuery, Query()]) -> Page[Run]:
    """Newest first. With a search a page may be short and still have a next one."""
    before = position_of(where.cursor, str)
    found = await asked.store.history.runs(
        StoredQuery(
            pipeline=where.pipeline,
            states=tuple(dict.fromkeys(where.state)),
            trigger=where.trigger,
            backfill_id=where.backfill,
            from_us=where.from_us,
            to_us=where.to_us,
            search=where.search,
            limit=where.limit,
            before=before[0] if before else "",
        )
    )
    return Page(items=[rows.run(row) for row in found.runs], next=cursor_of([found.older]) if found.older else None)


@router.get("/runs/{run_id}", response_model=RunDetail, responses=documented(404))
async def get_run(asked: Asked, run_id: RunId) -> Response:
    """One run."""
    return await run_detail(asked, await find_run(asked, run_id))


@router.get("/compare", responses=documented(404))
async def compare_runs(
    asked: Asked,
    a: Annotated[str, Query(min_length=1, max_length=100)],
    b: Annotated[str, Query(min_length=1, max_length=100)],
) -> Comparison:
    """Two runs side by side."""
    first, second = await asyncio.gather(find_run(asked, a), find_run(asked, b))
    return await compared(asked, first, second)

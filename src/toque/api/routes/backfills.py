"""Backfills."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from toque.api.asking import Actor, Asked, Dedup, Name, Paging
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.model import Page
from toque.api.wire.schedules import Backfill, BackfillRequest

router = APIRouter(tags=["backfills"])
BackfillId = Annotated[str, Path(description="Id of the backfill.", min_length=1, max_length=100)]


@router.post("/pipelines/{name}/backfills", status_code=201, responses=documented(404, 422))
async def start_backfill(asked: Asked, name: Name, wanted: BackfillRequest, actor: Actor, dedup: Dedup) -> Backfill:
    """Plan runs for a schedule's ticks in a range; with `dry_run`, only say which."""
    raise NotImplementedYet("start_backfill")


@router.get("/backfills")
async def list_backfills(asked: Asked, page: Annotated[Paging, Query()]) -> Page[Backfill]:
    """Newest first."""
    raise NotImplementedYet("list_backfills")


@router.get("/backfills/{backfill}", responses=documented(404))
async def get_backfill(asked: Asked, backfill: BackfillId) -> Backfill:
    """How far it is."""
    raise NotImplementedYet("get_backfill")


@router.post("/backfills/{backfill}/cancel", responses=documented(404, 409))
async def cancel_backfill(asked: Asked, backfill: BackfillId, actor: Actor) -> Backfill:
    """Start nothing more of it; what runs goes on."""
    raise NotImplementedYet("cancel_backfill")

"""Automation of assets: what was decided, and pauses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from toque.api import assets as shown
from toque.api.asking import Actor, Asked, Paging
from toque.api.asset_automation import decisions
from toque.api.asset_slices import detail
from toque.api.errors import documented
from toque.api.lookups import cursor_of, position_of
from toque.api.routes.assets import Key
from toque.api.services import Services
from toque.api.wire.assets import AssetDetail
from toque.api.wire.automation import AutomationDecision
from toque.api.wire.model import Page
from toque.runtime.pausing import set_automation_paused

router = APIRouter(tags=["assets"])


@router.get("/assets/{key}/automation", responses=documented(404))
async def list_automation_decisions(
    asked: Asked, key: Key, where: Annotated[Paging, Query()]
) -> Page[AutomationDecision]:
    """What was decided about making it by itself, newest first: the last 200 decisions are kept."""
    before = position_of(where.cursor, int)
    known = await shown.catalogue(asked)
    found = await decisions(asked, known, key, before=before[0] if before else 0, limit=where.limit + 1)
    page = found[: where.limit]
    return Page(items=page, next=cursor_of([page[-1].n]) if len(found) > len(page) else None)


@router.post("/assets/{key}/automation/pause", responses=documented(404))
async def pause_automation(asked: Asked, key: Key, actor: Actor) -> AssetDetail:
    """Ask for nothing by its rules from now on."""
    return await _paused(asked, key, actor, pause=True)


@router.post("/assets/{key}/automation/unpause", responses=documented(404))
async def unpause_automation(asked: Asked, key: Key, actor: Actor) -> AssetDetail:
    """Go on: what was made upstream meanwhile counts, ticks of the pause do not."""
    return await _paused(asked, key, actor, pause=False)


async def _paused(asked: Services, key: str, actor: str, *, pause: bool) -> AssetDetail:
    known = await shown.catalogue(asked)
    known.find(key)
    await set_automation_paused(asked.store, key, pause=pause, actor=actor, now_us=asked.clock.now_us())
    return await detail(asked, known, key)

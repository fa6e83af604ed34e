"""Backfills: of a schedule, and of assets."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field

from toque.api import backfill_rows as shown
from toque.api.asking import Actor, Asked, Dedup, Name, Paging, Parameters
from toque.api.errors import documented
from toque.api.lookups import cursor_of, find_current, position_of
from toque.api.services import Services
from toque.api.wire.backfills import Backfill, BackfillMatrix, BackfillRequest, BackfillSlice, MaterializeRequest
from toque.api.wire.model import Page
from toque.engine.states import BackfillState, SliceState
from toque.errors import Conflict, NotFound
from toque.ports.backfills import BackfillRow, SliceQuery
from toque.runtime import backfill_orders as orders
from toque.runtime.backfills import plan_backfill, ticks_of
from toque.runtime.pausing import find_schedule
from toque.runtime.planning import PIPELINE, Wish

router = APIRouter(tags=["backfills"])
BackfillId = Annotated[str, Path(description="Id of the backfill.", min_length=1, max_length=100)]
SHOWN = 1000
"""Runs that a dry run names."""
REMEMBERED = 1000
"""Plans of a pipeline among which that of an `Idempotency-Key` is looked for."""


class BackfillSliceQuery(Parameters):
    """Which slices."""

    state: SliceState | None = None
    limit: int = Field(default=50, ge=1, le=1000)
    cursor: str = Field(default="", max_length=500)


@router.post("/pipelines/{name}/backfills", status_code=201, responses=documented(404, 422))
async def start_backfill(asked: Asked, name: Name, wanted: BackfillRequest, actor: Actor, dedup: Dedup) -> Backfill:
    """Plan runs for a schedule's ticks in a range; with `dry_run`, only say which."""
    await find_current(asked, name)
    schedule = await find_schedule(asked.store, f"{name}/{wanted.schedule}" if wanted.schedule else name)
    row = await asyncio.to_thread(
        lambda: plan_backfill(
            schedule,
            (wanted.from_us, wanted.to_us),
            max_active=wanted.max_active,
            reverse=wanted.reverse,
            actor=actor,
            reason=wanted.reason,
            now_us=asked.clock.now_us(),
        )
    )
    if wanted.dry_run:
        found = ticks_of(row)
        slices = (found[::-1] if wanted.reverse else found)[:SHOWN]
        return shown.backfill(row, slices).model_copy(update={"id": "", "state": "planned"})
    if dedup:
        known = await _known(asked, name, _ending(dedup))
        if known is not None:
            return shown.backfill(known)
        row = msgspec.structs.replace(row, id=row.id[:-9] + _ending(dedup))
    await asked.store.backfills.create(row)
    return shown.backfill(row)


@router.post("/backfills", status_code=201, responses=documented(422))
async def materialize(asked: Asked, wanted: MaterializeRequest, actor: Actor, dedup: Dedup) -> Backfill:
    """Make slices of assets, with the code as it is now; with `dry_run`, only say which. `total` 0: there is nothing
    to make, and no backfill."""
    ending = _ending(dedup) if dedup else ""
    known = await _known(asked, PIPELINE, ending) if dedup else None
    if known is not None:
        return shown.backfill(known)
    wish = Wish(**wanted.model_dump(exclude={"dry_run"}), actor=actor, ending=ending)
    row, slices = await asked.plans.plan(wish, is_preview=wanted.dry_run)
    if wanted.dry_run or not row.total:
        return shown.backfill(row, planned=slices).model_copy(update={"id": "", "state": "planned"})
    return shown.backfill(row)


@router.get("/backfills")
async def list_backfills(asked: Asked, page: Annotated[Paging, Query()]) -> Page[Backfill]:
    """Newest first."""
    before = position_of(page.cursor, str)
    found = await asked.store.backfills.list_backfills(limit=page.limit + 1, before=before[0] if before else "")
    rows = found[: page.limit]
    more = len(found) > len(rows)
    return Page(items=[shown.backfill(row) for row in rows], next=cursor_of([rows[-1].id]) if more else None)


@router.get("/backfills/{backfill}", responses=documented(404))
async def get_backfill(asked: Asked, backfill: BackfillId) -> Backfill:
    """How far it is."""
    return shown.backfill(await _found(asked, backfill))


@router.get("/backfills/{backfill}/matrix", responses=documented(404))
async def get_backfill_matrix(asked: Asked, backfill: BackfillId) -> BackfillMatrix:
    """Every slice of a backfill of assets, as one character each."""
    return await shown.matrix(asked, await _found(asked, backfill))


@router.get("/backfills/{backfill}/slices", responses=documented(404))
async def list_backfill_slices(
    asked: Asked, backfill: BackfillId, where: Annotated[BackfillSliceQuery, Query()]
) -> Page[BackfillSlice]:
    """Runs of a backfill of assets, in the order of the plan."""
    await _found(asked, backfill)
    after = position_of(where.cursor, int)
    query = SliceQuery(
        states=(where.state,) if where.state is not None else (),
        after=after[0] if after else -1,
        limit=where.limit + 1,
    )
    found = await asked.store.backfills.slices(backfill, query)
    rows = found[: where.limit]
    more = len(found) > len(rows)
    return Page(items=[shown.slice_of(row) for row in rows], next=cursor_of([rows[-1].n]) if more else None)


@router.post("/backfills/{backfill}/cancel", responses=documented(404, 409))
async def cancel_backfill(asked: Asked, backfill: BackfillId, actor: Actor) -> Backfill:
    """Start nothing more of it, and cancel those of its runs that have not ended."""
    row = await asked.store.backfills.get(backfill)
    if row is not None and row.state not in (BackfillState.RUNNING, BackfillState.CANCELLED):
        raise Conflict(f"the backfill {backfill} has ended: it {row.state}")
    now_us = asked.clock.now_us()
    return shown.backfill(await orders.cancel_backfill(asked.store, backfill, actor=actor, now_us=now_us))


@router.post("/backfills/{backfill}/pause", responses=documented(404, 409))
async def pause_backfill(asked: Asked, backfill: BackfillId) -> Backfill:
    """Start nothing more of it for now. What runs goes on."""
    return shown.backfill(await orders.pause_backfill(asked.store, backfill, paused=True))


@router.post("/backfills/{backfill}/resume", responses=documented(404, 409))
async def resume_backfill(asked: Asked, backfill: BackfillId) -> Backfill:
    """Go on with it."""
    return shown.backfill(await orders.pause_backfill(asked.store, backfill, paused=False))


@router.post("/backfills/{backfill}/retry", responses=documented(404, 409))
async def retry_backfill(asked: Asked, backfill: BackfillId) -> Backfill:
    """Make again what failed of a backfill of assets, and what was held back by that; with the code of the plan."""
    return shown.backfill(await orders.retry_backfill(asked.store, backfill))


def _ending(dedup: str) -> str:
    """The random half of the id derives from the key: a second request finds the plan of the first."""
    return hashlib.blake2b(dedup.encode(), digest_size=5).hexdigest()[:9]


async def _known(asked: Services, pipeline: str, ending: str) -> BackfillRow | None:
    rows = await asked.store.backfills.list_backfills(pipeline=pipeline, limit=REMEMBERED)
    return next((row for row in rows if row.id.endswith(ending)), None)


async def _found(asked: Services, backfill: str) -> BackfillRow:
    row = await asked.store.backfills.get(backfill)
    if row is None:
        raise NotFound(f"there is no backfill {backfill}", fix="GET /api/v1/backfills lists them")
    return row

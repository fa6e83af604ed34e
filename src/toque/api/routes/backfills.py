"""Backfills."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query

from toque.api import trigger_rows
from toque.api.asking import Actor, Asked, Dedup, Name, Paging
from toque.api.errors import documented
from toque.api.lookups import cursor_of, find_current, position_of
from toque.api.wire.model import Page
from toque.api.wire.schedules import Backfill, BackfillRequest
from toque.engine.states import BackfillState
from toque.errors import Conflict, NotFound
from toque.runtime.backfill_orders import cancel_backfill as cancel
from toque.runtime.backfills import plan_backfill, ticks_of
from toque.runtime.pausing import find_schedule

router = APIRouter(tags=["backfills"])
BackfillId = Annotated[str, Path(description="Id of the backfill.", min_length=1, max_length=100)]
SHOWN = 1000
"""Runs that a dry run names."""
REMEMBERED = 1000
"""Plans of a pipeline among which that of an `Idempotency-Key` is looked for."""


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
        return trigger_rows.backfill(row, slices).model_copy(update={"id": "", "state": "planned"})
    if dedup:
        # The random half of the id derives from the key: a second request finds the plan of the first.
        ending = hashlib.blake2b(dedup.encode(), digest_size=5).hexdigest()[:9]
        for known in await asked.store.backfills.list_backfills(pipeline=name, limit=REMEMBERED):
            if known.id.endswith(ending):
                return trigger_rows.backfill(known)
        row = msgspec.structs.replace(row, id=row.id[:-9] + ending)
    await asked.store.backfills.create(row)
    return trigger_rows.backfill(row)


@router.get("/backfills")
async def list_backfills(asked: Asked, page: Annotated[Paging, Query()]) -> Page[Backfill]:
    """Newest first."""
    before = position_of(page.cursor, str)
    found = await asked.store.backfills.list_backfills(limit=page.limit + 1, before=before[0] if before else "")
    shown = found[: page.limit]
    more = len(found) > len(shown)
    return Page(items=[trigger_rows.backfill(row) for row in shown], next=cursor_of([shown[-1].id]) if more else None)


@router.get("/backfills/{backfill}", responses=documented(404))
async def get_backfill(asked: Asked, backfill: BackfillId) -> Backfill:
    """How far it is."""
    row = await asked.store.backfills.get(backfill)
    if row is None:
        raise NotFound(f"there is no backfill {backfill}", fix="GET /api/v1/backfills lists them")
    return trigger_rows.backfill(row)


@router.post("/backfills/{backfill}/cancel", responses=documented(404, 409))
async def cancel_backfill(asked: Asked, backfill: BackfillId, actor: Actor) -> Backfill:
    """Start nothing more of it, and cancel those of its runs that have not ended."""
    row = await asked.store.backfills.get(backfill)
    if row is not None and row.state not in (BackfillState.RUNNING, BackfillState.CANCELLED):
        raise Conflict(f"the backfill {backfill} has ended: it {row.state}")
    return trigger_rows.backfill(await cancel(asked.store, backfill, actor=actor, now_us=asked.clock.now_us()))

"""What needs a person; pools; the system."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from toque.api.asking import Asked, Paging
from toque.api.attention import attention
from toque.api.lookups import cursor_of, position_of
from toque.api.pools import pools
from toque.api.wire.model import Page
from toque.api.wire.system import (
    Attention,
    Pool,
    RetentionInfo,
    ServerRow,
    StoreInfo,
    System,
    Totals,
)
from toque.engine.states import RunState

router = APIRouter(tags=["system"])


@router.get("/attention")
async def list_attention(asked: Asked, page: Annotated[Paging, Query()]) -> Page[Attention]:
    """What needs a person now, newest first."""
    position = position_of(page.cursor, int)
    start = max(0, position[0]) if position else 0
    found = await attention(asked)
    shown = found[start : start + page.limit]
    more = len(found) > start + len(shown)
    return Page(items=shown, next=cursor_of([start + len(shown)]) if more else None)


@router.get("/pools")
async def list_pools(asked: Asked) -> Page[Pool]:
    """Named limits, with who holds and who waits."""
    return Page(items=await pools(asked))


@router.get("/system")
async def get_system(asked: Asked) -> System:
    """Servers, workers, store, retention."""
    history = asked.store.history
    who, store, totals = asked.identity(), await history.info(), await history.totals()
    workers = list(asked.machine.workers())
    age_s, keep_last = asked.retention
    active = totals.active_runs
    return System(
        servers=[
            ServerRow(
                instance=each.instance,
                pid=each.pid,
                host=each.host,
                role=each.role,
                boot=each.boot,
                started_us=each.since_us,
                alive=each.alive,
                this=each.instance == who.instance,
                active_runs=each.active_runs,
                lease_until_us=each.lease_until_us,
            )
            for each in await history.servers()
        ],
        workers=workers,
        store=StoreInfo(
            kind=store.kind,
            latency_us=store.latency_us,
            size_bytes=store.size_bytes,
            schema=store.revision,
        ),
        retention=RetentionInfo(age_s=age_s, keep_last=keep_last),
        totals=Totals(
            pipelines=totals.pipelines,
            versions=totals.versions,
            runs_active=active.get(RunState.RUNNING, 0) + active.get(RunState.SUSPENDED, 0),
            runs_queued=active.get(RunState.QUEUED, 0),
            task_runs_active=sum(len(each.attempts) for each in workers),
            runs_ended={str(state): count for state, count in totals.ended_runs.items()},
            task_runs_ended=totals.ended_tasks,
            counters=await asked.store.counters(),
        ),
    )

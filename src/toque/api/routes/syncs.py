"""Syncs: what is sent where, what became of it, and what the next one would do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from toque.api import rows
from toque.api.asking import Actor, Asked, Dedup
from toque.api.errors import documented
from toque.api.services import NewPreview
from toque.api.syncs import one_sync, place_of, syncs
from toque.api.wire.model import Page
from toque.api.wire.runs import Run
from toque.api.wire.syncs import Sync

router = APIRouter(tags=["syncs"])
SyncName = Annotated[str, Path(description="Name of the sync.", min_length=1, max_length=500, pattern=r"^[^\x00]*$")]


@router.get("/syncs")
async def list_syncs(asked: Asked) -> Page[Sync]:
    """Those of the project, by name, each with its last runs."""
    return Page(items=await syncs(asked))


@router.get("/syncs/{name}", responses=documented(404))
async def get_sync(asked: Asked, name: SyncName) -> Sync:
    """One sync, with more of its runs."""
    return await one_sync(asked, name)


@router.post("/syncs/{name}/preview", status_code=201, responses=documented(404))
async def preview_sync(asked: Asked, name: SyncName, actor: Actor, dedup: Dedup) -> Run:
    """Start a run that says what the sync would do now, and does nothing: its task leaves the artifact `preview`."""
    place = place_of(asked, name)
    row = await asked.starts.preview(NewPreview(pipeline=place.pipeline, task=place.task, actor=actor, dedup=dedup))
    return rows.run(row)

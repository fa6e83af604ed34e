"""Assets: the catalogue, one asset with its slices and history, and the graph of all."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from toque.api import assets as shown
from toque.api.asking import Actor, Asked, Paging, Parameters
from toque.api.asset_checks import checks, failing
from toque.api.asset_measures import measures
from toque.api.asset_slices import detail, event_page, one_slice, states
from toque.api.errors import documented
from toque.api.lookups import cursor_of, position_of
from toque.api.reviews import review
from toque.api.wire.asset_checks import AssetCheck, AssetMeasures, FailingAssetCheck, NewReview
from toque.api.wire.assets import (
    AssetDetail,
    AssetEdge,
    AssetEvent,
    AssetGraph,
    AssetSlice,
    AssetSummary,
    PartitionStates,
)
from toque.api.wire.model import MAX_US, Page, Text
from toque.errors import UserError
from toque.ports.assets import EventQuery

router = APIRouter(tags=["assets"])
Key = Annotated[str, Path(description="Key of the asset.", min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
MOST_NODES = 10_000
MOST_FAILING = 200


class AssetQuery(Paging):
    """Which assets."""

    search: Text = ""
    """Part of the key, the doc, the group or a tag."""
    group: Text = ""
    tag: Text = ""
    owner: Text = ""


class SliceQuery(Parameters):
    """Which slice."""

    partition: Text = ""
    """"" is the whole of an asset that is not cut."""


class EachSliceQuery(Parameters):
    """Of which slice."""

    partition: Text | None = None
    """Left out: of all slices."""


class AssetEventQuery(Parameters):
    """Which events."""

    kind: Literal["", "materialized", "observed", "checked", "reviewed", "freshness"] = ""
    partition: Text | None = None
    """Left out: of all slices."""
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str = Field(default="", max_length=500)
    """`next` of the page before."""


@router.get("/assets")
async def list_assets(asked: Asked, where: Annotated[AssetQuery, Query()]) -> Page[AssetSummary]:
    """What the project makes or reads, by key."""
    after = position_of(where.cursor, str)
    known = await shown.catalogue(asked)
    filters = {"search": where.search, "group": where.group, "tag": where.tag, "owner": where.owner}
    found = [
        key for key, each in known.assets.items() if (after is None or key > after[0]) and shown.fits(each, **filters)
    ]
    page = found[: where.limit]
    standing = await shown.stands(asked, known, page)
    return Page(
        items=[shown.summary(known, key, standing) for key in page],
        next=cursor_of([page[-1]]) if len(found) > len(page) else None,
    )


@router.get("/assets/{key}", responses=documented(404))
async def get_asset(asked: Asked, key: Key) -> AssetDetail:
    """One asset."""
    return await detail(asked, await shown.catalogue(asked), key)


@router.get("/assets/{key}/partitions", responses=documented(404))
async def get_asset_partitions(asked: Asked, key: Key) -> PartitionStates:
    """Every slice, as one character each."""
    return await states(asked, await shown.catalogue(asked), key)


@router.get("/assets/{key}/slice", responses=documented(404))
async def get_asset_slice(asked: Asked, key: Key, where: Annotated[SliceQuery, Query()]) -> AssetSlice:
    """One slice: who made it, from what, and whether it is stale."""
    return await one_slice(asked, await shown.catalogue(asked), key, where.partition)


@router.get("/assets/{key}/events", responses=documented(404))
async def list_asset_events(asked: Asked, key: Key, where: Annotated[AssetEventQuery, Query()]) -> Page[AssetEvent]:
    """Materializations, observations and outcomes of checks, newest first. Retention takes them with their runs."""
    (await shown.catalogue(asked)).find(key)
    before = position_of(where.cursor, int, str)
    if before is not None and not 0 <= before[0] <= MAX_US:
        raise UserError("this is no cursor of this list", fix="hand back `next` of the page before, or nothing")
    query = EventQuery(
        asset=key,
        partition=where.partition,
        kind=where.kind,
        before=(before[0], before[1]) if before is not None else None,
        limit=where.limit + 1,
    )
    return event_page(await asked.store.assets.events(query), where.limit)


@router.get("/assets/{key}/checks", responses=documented(404))
async def list_asset_checks(asked: Asked, key: Key, where: Annotated[EachSliceQuery, Query()]) -> Page[AssetCheck]:
    """What each check found when it was made last, and how it went before; failing ones first."""
    return Page(items=await checks(asked, await shown.catalogue(asked), key, where.partition))


@router.get("/assets/{key}/measures", responses=documented(404))
async def get_asset_measures(asked: Asked, key: Key, where: Annotated[EachSliceQuery, Query()]) -> AssetMeasures:
    """Rows of the last materializations with what was expected of each, and changes of columns."""
    return await measures(asked, await shown.catalogue(asked), key, where.partition)


@router.post("/assets/{key}/reviews", responses=documented(404, 422))
async def review_asset(asked: Asked, key: Key, wanted: NewReview, actor: Actor) -> AssetMeasures:
    """Say whether a materialization that was found to be odd was wrong, or is normal; returns the measures after it."""
    known = await shown.catalogue(asked)
    await review(asked, known, key, wanted, actor)
    return await measures(asked, known, key, wanted.partition or None)


@router.get("/failing-checks")
async def list_failing_checks(asked: Asked) -> Page[FailingAssetCheck]:
    """What fails anywhere, by asset and slice."""
    return Page(items=await failing(asked, MOST_FAILING))


@router.get("/assets-graph")
async def get_assets_graph(asked: Asked) -> AssetGraph:
    """All assets, and what each is made from."""
    known = await shown.catalogue(asked)
    keys = list(known.assets)[:MOST_NODES]
    standing = await shown.stands(asked, known, keys)
    there = set(keys)
    return AssetGraph(
        nodes=[shown.node(known, key, standing) for key in keys],
        edges=[
            AssetEdge(source=source.asset, target=key)
            for key in keys
            for source in known.assets[key].asset.upstream
            if source.asset in there
        ],
    )

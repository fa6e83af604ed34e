"""Lineage of columns: the way of one, and the columns of an asset."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from toque.api import assets as shown
from toque.api import column_lineage
from toque.api.asking import Asked, Parameters
from toque.api.errors import documented
from toque.api.routes.assets import Key
from toque.api.wire.lineage import AssetColumns, ColumnPaths

router = APIRouter(tags=["assets"])


class LineageQuery(Parameters):
    """Which column, and how far."""

    column: str = Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")
    """`crm.Contact.Lead_Score__c`"""
    way: Literal["up", "down", "both"] = "both"
    """What it is made of, or what is made of it."""
    depth: int | None = Field(default=None, ge=1, le=1000)
    """Steps; left out: to the ends."""


@router.get("/lineage", responses=documented(404))
async def get_lineage(asked: Asked, where: Annotated[LineageQuery, Query()]) -> ColumnPaths:
    """A column across assets: back to the columns of the sources, and on to all that is made of it."""
    return await column_lineage.paths(asked, where.column, where.way, where.depth)


@router.get("/assets/{key}/columns", responses=documented(404))
async def get_asset_columns(asked: Asked, key: Key) -> AssetColumns:
    """Its columns: type, description, checks, what each is made of, and what is made of it."""
    (await shown.catalogue(asked)).find(key)
    return await column_lineage.columns(asked, key)

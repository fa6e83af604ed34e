"""What needs a person; pools; the system."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from toque.api.asking import Asked, Paging
from toque.api.errors import NotImplementedYet
from toque.api.wire.model import Page
from toque.api.wire.system import Attention, Pool, System

router = APIRouter(tags=["system"])


@router.get("/attention")
async def list_attention(asked: Asked, page: Annotated[Paging, Query()]) -> Page[Attention]:
    """What needs a person now, newest first."""
    raise NotImplementedYet("list_attention")


@router.get("/pools")
async def list_pools(asked: Asked) -> Page[Pool]:
    """Named limits, with who holds and who waits."""
    raise NotImplementedYet("list_pools")


@router.get("/system")
async def get_system(asked: Asked) -> System:
    """Servers, workers, store, retention."""
    raise NotImplementedYet("get_system")

"""What routes are given: the services, who asks, and the parameters that many of them share."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from toque.api.services import Services
from toque.api.wire.model import TimeUs as TimeUs
from toque.engine.values import MapIndex

INDEX = r"^([0-9]{1,9}(\.[0-9]{1,9})*)?$"


async def _services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


async def _actor(request: Request) -> str:
    return cast(str, request.scope.get("toque.actor", ""))


async def _idempotency_key(request: Request) -> str:
    """Namespaced by the operation: the same key means something else elsewhere."""
    key = request.headers.get("idempotency-key", "")[:200]
    return f"api:{request.method}:{request.url.path}:{key}" if key else ""


Asked = Annotated[Services, Depends(_services)]
Actor = Annotated[str, Depends(_actor)]
Dedup = Annotated[str, Depends(_idempotency_key)]
Name = Annotated[str, Path(description="Name of the pipeline.", min_length=1, max_length=200)]
RunId = Annotated[str, Path(description="Id of the run.", min_length=1, max_length=100)]


class Parameters(BaseModel):
    """Query parameters: an unknown one is a mistake, and said so."""

    model_config = ConfigDict(extra="forbid")


class Paging(Parameters):
    """Which page."""

    limit: int = Field(default=50, ge=1, le=1000)
    cursor: str = Field(default="", max_length=500)
    """`next` of the page before."""


class OneTask(Parameters):
    """A task run of a run."""

    task: str = Field(min_length=1, max_length=1000)
    index: str = Field(default="", pattern=INDEX)
    """Map index, `3.1`; "" outside of maps."""


WhichTask = Annotated[OneTask, Query()]


def map_index(text: str) -> MapIndex:
    """`3.1` as (3, 1)."""
    return tuple(int(part) for part in text.split(".")) if text else ()

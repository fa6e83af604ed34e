"""Logs of attempts."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse
from pydantic import Field

from toque.api.asking import Asked, OneTask, RunId
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.tasks import LogPage

router = APIRouter(tags=["logs"])


class AttemptQuery(OneTask):
    """Which attempt."""

    attempt: int = Field(default=0, ge=0, le=1_000_000)
    """0: the last one."""


class LogQuery(AttemptQuery):
    """Which lines."""

    after: int = Field(default=0, ge=0, le=2**53 - 1)
    """`next` of the answer before; 0 begins."""
    limit: int = Field(default=1000, ge=1, le=5000)
    level: Literal["", "debug", "info", "warning", "error"] = ""
    """This level and above."""
    search: str = Field(default="", max_length=200)


@router.get("/runs/{run_id}/logs", responses=documented(404))
async def get_logs(asked: Asked, run_id: RunId, where: Annotated[LogQuery, Query()]) -> LogPage:
    """Lines of the log of an attempt, oldest first."""
    raise NotImplementedYet("get_logs")


@router.get("/runs/{run_id}/logs/download", responses=documented(404), response_class=PlainTextResponse)
async def download_logs(asked: Asked, run_id: RunId, where: Annotated[AttemptQuery, Query()]) -> PlainTextResponse:
    """The whole log of an attempt as text."""
    raise NotImplementedYet("download_logs")

"""Logs of attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import Field

from toque.api import bulk
from toque.api.asking import Asked, OneTask, RunId, map_index
from toque.api.errors import documented
from toque.api.log_pages import Wanted, as_text
from toque.api.lookups import find_run, find_task_run
from toque.api.services import Services
from toque.api.wire.tasks import LogPage
from toque.engine.states import TERMINAL
from toque.engine.values import TaskKey

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
    """Lines that contain it; case does not count."""
    tail: bool = False
    """The last lines instead of the first (`after` is ignored)."""


@router.get("/runs/{run_id}/logs", response_model=LogPage, responses=documented(404))
async def get_logs(asked: Asked, run_id: RunId, where: Annotated[LogQuery, Query()]) -> Response:
    """Lines of the log of an attempt, oldest first. Without any line there is none: it is no error."""
    file, over = await _file(asked, run_id, where)
    wanted = Wanted(
        after=where.after, limit=where.limit, level=where.level, search=where.search, tail=where.tail, over=over
    )
    return await asyncio.to_thread(lambda: bulk.answer(asked.logs.read(file, wanted)))


@router.get("/runs/{run_id}/logs/download", responses=documented(404), response_class=PlainTextResponse)
async def download_logs(asked: Asked, run_id: RunId, where: Annotated[AttemptQuery, Query()]) -> StreamingResponse:
    """The whole log of an attempt as text."""
    file, _ = await _file(asked, run_id, where)
    name = f"{run_id}-{where.task}{f'-{where.index}' if where.index else ''}.log"
    safe = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in name)
    lines: Iterator[str] = as_text(file)
    return StreamingResponse(
        lines,
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{safe}"'},
    )


async def _file(asked: Services, run_id: str, which: AttemptQuery) -> tuple[str, bool]:
    """The file, and whether nothing more will come. The run is looked up first: a name that is no run is no path."""
    run = await find_run(asked, run_id)
    key = TaskKey(which.task, map_index(which.index))
    row = await find_task_run(asked, run_id, key)
    last = row.attempt if row is not None else 0
    attempt = which.attempt or last or 1
    over = run.state.is_terminal or (row is not None and (row.state in TERMINAL or attempt < last))
    return asked.code.log_file(run_id, key, attempt), over

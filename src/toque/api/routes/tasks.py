"""Task runs of a run: list, timeline, panel, values."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from toque.api.asking import Asked, OneTask, Paging, Parameters, RunId, WhichTask
from toque.api.errors import NotImplementedYet, documented
from toque.api.wire.model import Page
from toque.api.wire.tasks import TaskRun, TaskRunDetail, Timeline
from toque.api.wire.values import Preview
from toque.engine.states import TaskState

router = APIRouter(tags=["tasks"])


class TaskQuery(Paging):
    """Which task runs."""

    task: str = Field(default="", max_length=1000)
    state: list[TaskState] = []
    """Any of these; repeat the parameter."""
    search: str = Field(default="", max_length=200)
    """Part of the task's name, a map index (`3.1`), or part of an error's message."""


class TimelineQuery(Parameters):
    """How many bars."""

    limit: int = Field(default=2000, ge=1, le=10_000)


class ValueQuery(OneTask):
    """Which value, which part of it."""

    which: str = Field(default="output", pattern=r"^(output|input:.{1,200}|artifact:.{1,200})$")
    """`output`, `input:NAME` or `artifact:NAME`."""
    offset: int = Field(default=0, ge=0, le=2**53 - 1)
    limit: int = Field(default=100, ge=1, le=1000)


@router.get("/runs/{run_id}/tasks", responses=documented(404))
async def list_task_runs(asked: Asked, run_id: RunId, where: Annotated[TaskQuery, Query()]) -> Page[TaskRun]:
    """By task and map index."""
    raise NotImplementedYet("list_task_runs")


@router.get("/runs/{run_id}/timeline", responses=documented(404))
async def get_timeline(asked: Asked, run_id: RunId, where: Annotated[TimelineQuery, Query()]) -> Timeline:
    """Where the time went."""
    raise NotImplementedYet("get_timeline")


@router.get("/runs/{run_id}/task", responses=documented(404))
async def get_task_run(asked: Asked, run_id: RunId, which: WhichTask) -> TaskRunDetail:
    """One task run in full."""
    raise NotImplementedYet("get_task_run")


@router.get("/runs/{run_id}/value", responses=documented(404))
async def get_value(asked: Asked, run_id: RunId, where: Annotated[ValueQuery, Query()]) -> Preview:
    """A page of an output, input or artifact."""
    raise NotImplementedYet("get_value")

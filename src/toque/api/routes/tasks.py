"""Task runs of a run: list, timeline, panel, values."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from toque.api import bulk, rows
from toque.api.asking import Asked, OneTask, Paging, Parameters, RunId, WhichTask, map_index
from toque.api.details import node_counts
from toque.api.errors import documented
from toque.api.lookups import cursor_of, find_run, position_of, version_graph
from toque.api.services import Part
from toque.api.task_panel import find_value, task_detail
from toque.api.timeline import timeline
from toque.api.wire.model import Page
from toque.api.wire.tasks import TaskRun, TaskRunDetail, Timeline
from toque.api.wire.values import Preview
from toque.engine.rows import TaskRow
from toque.engine.states import TaskState
from toque.engine.values import TaskKey
from toque.errors import UserError
from toque.ports.pages import TaskQuery as StoredQuery

router = APIRouter(tags=["tasks"])


class TaskQuery(Paging):
    """Which task runs."""

    task: str = Field(default="", max_length=1000)
    state: list[TaskState] = []
    """Any of these; repeat the parameter."""
    search: str = Field(default="", max_length=200)
    """Part of the task's name, or a map index (`3.1`)."""


class TimelineQuery(Parameters):
    """How many bars."""

    limit: int = Field(default=2000, ge=1, le=10_000)


class ValueQuery(OneTask):
    """Which value, which part of it."""

    which: str = Field(default="output", pattern=r"^(output|input:.{1,200}|artifact:.{1,200})$")
    """`output`, `input:NAME` or `artifact:NAME`."""
    offset: int = Field(default=0, ge=0, le=2**53 - 1)
    limit: int = Field(default=100, ge=1, le=1000)


@router.get("/runs/{run_id}/tasks", response_model=Page[TaskRun], responses=documented(404))
async def list_task_runs(asked: Asked, run_id: RunId, where: Annotated[TaskQuery, Query()]) -> Response:
    """By task and map index; those that still wait are not there yet."""
    await find_run(asked, run_id)
    position = position_of(where.cursor, str, list)
    if position and not all(isinstance(part, int) and 0 <= part < 2**31 for part in position[1]):
        raise UserError("this is no cursor of this list", fix="hand back `next` of the page before, or nothing")
    page = await asked.store.history.task_runs(
        StoredQuery(
            run_id=run_id,
            task=where.task,
            states=tuple(dict.fromkeys(where.state)),
            search=where.search,
            limit=where.limit,
            after=(position[0], tuple(position[1])) if position else None,
        )
    )
    following = cursor_of([page.next[0], list(page.next[1])]) if page.next is not None else None
    items = [rows.task_row(row, asked.progress(run_id, _key(row))) for row in page.tasks]
    return bulk.answer(bulk.TaskRows(items, following))


def _key(row: TaskRow) -> TaskKey:
    return TaskKey(row.task, row.map_index)


@router.get("/runs/{run_id}/timeline", response_model=Timeline, responses=documented(404))
async def get_timeline(asked: Asked, run_id: RunId, where: Annotated[TimelineQuery, Query()]) -> Response:
    """Where the time went."""
    run = await find_run(asked, run_id)

    async def written() -> bytes:
        nodes = await node_counts(asked, run_id)
        bars = await asked.store.history.timeline(run_id, where.limit, nodes)
        upstream = asked.upstreams.of(await version_graph(asked, run.version), run.version)
        return bulk.encoded(timeline(bars, nodes, upstream, run.fact_seq))

    return bulk.sent(await asked.ended.answer(run, f"timeline {where.limit}", written))


@router.get("/runs/{run_id}/task", responses=documented(404))
async def get_task_run(asked: Asked, run_id: RunId, which: WhichTask) -> TaskRunDetail:
    """One task run in full."""
    return await task_detail(asked, await find_run(asked, run_id), TaskKey(which.task, map_index(which.index)))


@router.get("/runs/{run_id}/value", responses=documented(404))
async def get_value(asked: Asked, run_id: RunId, where: Annotated[ValueQuery, Query()]) -> Preview:
    """A page of an output, input or artifact."""
    run = await find_run(asked, run_id)
    key = TaskKey(where.task, map_index(where.index))
    return await find_value(asked, run, key, where.which, Part(offset=where.offset, limit=where.limit))

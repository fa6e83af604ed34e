"""Pipelines: lists, details, pausing, starting a run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from toque.api import rows
from toque.api.asking import Actor, Asked, Dedup, Name, Paging
from toque.api.errors import documented
from toque.api.listing import Known, is_paused, known_pipeline, known_pipelines, schedules_of, summaries
from toque.api.lookups import cursor_of, position_of
from toque.api.services import NewRun
from toque.api.wire.model import Page
from toque.api.wire.pipelines import (
    BrokenFile,
    PipelineConcurrency,
    PipelineDetail,
    PipelineSummary,
    ProblemOfFile,
    StartRun,
)
from toque.api.wire.runs import Run
from toque.api.wire.schedules import ScheduleSummary
from toque.engine.states import RunState
from toque.ports.triggers import ScheduleFilter
from toque.runtime.pausing import set_paused

router = APIRouter(tags=["pipelines"])
MOST_VERSIONS = 1000
MOST_SCHEDULES = 1000


class PipelineQuery(Paging):
    """Which pipelines."""

    search: str = ""
    """Part of the name, the doc or a tag."""
    tag: str = ""
    owner: str = ""
    paused: bool | None = None
    broken: bool | None = None


@router.get("/pipelines")
async def list_pipelines(asked: Asked, where: Annotated[PipelineQuery, Query()]) -> Page[PipelineSummary]:
    """All pipelines, by name."""
    after = position_of(where.cursor, str)
    schedules = await schedules_of(asked) if where.paused is not None else {}
    found = [
        each
        for each in await known_pipelines(asked)
        if (after is None or each.name > after[0]) and _fits(each, where, schedules.get(each.name, []))
    ]
    page = found[: where.limit]
    more = len(found) > len(page)
    for each in page if where.paused is None else ():
        schedules |= await schedules_of(asked, each.name)
    return Page(items=await summaries(asked, page, schedules), next=cursor_of([page[-1].name]) if more else None)


@router.get("/pipelines/{name}", responses=documented(404))
async def get_pipeline(asked: Asked, name: Name) -> PipelineDetail:
    """One pipeline."""
    known = await known_pipeline(asked, name)
    [summary] = await summaries(asked, [known], await schedules_of(asked, name))
    active = (await asked.store.history.active_counts()).get(name, {})
    concurrency = known.ir.concurrency
    return PipelineDetail(
        **{**summary.model_dump(exclude={"schedules", "recent"}), "doc": known.ir.meta.doc},
        schedules=summary.schedules,
        recent=summary.recent,
        parameters=known.ir.parameters,
        versions_count=len(await asked.store.list_versions(name, MOST_VERSIONS)),
        running_count=active.get(RunState.RUNNING, 0) + active.get(RunState.SUSPENDED, 0),
        queued_count=active.get(RunState.QUEUED, 0),
        concurrency=PipelineConcurrency(max_active_runs=concurrency.max_active_runs, overlap=concurrency.overlap),
    )


@router.post("/pipelines/{name}/pause", responses=documented(404))
async def pause_pipeline(asked: Asked, name: Name, actor: Actor) -> PipelineDetail:
    """Let none of its schedules start it."""
    return await _paused(asked, name, actor, pause=True)


@router.post("/pipelines/{name}/unpause", responses=documented(404))
async def unpause_pipeline(asked: Asked, name: Name, actor: Actor) -> PipelineDetail:
    """Let its schedules start it again."""
    return await _paused(asked, name, actor, pause=False)


@router.post("/pipelines/{name}/runs", status_code=201, responses=documented(404, 422))
async def start_run(asked: Asked, name: Name, start: StartRun, actor: Actor, dedup: Dedup) -> Run:
    """Start a run of the current version. With a key, once."""
    new = NewRun(pipeline=name, parameters=start.parameters, actor=actor, reason=start.reason, dedup=start.key or dedup)
    return rows.run(await asked.starts.start(new))


@router.post("/files/reload")
async def reload_files(asked: Asked) -> Page[BrokenFile]:
    """Look at the files of the project now; answers when what they say is current, with those that are broken."""
    await asked.project.reload()
    return await list_broken_files(asked)


@router.get("/files")
async def list_broken_files(asked: Asked) -> Page[BrokenFile]:
    """Files of the project that cannot be loaded."""
    return Page(
        items=[
            BrokenFile(
                file=broken.file,
                since_us=broken.since_us,
                problems=[
                    ProblemOfFile(
                        file=each.file or broken.file,
                        line=each.line,
                        source=each.source,
                        message=each.message,
                        fix=each.fix,
                    )
                    for each in broken.problems
                ],
            )
            for broken in asked.project.state.broken
        ]
    )


async def _paused(asked: Asked, name: str, actor: str, *, pause: bool) -> PipelineDetail:
    await known_pipeline(asked, name)
    found = await asked.store.triggers.list_schedules(ScheduleFilter(pipeline=name, limit=MOST_SCHEDULES))
    if found:
        await set_paused(asked.store, found, pause=pause, actor=actor, now_us=asked.clock.now_us())
    return await get_pipeline(asked, name)


def _fits(each: Known, where: PipelineQuery, schedules: list[ScheduleSummary]) -> bool:
    meta = each.ir.meta
    text = " ".join((each.name, meta.doc, *meta.tags)).lower()
    return (
        where.search.lower() in text
        and (not where.tag or where.tag in meta.tags)
        and (not where.owner or where.owner == meta.owner)
        and (where.paused is None or where.paused == is_paused(schedules))
        and (where.broken is None or where.broken == each.broken)
    )

"""Pipelines as lists and pages show them: the project's index, with runs and schedules of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toque.api import rows, trigger_rows
from toque.api.lookups import find_current
from toque.api.services import Services
from toque.api.wire.pipelines import PipelineSummary
from toque.api.wire.schedules import ScheduleSummary
from toque.graph import canonical
from toque.graph.ir import Pipeline, TaskNode
from toque.ports.store import VersionRow
from toque.ports.triggers import ScheduleFilter

ALL_SCHEDULES = 10_000


@dataclass(frozen=True)
class Known:
    """A pipeline of the project, or one that is only in the store."""

    name: str
    version: str
    file: str
    broken: bool
    ir: Pipeline


async def known_pipelines(asked: Services) -> list[Known]:
    """By name. Before the first look at the files: those that the store knows.

    It knows more names than versions: what is made for a selection of assets is nobody's current version.
    """
    state = asked.project.state
    if state.indexed_us:
        return [Known(each.name, each.version, each.file, each.broken, each.ir) for each in state.pipelines.values()]
    rows = {name: await asked.store.current_version(name) for name in await asked.store.history.pipelines()}
    return [_of_row(name, row) for name, row in rows.items() if row is not None]


async def known_pipeline(asked: Services, name: str) -> Known:
    """One of them, or one whose definition is gone. Raises `NotFound`."""
    each = asked.project.state.pipelines.get(name)
    if each is not None:
        return Known(each.name, each.version, each.file, each.broken, each.ir)
    return await _stored(asked, name)


async def _stored(asked: Services, name: str) -> Known:
    return _of_row(name, await find_current(asked, name))


def _of_row(name: str, row: VersionRow) -> Known:
    return Known(name, row.version, row.file, False, canonical.decode(row.ir))


async def schedules_of(asked: Services, pipeline: str = "") -> dict[str, list[ScheduleSummary]]:
    """By pipeline."""
    found: dict[str, list[ScheduleSummary]] = {}
    for row in await asked.store.triggers.list_schedules(ScheduleFilter(pipeline=pipeline, limit=ALL_SCHEDULES)):
        found.setdefault(row.pipeline, []).append(trigger_rows.schedule(row))
    return found


async def summaries(
    asked: Services, pipelines: Sequence[Known], schedules: dict[str, list[ScheduleSummary]]
) -> list[PipelineSummary]:
    """With the strip of recent runs."""
    recent = await asked.store.history.recent([each.name for each in pipelines])
    return [
        PipelineSummary(
            name=each.name,
            doc=each.ir.meta.doc.strip().partition("\n\n")[0],
            owner=each.ir.meta.owner,
            tags=list(each.ir.meta.tags),
            file=each.file,
            version=each.version,
            paused=is_paused(schedules.get(each.name, [])),
            broken=each.broken,
            task_count=sum(isinstance(node, TaskNode) for node in each.ir.nodes),
            schedules=schedules.get(each.name, []),
            recent=[rows.run_bar(bar) for bar in recent.get(each.name, [])],
        )
        for each in pipelines
    ]


def is_paused(schedules: Sequence[ScheduleSummary]) -> bool:
    """Nothing starts it by itself, though it has schedules."""
    return bool(schedules) and all(schedule.paused for schedule in schedules)

"""The graph of a pipeline or run, and the grid."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from toque.api import bulk
from toque.api.asking import Asked, Name, Parameters, RunId
from toque.api.drawing import graph
from toque.api.drawings import unfolds, written
from toque.api.errors import documented
from toque.api.lookups import find_run, graph_of, version_graph
from toque.api.services import Services
from toque.api.wire.graphs import Graph, Grid, GridRun
from toque.errors import NotFound
from toque.ports.pages import NodeCounts

router = APIRouter(tags=["graphs"])
MOST_LIVE = 20
"""Runs of a grid whose tasks are counted in memory; those of others that go on the store counts."""


class GridQuery(Parameters):
    """Which runs."""

    limit: int = Field(default=50, ge=1, le=200)
    before: str = Field(default="", max_length=100)
    """Runs older than this one."""


@router.get("/pipelines/{name}/graph", response_model=Graph, responses=documented(404))
async def get_pipeline_graph(asked: Asked, name: Name, version: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The graph of a version (by default the current one)."""
    if not version:
        current, _, ir = await graph_of(asked, name)
        return asked.drawings.answer(ir, current)
    ir = await version_graph(asked, version)
    if ir.name != name:
        raise NotFound(f"{version} is a version of {ir.name}, not of {name}")
    return asked.drawings.answer(ir, version)


@router.get("/runs/{run_id}/graph", response_model=Graph, responses=documented(404))
async def get_run_graph(asked: Asked, run_id: RunId) -> Response:
    """The graph of a run, with the steps that its flows declared so far."""
    run = await find_run(asked, run_id)
    ir = await version_graph(asked, run.version)
    if not unfolds(ir):
        return asked.drawings.answer(ir, run.version)
    return bulk.sent(written(graph(ir, run.version, await asked.store.history.nodes(run_id))))


@router.get("/pipelines/{name}/grid", response_model=Grid, responses=documented(404))
async def get_grid(asked: Asked, name: Name, where: Annotated[GridQuery, Query()]) -> Response:
    """Runs × tasks, newest run first."""
    version, _, ir = await graph_of(asked, name)
    rows = asked.grids.rows(ir, version)
    known = await _live(asked, name)
    found = await asked.store.history.grid(name, rows.tasks, limit=where.limit, before=where.before, known=known)
    places, tasks = rows.written(found.tasks)
    is_whole = len(places) == len(found.tasks)
    head = Grid(
        tasks=[],
        runs=[
            GridRun(
                run_id=bar.run_id,
                state=bar.state,
                created_us=bar.created_us,
                started_us=bar.started_us,
                finished_us=bar.finished_us,
                version=bar.version,
                trigger=bar.trigger,
                logical_us=bar.logical_us,
                cells=cells if is_whole else "".join(cells[number] for number in places),
            )
            for bar, cells in zip(found.runs, found.cells, strict=True)
        ],
        next=found.older or None,
    )
    return bulk.sent(bulk.encoded_with(head, tasks=tasks))


async def _live(asked: Services, name: str) -> dict[str, list[NodeCounts]]:
    """Counts of the runs that go on here, of those that were started last."""
    last = await asked.store.history.recent([name], MOST_LIVE)
    going = [bar.run_id for bar in last[name] if not bar.finished_us]
    counted = {run_id: await asked.live_nodes(run_id) for run_id in going}
    return {run_id: [node for node, _ in nodes] for run_id, nodes in counted.items() if nodes is not None}

"""The graph of a pipeline or run, and the grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from toque.api import bulk
from toque.api.asking import Asked, Name, Parameters, RunId
from toque.api.bulk import GridRow
from toque.api.drawing import graph, kind_of, label_of
from toque.api.drawings import answer, unfolds, written
from toque.api.errors import documented
from toque.api.lookups import find_run, graph_of, version_graph
from toque.api.wire.graphs import Graph, Grid, GridRun
from toque.errors import NotFound
from toque.graph.ir import AnyNode, MapNode

router = APIRouter(tags=["graphs"])


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
    return answer(written(graph(ir, run.version, await asked.store.history.nodes(run_id))))


@router.get("/pipelines/{name}/grid", response_model=Grid, responses=documented(404))
async def get_grid(asked: Asked, name: Name, where: Annotated[GridQuery, Query()]) -> Response:
    """Runs × tasks, newest run first."""
    _, _, ir = await graph_of(asked, name)
    nodes = {node.id: node for node in ir.nodes if not isinstance(node, MapNode)}
    outer = {each.id: each.scope for each in ir.nodes if isinstance(each, MapNode)}
    found = await asked.store.history.grid(name, list(nodes), limit=where.limit, before=where.before)
    # A map node says nothing that its members do not.
    kept = [number for number, task in enumerate(found.tasks) if not task.endswith("[]")]
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
                cells="".join(cells[number] for number in kept),
            )
            for bar, cells in zip(found.runs, found.cells, strict=True)
        ],
        next=found.older or None,
    )
    tasks = [_task(found.tasks[number], nodes.get(found.tasks[number]), outer) for number in kept]
    return bulk.answer_with(head, tasks=tasks)


def _task(task: str, node: AnyNode | None, outer: Mapping[str, str]) -> GridRow:
    """A row. Without a node: a step of a flow, or a task of an older version. `outer`: around each map, the next."""
    if node is None:
        body = task.partition("/")[0] if "/" in task else ""
        return GridRow(id=task, label=task.rpartition("/")[2], group=body, kind="step" if body else "task", depth=0)
    depth, scope = 0, node.scope
    while scope:
        depth, scope = depth + 1, outer.get(scope, "")
    return GridRow(id=task, label=label_of(node), group=node.meta.group, kind=kind_of(node), depth=depth)

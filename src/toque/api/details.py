"""A run on its page: how far its nodes are, and what failed first."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from fastapi import Response

from toque.api import bulk, rows
from toque.api.lookups import version_graph
from toque.api.services import Services
from toque.api.wire.tasks import RunDetail
from toque.engine.rows import RunRow
from toque.graph.ir import MapNode
from toque.ports.pages import NodeCounts

FAILURES = 5


async def run_detail(asked: Services, run: RunRow) -> Response:
    """A `RunDetail`, bounded by the number of nodes, not of task runs."""
    return bulk.sent(await asked.ended.answer(run, "detail", lambda: _written(asked, run)))


async def _written(asked: Services, run: RunRow) -> bytes:
    nodes: Sequence[msgspec.Struct | msgspec.Raw] | None = await asked.live_rows(run.run_id)
    if nodes is None:
        nodes = [bulk.node_row(each, size) for each, size in await _stored(asked, run)]
    failures = await asked.store.history.first_failures(run.run_id, FAILURES)
    head = RunDetail(
        **dict(rows.run(run)),
        nodes=[],
        first_failures=[rows.task_run(row) for row in failures],
        late=bool(run.late_us) and not run.state.is_terminal,
    )
    return bulk.encoded_with(head, nodes=nodes)


async def node_counts(asked: Services, run_id: str) -> list[NodeCounts]:
    """Of memory where the run goes on here, else of the store."""
    live = await asked.live_nodes(run_id)
    return await asked.store.history.nodes(run_id) if live is None else [node for node, _ in live]


async def _stored(asked: Services, run: RunRow) -> list[tuple[NodeCounts, int]]:
    history = asked.store.history
    nodes = await history.nodes(run.run_id)
    pipeline = await version_graph(asked, run.version)
    maps = {node.id for node in pipeline.nodes if isinstance(node, MapNode)}
    sizes: dict[str, int] = {}
    for name in maps & {each.task for each in nodes}:
        row = await history.task_run(run.run_id, name, ())
        if row is not None:
            sizes[name] = row.size
    return [(node, sizes.get(node.task, -1)) for node in nodes]

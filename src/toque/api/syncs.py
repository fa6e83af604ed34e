"""Syncs as pages show them: what the project says of them, and what their runs told of the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toque.api.services import Services
from toque.api.wire.syncs import Sync, SyncDeviation, SyncPlace, SyncReject, SyncRun
from toque.engine.assets import Materialized
from toque.engine.rows import AssetEventRow
from toque.errors import NotFound
from toque.graph.syncs import SyncNode, sync_of
from toque.ports.assets import EventQuery

IN_LIST = 12
ON_PAGE = 100
"""Runs."""
COUNTS = ("rows", "unchanged", "sent", "accepted", "rejected", "invalid", "created", "updated", "deleted")


async def syncs(asked: Services) -> list[Sync]:
    """All of the project, by name."""
    return [await _shown(asked, name, found, IN_LIST) for name, found in sorted(_declared(asked).items())]


async def one_sync(asked: Services, name: str) -> Sync:
    """One with more of its runs. Raises `NotFound`."""
    return await _shown(asked, name, _find(asked, name), ON_PAGE)


def place_of(asked: Services, name: str) -> SyncPlace:
    """Where it is carried out. Raises `NotFound`."""
    return _find(asked, name)[1][0]


Found = tuple[SyncNode, list[SyncPlace]]


def _find(asked: Services, name: str) -> Found:
    found = _declared(asked)
    if name not in found:
        raise NotFound(f"there is no sync {name!r}", fix="GET /api/v1/syncs lists them")
    return found[name]


def _declared(asked: Services) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for pipeline in asked.project.state.pipelines.values():
        for node in pipeline.ir.nodes:
            said = sync_of(node)
            if said is not None:
                place = SyncPlace(pipeline=pipeline.name, task=node.id)
                found.setdefault(said.spec.name, (said, []))[1].append(place)
    return found


async def _shown(asked: Services, name: str, found: Found, limit: int) -> Sync:
    said, places = found
    query = EventQuery(asset=name, kind="materialized", limit=limit)
    runs = [run for row in await asked.store.assets.events(query) if (run := _run(row)) is not None]
    spec = said.spec
    return Sync(
        name=name,
        source=said.source,
        into=said.into,
        mode=type(spec.mode).__name__.lower(),
        key=list(spec.mode.keys),
        fields=dict(spec.fields),
        on_delete=spec.deletes,
        tolerate=spec.tolerate,
        places=places,
        runs=runs,
    )


def _run(row: AssetEventRow) -> SyncRun | None:
    """None for what something else told of the same asset."""
    told: Mapping[str, Any] = row.event.metadata if isinstance(row.event, Materialized) else {}
    if "sent" not in told:
        return None
    return SyncRun(
        at_us=row.at_us,
        run_id=row.run_id,
        pipeline=row.pipeline,
        task=row.task,
        index=list(row.map_index),
        attempt=row.attempt,
        **{name: int(told.get(name, 0)) for name in COUNTS},
        deviations=[SyncDeviation(**each) for each in told.get("deviations", ())],
        rejects=[SyncReject(**each) for each in told.get("rejects", ())],
    )

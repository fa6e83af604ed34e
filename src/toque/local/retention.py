"""Retention: what `toque prune` and a server remove, so that history and disk stay bounded."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from toque.engine.states import RunState
from toque.ports.blobs import Blobs
from toque.ports.store import RunFilter, Store
from toque.settings import Settings
from toque.store import bundles

BATCH = 500
LIVE = tuple(state for state in RunState if not state.is_terminal)
RECENT = 1000
"""So many of the last runs keep their bundles, to be rerun or debugged."""


@dataclass
class Pruned:
    """What was removed."""

    runs: list[str] = field(default_factory=list)
    blobs: int = 0
    ticks: int = 0
    """Ticks of schedules, and backfills that have ended."""
    bundles: list[str] = field(default_factory=list)


async def prune(store: Store, blobs: Blobs, settings: Settings, *, now_us: int, age_s: float, keep_last: int) -> Pruned:
    """Remove ended runs older than `age_s` but the last `keep_last` of each pipeline, with their values and logs;
    then the bundles that no run, current version or version younger than `age_s` needs.

    Rows go first: a crash in between leaves files that nothing names, never a run without its values. Such files
    are removed by name with the next runs, or by hand.
    """
    before_us = now_us - round(age_s * 1e6)
    pruned = Pruned()
    while batch := await store.prune(before_us=before_us, keep_last=keep_last, limit=BATCH):
        for run_id in batch:
            pruned.blobs += blobs.delete_prefix(f"runs/{run_id}/")
            shutil.rmtree(settings.home / "logs" / Path(run_id).name, ignore_errors=True)
        pruned.runs += batch
    pruned.ticks = await store.triggers.prune_ticks(before_us=before_us, keep_last=keep_last)
    pruned.bundles = bundles.prune(settings.project, await _bundles_in_use(store, before_us))
    return pruned


async def _bundles_in_use(store: Store, before_us: int) -> set[str]:
    rows = await store.list_versions("", 1_000_000)
    by_version = {row.version: row.bundle for row in rows}
    used = {row.bundle for row in rows if row.created_us >= before_us}
    for pipeline in {row.pipeline for row in rows}:
        current = await store.current_version(pipeline)
        if current is not None:
            used.add(current.bundle)
    for where in (RunFilter(states=LIVE, limit=1_000_000), RunFilter(limit=RECENT)):
        used |= {by_version.get(run.version, "") for run in await store.list_runs(where)}
    return used

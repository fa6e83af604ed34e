"""Following: the schedules in the store are those of the current versions, whoever made them current.

A version that is made current (by a run, a rollback, the server's index of the project) is marked as not read yet in
the same transaction; whichever server sees the mark reads the schedules from the version's graph.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence

import msgspec

from toque.errors import ToqueError
from toque.graph import canonical
from toque.graph.schedules import Schedule
from toque.ports.clock import Clock
from toque.ports.project import ProjectState
from toque.ports.store import Store
from toque.ports.triggers import ScheduleFilter, ScheduleRow
from toque.runtime.ticking import changes_for
from toque.runtime.versions import Versions

log = logging.getLogger("toque.schedules")

PAGE = 1000
TRIES = 5
"""Somebody else may change the same rows at the same time; so often in a row nobody does."""


class Following:
    """Makes the rows of schedules what versions say."""

    def __init__(self, store: Store, versions: Versions, clock: Clock) -> None:
        self._store = store
        self._versions = versions
        self._clock = clock
        self._unreadable: set[str] = set()

    async def sync_new_versions(self) -> None:
        """Read the schedules of versions that were made current since somebody last did."""
        while found := [row for row in await self._store.triggers.unsynced() if row.version not in self._unreadable]:
            for version in found:
                try:
                    schedules = canonical.decode(version.ir).schedules
                except (msgspec.ValidationError, msgspec.DecodeError) as problem:
                    self._unreadable.add(version.version)
                    log.error("the schedules of %s %s cannot be read: %s", version.pipeline, version.version, problem)
                    continue
                await self.sync(version.pipeline, version.version, schedules)

    async def sync(self, pipeline: str, version: str, schedules: Sequence[Schedule]) -> bool:
        """Make the rows of `pipeline` those of a version; says whether anything changed. Raises `StoreUnavailable`."""
        for _ in range(TRIES):
            rows = await self._rows(pipeline)
            changes = changes_for(pipeline, version, schedules, rows, self._clock.now_us())
            done = await self._store.triggers.record(changes, synced=(pipeline, version))
            if not done.refused:
                for change in changes:
                    _say(change.before, change.after)
                return bool(changes)
        raise ToqueError(f"the schedules of {pipeline} change too often to be read")

    async def follow(self, state: ProjectState) -> None:
        """Schedules of pipelines that the project no longer defines end; those that came back go on.

        Not while the project cannot be looked at: what is unknown has not gone.
        """
        await self.sync_new_versions()
        if state.fault or not state.indexed_us:
            return
        by_pipeline: dict[str, list[ScheduleRow]] = {}
        async for row in self._all_rows():
            by_pipeline.setdefault(row.pipeline, []).append(row)
        for name, rows in by_pipeline.items():
            if name not in state.pipelines and any(not row.retired for row in rows):
                await self.sync(name, rows[0].version, ())
        for name, pipeline in state.pipelines.items():
            rows = by_pipeline.get(name, [])
            if changes_for(name, pipeline.version, pipeline.ir.schedules, rows, self._clock.now_us()):
                await self.sync(name, pipeline.version, pipeline.ir.schedules)

    async def _rows(self, pipeline: str) -> list[ScheduleRow]:
        return await self._store.triggers.list_schedules(ScheduleFilter(pipeline=pipeline, retired=True, limit=PAGE))

    async def _all_rows(self) -> AsyncIterator[ScheduleRow]:
        after = ""
        while page := await self._store.triggers.list_schedules(ScheduleFilter(retired=True, after=after, limit=PAGE)):
            for row in page:
                yield row
            after = page[-1].id


def _say(before: ScheduleRow | None, after: ScheduleRow) -> None:
    if after.retired:
        log.info("the schedule %s is no longer part of its pipeline", after.id)
    elif before is None or before.retired:
        log.info("the schedule %s begins%s", after.id, ", paused" if after.paused else "")
    elif before.definition != after.definition:
        log.info("the schedule %s was changed", after.id)

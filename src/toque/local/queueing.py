"""Queueing: how a server starts runs that the API asks for, without a look at the clock of a poll.

The row is written as owned by this server and handed to its runtime at once. Whoever sent the same `Idempotency-Key`
before gets the run of then, since the store keeps one run for each key. Should the server die in between, the next one
adopts the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from toque.api.lookups import no_pipeline
from toque.api.services import Again, NewPreview, NewRun, PlannedAgain
from toque.engine.rows import RunRow, TaskRow
from toque.engine.run import new_run
from toque.errors import NotFound, ToqueError, UserError
from toque.executors.validating import Answers, validate
from toque.graph.ir import Pipeline
from toque.local.authored import new_row
from toque.local.loading import prepare
from toque.local.running import again_row, reuse_of
from toque.local.site import Site
from toque.local.sync_previews import preview_version
from toque.ports.executor import BundleRef
from toque.ports.project import ProjectIndex
from toque.ports.store import StoredRun, VersionRow
from toque.runtime.messages import Adopt


class Queueing:
    """A `Starts` (see `toque.api.services`)."""

    def __init__(self, site: Site, project: ProjectIndex) -> None:
        self._site = site
        self._project = project

    async def start(self, new: NewRun) -> RunRow:
        """See `Starts.start`."""
        store = self._site.store
        version = await store.current_version(new.pipeline)
        if version is None:
            raise no_pipeline(self._project.state, new.pipeline)
        pipeline, bundle = await self._site.versions.get(version.version)
        values = await self._validated(version, pipeline, bundle, new.parameters)
        row = new_row(new.pipeline, version.version, values, self._site.clock.now_us())
        row.actor, row.reason = new.actor, new.reason
        return await self._queue(row, pipeline, bundle, [], new.dedup)

    async def preview(self, new: NewPreview) -> RunRow:
        """See `Starts.preview`."""
        store, now_us = self._site.store, self._site.clock.now_us()
        current = await store.current_version(new.pipeline)
        if current is None:
            raise no_pipeline(self._project.state, new.pipeline)
        version = preview_version(current, new.task, actor=new.actor, now_us=now_us)
        await store.put_version(version, make_current=False)
        pipeline, bundle = await self._site.versions.get(version.version)
        row = new_row(version.pipeline, version.version, {}, now_us)
        row.actor = new.actor
        return await self._queue(row, pipeline, bundle, [], new.dedup)

    async def again(self, again: Again) -> RunRow:
        """See `Starts.again`."""
        row, origin, pipeline, bundle = await self._again(again)
        row.actor, row.reason = again.actor, again.reason
        return await self._queue(row, pipeline, bundle, origin.tasks, again.dedup)

    async def plan_again(self, again: Again) -> PlannedAgain:
        """See `Starts.plan_again`: the run is made in memory, and asked what it takes over."""
        row, origin, pipeline, _ = await self._again(again)
        made = await asyncio.to_thread(new_run, pipeline, row, origin.tasks)
        return PlannedAgain(pipeline=pipeline, origin=origin.tasks, kept=list(made.taken_over.values()))

    async def _again(self, again: Again) -> tuple[RunRow, StoredRun, Pipeline, BundleRef]:
        store = self._site.store
        origin = await store.load_run(again.run_id)
        if origin is None:
            raise NotFound(f"there is no run {again.run_id}", fix="GET /api/v1/runs lists them")
        version = origin.run.version
        if again.new_code:
            current = await store.current_version(origin.run.pipeline)
            version = current.version if current is not None else version
        pipeline, bundle = await self._site.versions.get(version)
        anew = reuse_of(pipeline, origin, again.tasks)
        return again_row(origin, version, anew, self._site.clock.now_us()), origin, pipeline, bundle

    async def _queue(
        self, row: RunRow, pipeline: Pipeline, bundle: BundleRef, reuse: list[TaskRow], dedup: str
    ) -> RunRow:
        row.owner = self._site.runtime.instance
        run_id = await self._site.store.create_run(row, dedup=dedup)
        if run_id != row.run_id:
            known = await self._site.store.load_run(run_id)
            if known is None:
                raise NotFound(f"the run {run_id} of this key was removed by retention", fix="use another key")
            return known.run
        stored = StoredRun(run=row, tasks=[], steps=[])
        self._site.runtime.post(Adopt(stored, pipeline, bundle, reuse))
        return row

    async def _validated(
        self, version: VersionRow, pipeline: Pipeline, bundle: BundleRef, given: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The parameters of a run, by the author's own types: only a worker may import those."""
        if not pipeline.parameters and not given:
            return {}
        executor = self._site.executors["process"]
        if hasattr(executor, "ask"):
            try:
                return await validate(cast(Answers, executor), bundle, version.file, pipeline.name, given)
            except UserError:
                raise
            except ToqueError as problem:
                raise UserError(f"the parameters could not be checked: {problem}", file=version.file) from problem
        root = Path(bundle.path)
        _, values = await asyncio.to_thread(prepare, root, root / version.file, pipeline.name, given)
        return values

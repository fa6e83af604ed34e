"""The server's index of its project: what the files define now, as versions in the store.

A file is loaded in another process from a snapshot; one that is broken hides no other, and its pipelines stay as they
were, marked. What becomes current:

- A pipeline that says something else than when this machine last looked (`.toque/index.json`) becomes the current
  version: at the start of a server, at each reload, and in `toque dev` at each save.
- A rollback holds until the pipeline's own graph or the source of one of its tasks changes; an edit elsewhere in the
  project, or a restart, does not undo it.
- A pipeline whose file or definition is gone leaves the list; its versions and runs stay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence

from toque.errors import UserError
from toque.graph import canonical
from toque.graph.ir import Pipeline
from toque.local.asset_index import assets_in, read_assets, write_assets
from toque.local.authored import version_id, version_row
from toque.local.loading import TIMEOUT_S, Interruption, LoadedFile, Problem, imports_toque, load
from toque.local.names import unknown_names
from toque.local.outline import outline_of
from toque.local.project_record import Known, read_record, write_record
from toque.local.project_words import changes_between
from toque.ports.clock import Clock
from toque.ports.project import (
    BrokenFile,
    FileProblem,
    IndexedPipeline,
    ProjectChange,
    ProjectListener,
    ProjectState,
    Sync,
)
from toque.ports.store import Store, VersionRow
from toque.settings import Settings
from toque.settings import load as load_settings
from toque.store import bundles

log = logging.getLogger("toque.project")


class Project:
    """A `ProjectIndex` (see `toque.ports.project`) of the files of one project."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock: Clock,
        *,
        sync: Sync | None = None,
        actor: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._sync = sync
        self._actor = actor
        self._timeout_s = timeout_s
        self._state = ProjectState(assets=read_assets(settings.home))
        self._bundle: bundles.Bundle | None = None
        self._record: dict[str, Known] = read_record(settings.home)
        self._listeners: list[ProjectListener] = []
        self._looking = asyncio.Lock()
        self._looks = 0
        self._interruption = Interruption()

    @property
    def state(self) -> ProjectState:
        """As of the last look."""
        return self._state

    @property
    def files(self) -> Collection[str]:
        """Of the last bundle, relative to the project."""
        return self._bundle.files if self._bundle is not None else ()

    def listen(self, listener: ProjectListener) -> Callable[[], None]:
        """Call `listener` after each look from now on; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Cut off a load that is under way: the server ends."""
        self._interruption.now()

    async def reload(self) -> ProjectState:
        """Look at the files now; returns when what they say is in the store.

        Those who ask during a look share the next one. Raises `StoreUnavailable`.
        """
        wanted = self._looks + 1
        async with self._looking:
            if self._looks < wanted:
                await self._look()
                self._looks += 1
        return self._state

    async def refresh(self, pipeline: str) -> None:
        """Take over the current version of `pipeline` from the store, after a rollback."""
        async with self._looking:
            known, row = self._state.pipelines.get(pipeline), await self._store.current_version(pipeline)
            if known is None or row is None or row.version == known.version:
                return
            rolled = IndexedPipeline(
                name=pipeline,
                file=known.file,
                version=row.version,
                file_version=known.file_version,
                ir=canonical.decode(row.ir),
                broken=known.broken,
            )
            await self._go_over(self._with(pipelines={**self._state.pipelines, pipeline: rolled}), ())

    # -- a look

    async def _look(self) -> None:
        try:
            settings = await asyncio.to_thread(load_settings, self._settings.project, self._settings.profile or None)
            bundle = await asyncio.to_thread(bundles.snapshot, settings.project, settings.bundle)
        except UserError as error:
            await self._go_over(self._with(fault=str(error)), [ProjectChange(kind="fault", words=str(error))])
            return
        if bundle.hash == self._state.bundle and not self._state.fault:
            await self._go_over(self._state, ())
            return
        loaded = await asyncio.to_thread(self._loaded, bundle, settings)
        if self._interruption.happened:
            return
        state = await self._stored(loaded, bundle)
        changes = changes_between(self._state, state, self._bundle, bundle)
        self._bundle = bundle
        await self._go_over(state, changes)
        self._record = {
            name: Known(file=each.file, version=each.file_version) for name, each in state.pipelines.items()
        }
        await asyncio.to_thread(write_record, self._settings.home, self._record)
        await asyncio.to_thread(write_assets, self._settings.home, state.assets)

    async def _go_over(self, state: ProjectState, changes: Sequence[ProjectChange]) -> None:
        if self._sync is not None and (state is not self._state or not self._looks):
            await self._sync(state)
        self._state = state
        for listener in list(self._listeners):
            listener(state, changes)

    def _with(self, *, pipelines: Mapping[str, IndexedPipeline] | None = None, fault: str = "") -> ProjectState:
        old = self._state
        return ProjectState(
            pipelines=old.pipelines if pipelines is None else pipelines,
            assets=old.assets,
            broken=old.broken,
            bundle=old.bundle,
            indexed_us=self._clock.now_us(),
            fault=fault,
        )

    def _loaded(self, bundle: bundles.Bundle, settings: Settings) -> list[LoadedFile]:
        """Runs in a thread."""
        files = [bundle.path / path for path in bundle.files if path.endswith(".py") and not path.startswith(".")]
        files = [path for path in files if imports_toque(path)]
        loaded = load(bundle.path, files, timeout_s=self._timeout_s, interruption=self._interruption)
        return [_with_known_names(each, settings) for each in loaded]

    async def _stored(self, loaded: Sequence[LoadedFile], bundle: bundles.Bundle) -> ProjectState:
        now_us = self._clock.now_us()
        pipelines: dict[str, IndexedPipeline] = {}
        for each in loaded:
            for pipeline in each.pipelines:
                pipelines[pipeline.name] = await self._indexed(pipeline, each.file, bundle, now_us)
        broken = {each.file for each in loaded if each.problems}
        for name, known in self._record.items():
            if name not in pipelines and known.file in broken:
                kept = await self._kept(name, known)
                if kept is not None:
                    pipelines[name] = kept
        told = [self._broken(each, pipelines, bundle, now_us) for each in loaded if each.problems]
        return ProjectState(
            pipelines=dict(sorted(pipelines.items())),
            assets=assets_in(loaded, pipelines.values(), self._state.assets),
            broken=tuple(sorted(told, key=lambda each: each.file)),
            bundle=bundle.hash,
            indexed_us=now_us,
        )

    async def _indexed(self, pipeline: Pipeline, file: str, bundle: bundles.Bundle, now_us: int) -> IndexedPipeline:
        """The pipeline as it is stored from now on; current unless a rollback holds."""
        ir_hash = canonical.content_hash(pipeline)
        version = version_id(ir_hash, bundle.hash)
        known = self._record.get(pipeline.name)
        before = self._state.pipelines.get(pipeline.name)
        if before is not None and before.file_version == version and before.file == file:
            return _replaced(before, broken=False)
        current = await self._store.current_version(pipeline.name)
        holds = current is not None and current.version != version and _is_held(current, known, ir_hash, version)
        row = version_row(pipeline, bundle, now_us, file=file, actor=self._actor, ir_hash=ir_hash)
        if current is None or current.version != version:
            await self._store.put_version(row, make_current=not holds)
        ir = pipeline
        if holds and current is not None:
            log.info("%s stays rolled back to %s", pipeline.name, current.version)
            version, ir = current.version, canonical.decode(current.ir)
        return IndexedPipeline(name=pipeline.name, file=file, version=version, file_version=row.version, ir=ir)

    async def _kept(self, name: str, known: Known) -> IndexedPipeline | None:
        """How a pipeline of a file that is broken now was before."""
        before = self._state.pipelines.get(name)
        if before is not None:
            return _replaced(before, broken=True)
        current = await self._store.current_version(name)
        if current is None:
            return None
        return IndexedPipeline(
            name=name,
            file=known.file,
            version=current.version,
            file_version=known.version,
            ir=canonical.decode(current.ir),
            broken=True,
        )

    def _broken(
        self, loaded: LoadedFile, known: Mapping[str, IndexedPipeline], bundle: bundles.Bundle, now_us: int
    ) -> BrokenFile:
        since = {each.file: each.since_us for each in self._state.broken}
        return BrokenFile(
            file=loaded.file,
            problems=tuple(_told(problem) for problem in loaded.problems),
            since_us=since.get(loaded.file, now_us),
            kept=tuple(sorted(name for name, each in known.items() if each.broken and each.file == loaded.file)),
            missing=tuple(name for name in outline_of(bundle.path / loaded.file) if name not in known),
        )


def _is_held(current: VersionRow, known: Known | None, ir_hash: str, version: str) -> bool:
    """Whether somebody made `current` current on purpose, and `version` says nothing new about the pipeline."""
    if known is None or current.version == known.version:
        return False
    return known.version.partition(".")[0] == version.partition(".")[0] == ir_hash[:12]


def _with_known_names(loaded: LoadedFile, settings: Settings) -> LoadedFile:
    """A pipeline that uses a name that `toque.toml` does not have counts as broken."""
    found = {pipeline.name: tuple(unknown_names(pipeline, settings)) for pipeline in loaded.pipelines}
    if not any(found.values()):
        return loaded
    return LoadedFile(
        file=loaded.file,
        pipelines=tuple(pipeline for pipeline in loaded.pipelines if not found[pipeline.name]),
        problems=(*loaded.problems, *(problem for problems in found.values() for problem in problems)),
    )


def _replaced(pipeline: IndexedPipeline, *, broken: bool) -> IndexedPipeline:
    if pipeline.broken == broken:
        return pipeline
    return IndexedPipeline(
        name=pipeline.name,
        file=pipeline.file,
        version=pipeline.version,
        file_version=pipeline.file_version,
        ir=pipeline.ir,
        broken=broken,
    )


def _told(problem: Problem) -> FileProblem:
    return FileProblem(
        message=problem.message, file=problem.file, line=problem.line, source=problem.source, fix=problem.fix
    )

"""`toque dev`: a server that goes over to the new code of its project at each save."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from toque.engine.facts import AnyFact, RunFinished, RunStarted
from toque.local.project import Project
from toque.local.site import Site
from toque.local.watching import Watching
from toque.local.web import Address
from toque.ports.project import ProjectChange, ProjectState
from toque.ports.store import StoreUnavailable
from toque.runtime.owned import OwnedRun

log = logging.getLogger("toque.project")


class Shown(Protocol):
    """Who is told, in the terminal."""

    def ready(self, address: Address) -> None:
        """The API answers."""
        ...

    def looked(self, state: ProjectState, changes: Sequence[ProjectChange]) -> None:
        """After each look at the files."""
        ...

    def run(self, run_id: str, title: str, state: str, took_us: int, why: str) -> None:
        """A run has started or ended; `why` is what it failed with."""
        ...


@dataclass(frozen=True)
class Development:
    """What `toque dev` adds to a server."""

    shown: Shown

    @asynccontextmanager
    async def beside(self, site: Site, project: Project) -> AsyncIterator[None]:
        """Watch the project until the end of the block."""
        site.runtime.listen(self._run)
        watching = Watching(site.settings.project)
        following = asyncio.create_task(follow(project, watching), name="toque-dev")
        try:
            yield
        finally:
            watching.stop()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    def _run(self, owned: OwnedRun, facts: Sequence[AnyFact]) -> None:
        row = owned.machine.row
        for fact in facts:
            if isinstance(fact, RunStarted):
                self.shown.run(row.run_id, row.title, "started", 0, "")
            elif isinstance(fact, RunFinished):
                why = row.error.said.partition("\n")[0] if row.error is not None else ""
                self.shown.run(row.run_id, row.title, str(fact.state), row.finished_us - row.started_us, why)


async def follow(project: Project, watching: Watching, looked: Callable[[], None] = lambda: None) -> None:
    """Look at the project after each change of its files; `looked` is called after each look."""
    async for _ in watching.changes(lambda: project.files):
        began_s = time.monotonic()
        before = project.state.pipelines
        try:
            await project.reload()
        except StoreUnavailable as problem:
            log.warning("the files of the project will be looked at again: %s", problem)
        looked()
        if project.state.pipelines == before:
            # Perhaps somebody writes, and writes again, what is no code: that must not take a whole core.
            await asyncio.sleep(time.monotonic() - began_s)

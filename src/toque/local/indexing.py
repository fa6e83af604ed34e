"""Indexing: a server looks at its project when it starts, and whenever it is asked to (SIGHUP, the API, `toque dev`).

It begins after the engine has adopted its runs and goes on beside it: nothing waits for a large project.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from toque.local.project import Project
from toque.local.site import Site
from toque.ports.project import ProjectChange, ProjectListener, ProjectState, Sync
from toque.ports.store import StoreUnavailable

log = logging.getLogger("toque.project")

AGAIN_S = 2.0


@asynccontextmanager
async def indexing(
    site: Site, *, sync: Sync | None = None, listener: ProjectListener | None = None
) -> AsyncIterator[Project]:
    """The project of a site, looked at within the block. `listener` hears of the first look too."""
    project = Project(site.settings, site.store, site.clock, sync=sync)
    project.listen(listener or _log)
    asked = asyncio.Event()
    asked.set()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    looking = asyncio.create_task(_look(project, asked), name="toque-index")
    try:
        yield project
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        project.close()
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _look(project: Project, asked: asyncio.Event) -> None:
    while True:
        await asked.wait()
        asked.clear()
        try:
            await project.reload()
        except (StoreUnavailable, OSError) as problem:
            log.warning("the files of the project will be looked at again in %g s: %s", AGAIN_S, problem)
            await asyncio.sleep(AGAIN_S)
            asked.set()


def _log(state: ProjectState, changes: Sequence[ProjectChange]) -> None:
    """What a server says of a look; its page has the rest."""
    if state.fault:
        log.error("the project cannot be looked at: %s", state.fault)
    for broken in state.broken:
        first = broken.problems[0]
        log.warning("%s:%d cannot be loaded: %s", first.file or broken.file, first.line, first.message)

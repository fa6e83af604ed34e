"""What happens by itself, wired into a server: schedules, backfills, the automation of assets, and data that
becomes too old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from toque.local.materializing import ProjectPlans
from toque.local.site import Site
from toque.ports.project import ProjectState
from toque.runtime.ageing import Ageing
from toque.runtime.automating import Automating
from toque.runtime.backfills import Backfilling
from toque.runtime.scheduling import Scheduling

log = logging.getLogger("toque.server")


@dataclass(frozen=True)
class Triggering:
    """The roles, for whoever changes what they look at."""

    scheduling: Scheduling
    backfilling: Backfilling
    ageing: Ageing
    automating: Automating

    async def follow(self, state: ProjectState) -> None:
        """The project is this from now on: a `Sync` (see `toque.ports.project`)."""
        await self.scheduling.following.follow(state)
        await self.automating.follow(state)

    async def caught_up(self) -> None:
        """What was missed while no server ran has been decided."""
        await self.scheduling.caught_up.wait()


@asynccontextmanager
async def triggering(site: Site) -> AsyncIterator[Triggering | None]:
    """Ticks are decided and backfills go on within the block; None where `triggers = "off"`.

    The profile decides that, so that a copy of a project on a laptop does not do what the production server does.
    """
    if site.settings.triggers == "off":
        log.info(
            "schedules start nothing here: triggers are off under the profile %r", site.settings.profile or "default"
        )
        yield None
        return
    scheduling = Scheduling(site.store, site.runtime, site.versions, site.clock)
    backfilling = Backfilling(site.store, site.runtime, site.versions, site.clock)
    ageing = Ageing(site.store, site.clock, site.options.alerting)
    site.runtime.listen(None, on_commit=ageing.committed)
    automating = Automating(
        site.store, site.runtime, site.versions, site.clock, ProjectPlans(site), asked=backfilling.poke
    )
    for task in (scheduling.start(), backfilling.start(), ageing.start(), automating.start()):
        task.add_done_callback(_raise_what_it_raised)
    try:
        yield Triggering(scheduling, backfilling, ageing, automating)
    finally:
        await automating.stop()
        await scheduling.stop()
        await backfilling.stop()
        await ageing.stop()


def _raise_what_it_raised(task: asyncio.Task[None]) -> None:
    """A callback that raises is seen by the fuse of the runtime: a server without its clock must not seem well."""
    if not task.cancelled():
        task.result()

"""The stream of a server, wired: who tells its hub of what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toque.api.asset_rows import AssetRows
from toque.api.attention import attention
from toque.api.services import Services
from toque.api.stream.feed import Sources
from toque.api.stream.hub import Hub
from toque.api.trigger_rows import seen_tick
from toque.local.triggers import Triggering
from toque.ports.project import ProjectIndex
from toque.ports.triggers import TickRow, TickSeen


def make_hub(services: Services, project: ProjectIndex) -> Hub:
    """A hub that hears of each commit of this server's runtime, and of each look at the project."""
    identity = services.identity()
    hub = Hub(
        Sources(
            store=services.store,
            history=services.store.history,
            versions=services.versions,
            clock=services.clock,
            owned=services.runtime.owned,
            log_path=services.code.log_file,
            attention=lambda: attention(services),
            assets=AssetRows(services),
        ),
        identity=lambda: (identity.instance, identity.boot),
    )
    services.runtime.listen(None, hub.signalled, hub.committed)
    project.listen(lambda state, changes: hub.looked(redefined=bool(changes)))
    return hub


def tell_triggers(hub: Hub, triggers: Triggering) -> None:
    """Have the hub hear of each tick and each decision of automation that is made here, and of what is overdue."""

    def ticked(ticks: Sequence[TickRow]) -> None:
        for tick in ticks:
            hub.ticked(seen_tick(TickSeen(tick=tick)))

    def said_of(assets: Iterable[str]) -> None:
        told = list(assets)
        for data in hub.feeds.of_data:
            data.told(told)

    def aged(assets: Iterable[str]) -> None:
        said_of(assets)
        hub.looked()  # what is overdue needs a person

    triggers.scheduling.listen(ticked)
    triggers.automating.listen(lambda decisions: said_of(each.asset for each in decisions))
    triggers.ageing.listen(aged)

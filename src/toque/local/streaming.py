"""The stream of a server, wired: who tells its hub of what."""

from __future__ import annotations

from toque.api.services import Services
from toque.api.stream.feed import Sources
from toque.api.stream.hub import Hub
from toque.ports.project import ProjectIndex


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
        ),
        identity=lambda: (identity.instance, identity.boot),
    )
    services.runtime.listen(None, hub.signalled, hub.committed)
    project.listen(lambda state, changes: hub.attention_changed())
    return hub

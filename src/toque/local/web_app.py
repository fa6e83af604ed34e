"""The application of a server, put together: what `toque.api` asks for, made of what this site has.

Importing this module imports FastAPI and uvicorn: only a server does, and only after its runs go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

import toque
from toque.api.access import Access
from toque.api.app import create_app
from toque.api.dbt_docs import router as dbt_docs
from toque.api.guard import Guard, names_of
from toque.api.pages import router as pages
from toque.api.replays import Replays
from toque.api.services import Identity, Services
from toque.api.stream.hub import Hub
from toque.local.code_files import CodeFiles
from toque.local.connections import ProjectConnections
from toque.local.lineage import ProjectLineage
from toque.local.machine import LocalMachine
from toque.local.materializing import ProjectPlans
from toque.local.previews import Previews
from toque.local.queueing import Queueing
from toque.local.site import Site
from toque.local.streaming import make_hub
from toque.ports.project import ProjectIndex

UI = Path(toque.__file__).parent / "web"


@dataclass(frozen=True)
class WebServer:
    """Ready to serve."""

    server: uvicorn.Server
    access: Access
    hub: Hub
    """Of the stream; started and closed by whoever serves."""


class _Server(uvicorn.Server):
    """Signals belong to the engine, which stops this server when its time has come."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make(site: Site, token: str, project: ProjectIndex, host: str, *, stop_s: int) -> WebServer:
    """The server; it does not listen yet."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    access = Access(token, actor=_owner(), hosts=names_of([host]))
    known = services(site, access, project)
    hub = make_hub(known, project)
    app = create_app(replace(known, progress=hub.progress, live_nodes=hub.live.nodes, live_rows=hub.live.rows))
    app.state.stream = hub
    app.include_router(dbt_docs(site.settings.home / "dbt" / "docs"))
    app.include_router(pages(UI))
    config = uvicorn.Config(
        Guard(Replays(app), access, site.clock),
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=stop_s,
        timeout_keep_alive=75,
    )
    config.load()
    return WebServer(_Server(config), access, hub)


def services(site: Site, access: Access, project: ProjectIndex) -> Services:
    """What the API stands on."""
    settings = site.settings
    identity = Identity(
        version=toque.__version__,
        instance=site.runtime.instance,
        boot=site.runtime.boot,
        project=settings.name,
        profile=settings.profile,
    )
    return Services(
        identity=lambda: identity,
        access=access,
        store=site.store,
        runtime=site.runtime,
        versions=site.versions,
        clock=site.clock,
        options=site.options,
        retention=(settings.retention.age_s, settings.retention.keep_last),
        starts=Queueing(site, project),
        plans=ProjectPlans(site),
        values=Previews(site.blobs, settings.home / "logs"),
        code=CodeFiles(settings.project, settings.home / "logs"),
        project=project,
        connections=ProjectConnections(settings),
        machine=LocalMachine(site.executors),
        lineage=ProjectLineage(settings, site.store, project),
    )


def _owner() -> str:
    """What those are called who hold the token: whoever started the server, until there are accounts."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "owner"

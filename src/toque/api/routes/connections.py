"""Connections: what is declared and who uses it, what could be, and whether one leads anywhere."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path

from toque.api import connections as shown
from toque.api.asking import Asked
from toque.api.errors import documented
from toque.api.wire.connections import Connection, ConnectionTested, ConnectionType
from toque.api.wire.model import Page

router = APIRouter(tags=["connections"])
ConnectionName = Annotated[str, Path(description="Name of the connection.", max_length=200, pattern=r"^[\w.-]+$")]


@router.get("/connections")
async def list_connections(asked: Asked) -> Page[Connection]:
    """Those of the project under its profile, as `toque.toml` says now. Secrets are shown by where they are kept."""
    return Page(items=await shown.connections(asked))


@router.get("/connection-types")
async def list_connection_types(asked: Asked) -> Page[ConnectionType]:
    """What a connection can be, and what each type asks for."""
    found = await asyncio.to_thread(asked.connections.types)
    return Page(
        items=[
            ConnectionType(type=each.type, title=each.title, doc=each.doc, testable=each.testable, options=each.options)
            for each in found
        ]
    )


@router.post("/connections/{name}/test", responses=documented(404))
async def test_connection(asked: Asked, name: ConnectionName) -> ConnectionTested:
    """Open its secrets and reach what it leads to, in a process of its own that is given half a minute."""
    found = await asked.connections.test(name)
    return ConnectionTested(outcome=found.outcome, message=found.message, fix=found.fix, latency_us=found.latency_us)

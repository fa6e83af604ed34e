"""Connections as the command center lists them: what is declared, joined with who uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from toque.api.pools import pools
from toque.api.services import Services
from toque.api.wire.connections import Connection, ConnectionOption, ConnectionUse
from toque.api.wire.system import Pool
from toque.graph.ir import Pipeline, TaskNode
from toque.ports.connections import ConnectionType, Declared

POOL = "connection:"


async def connections(asked: Services) -> list[Connection]:
    """By name. Raises `UserError` when `toque.toml` cannot be read."""
    declared = await asyncio.to_thread(asked.connections.declared)
    types = {each.type: each for each in await asyncio.to_thread(asked.connections.types)}
    held = {each.pool: each for each in await pools(asked)}
    return [_shown(asked, each, types, held.get(POOL + each.name)) for each in declared]


def _shown(asked: Services, declared: Declared, types: Mapping[str, ConnectionType], pool: Pool | None) -> Connection:
    kind, name, state = types.get(declared.type), declared.name, asked.project.state
    used = [
        ConnectionUse(pipeline=each.name, tasks=tasks)
        for each in state.pipelines.values()
        if (tasks := list(_users(each.ir, name)))
    ]
    return Connection(
        name=name,
        type=declared.type,
        title=kind.title if kind is not None else declared.type,
        testable=kind is not None and kind.testable,
        file="toque.toml" if declared.line else "",
        line=declared.line,
        options=[
            ConnectionOption(name=each.name, value=each.value, secret=each.secret, resolves=each.resolves)
            for each in declared.options
        ],
        used_by=used,
        assets=[key for key in state.assets if key.startswith(f"{name}.")],
        told_of=list(declared.told_of),
        slots=declared.slots,
        holders=pool.holders if pool is not None else [],
        waiters=pool.waiters if pool is not None else [],
    )


def _users(ir: Pipeline, name: str) -> Iterator[str]:
    """Tasks that are given it, hold slots of it, or read or write what is kept in it."""
    for node in ir.nodes:
        if not isinstance(node, TaskNode):
            continue
        is_given = any(each.kind == "connection" and each.name == name for each in node.inject.values())
        holds = any(claim.pool == POOL + name for claim in node.policy.pools)
        if is_given or holds or any(key.startswith(f"{name}.") for key in (*node.reads, *node.writes)):
            yield node.id

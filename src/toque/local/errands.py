"""Errands: runs of one node that is made from a node of the project: the preview of a sync, the replay of rejects.

An errand is an ordinary run, with a name of its own in the history: it waits for the pools that its node claims, its
connections are those of the profile, and what it tells is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from toque.errors import NotFound, UserError
from toque.graph import constants
from toque.graph.expr import Const
from toque.graph.ir import CodeRef, Pipeline, TaskNode
from toque.local.authored import check_names, new_row, version_row
from toque.local.loading import candidates
from toque.local.result import Run, RunFailed
from toque.local.running import finished
from toque.local.selecting import prepare_selection
from toque.local.site import bundle_ref, opened
from toque.runtime.messages import Launch
from toque.settings import Settings
from toque.store import bundles

LOADING = CodeRef(module="toque.integrations.loading.node", qualname="run")
REPLAYING = CodeRef(module="toque.integrations.loading.node", qualname="replay")
SYNCING = CodeRef(module="toque.integrations.syncing.node", qualname="run")


def preview_sync(settings: Settings, key: str, *, actor: str = "") -> dict[str, Any]:
    """What the sync that writes the asset `key` would do now. Raises `UserError`, `NotFound`, `RunFailed`."""

    def dry(node: TaskNode) -> TaskNode:
        if node.code != SYNCING:
            raise UserError(f"{key} is not written by a sync", fix="toque assets shows what writes it")
        return _alone(node, node.code, {**node.kwargs, "dry_run": _constant(True)}, inject=node.inject)

    return _run(settings, key, "preview", dry, actor)


def replay_rejects(settings: Settings, key: str, *, batch: str = "", actor: str = "") -> dict[str, Any]:
    """Load what was set aside from the table `key` and is right by now. Raises `UserError`, `NotFound`, `RunFailed`."""

    def again(node: TaskNode) -> TaskNode:
        if node.code != LOADING:
            raise UserError(
                f"{key} is not loaded: rows that were set aside come in when it is made again",
                fix=f"toque materialize {key}",
            )
        kwargs = {name: value for name, value in node.kwargs.items() if name != "source"}
        inject = {name: value for name, value in node.inject.items() if name == "into_connection"}
        made = _alone(node, REPLAYING, {**kwargs, "batch_id": _constant(batch)}, inject=inject)
        return msgspec.structs.replace(made, writes=node.writes)

    return _run(settings, key, "replay", again, actor)


def _alone(node: TaskNode, code: CodeRef, kwargs: dict[str, Any], *, inject: dict[str, Any]) -> TaskNode:
    """The node without what ties it to others; it is not repeated, since somebody waits for it."""
    policy = msgspec.structs.replace(node.policy, retry=None)
    return TaskNode(
        id=node.id, code=code, kwargs=kwargs, inject=inject, policy=policy, meta=node.meta, origin=node.origin
    )


def _constant(value: Any) -> Const:
    return Const(value=constants.encode(value))


def _run(settings: Settings, key: str, name: str, made: Callable[[TaskNode], TaskNode], actor: str) -> dict[str, Any]:
    async def main() -> Run[Any]:
        bundle = bundles.snapshot(settings.project, settings.bundle)
        files = [bundle.path / file.relative_to(settings.project) for file in candidates(settings)]
        planned = await asyncio.to_thread(prepare_selection, bundle.path, files, key, name)
        nodes = [
            node
            for stage in planned.stages
            for node in stage.nodes
            if isinstance(node, TaskNode) and key in node.writes
        ]
        if len(nodes) != 1:
            raise NotFound(f"{key!r} is not one asset", fix="toque assets lists them")
        pipeline = Pipeline(name=name, nodes=(made(nodes[0]),))
        check_names(pipeline, settings)
        async with opened(settings, role="run") as site:
            now_us = site.clock.now_us()
            row = version_row(pipeline, bundle, now_us, actor=actor)
            await site.store.put_version(row, make_current=False)
            ref = bundle_ref(settings, bundle.hash)
            site.versions.learn(row.version, pipeline, ref)
            run = new_row(name, row.version, {}, now_us, actor=actor)
            return await finished(site, await site.runtime.launch(Launch(run, pipeline, ref)))

    ended = asyncio.run(main())
    if ended.state != "succeeded":
        raise RunFailed(ended)
    (node,) = ended.states
    found: dict[str, Any] = ended[node].result
    return found

"""Names that a pipeline uses and the settings must know: found before a run, not in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toque.graph.ir import Pipeline, TaskNode
from toque.local.loading import Problem
from toque.settings import Settings
from toque.settings.tree import nearest

EXECUTORS = ("process", "inline")


def unknown_names(pipeline: Pipeline, settings: Settings) -> Iterator[Problem]:
    """A problem for each connection, variable, secret, environment, pool and executor that is not declared."""
    for node in pipeline.nodes:
        if isinstance(node, TaskNode):
            for kind, name, known in _used(node, settings):
                if name not in known:
                    yield _problem(node, kind, name, known)
    for name in pipeline.notify:
        if name not in settings.connections:
            yield _problem(pipeline, "connection", name, settings.connections)


def _used(node: TaskNode, settings: Settings) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    injected: dict[str, Mapping[str, Any]] = {
        "connection": settings.connections,
        "variable": settings.variables,
        "secret": settings.secrets,
    }
    for inject in node.inject.values():
        if inject.kind in injected:
            yield inject.kind, inject.name, injected[inject.kind]
    if node.policy.environment:
        yield "environment", node.policy.environment, settings.environments
    for claim in node.policy.pools:
        if ":" not in claim.pool:  # `duckdb:/path` and the like are pools by themselves
            yield "pool", claim.pool, settings.pools
    if node.kind == "task":  # the bodies of flows have a place of their own
        yield "executor", node.policy.executor, dict.fromkeys(EXECUTORS)


def _problem(user: TaskNode | Pipeline, kind: str, name: str, known: Mapping[str, Any]) -> Problem:
    tables = {"pool": "[pools]", "variable": "[variables]", "secret": "[secrets]"}
    table = tables.get(kind, f"[{kind}s.{name}]")
    meant = nearest(name, known)
    if meant:
        fix = f"did you mean {meant!r}?"
    elif kind == "executor":
        fix = f"there are: {', '.join(known)}"
    else:
        fix = f"declare it in toque.toml: {table}"
    origin = user.origin
    return Problem(
        message=f"{user.name if isinstance(user, Pipeline) else user.id}: no {kind} is named {name!r}",
        file=origin.file if origin else "",
        line=origin.line if origin else 0,
        fix=fix,
    )

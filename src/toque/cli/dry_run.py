"""`toque run --dry-run`: what would run, with which parameters, from which code; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from toque.cli.output import Output
from toque.graph import canonical, render
from toque.graph.counting import tasks_of
from toque.local.loading import prepare
from toque.local.names import unknown_names
from toque.settings import Settings


def report(settings: Settings, file: Path, name: str, raw: Mapping[str, str], output: Output) -> None:
    """Print it. Raises `UserError` for parameters that do not fit and names that nobody declared."""
    pipeline, parameters = prepare(settings.project, file, name, raw)
    for problem in unknown_names(pipeline, settings):
        raise problem.error()
    tasks = tasks_of(pipeline)
    data = {
        "pipeline": pipeline.name,
        "ir_hash": canonical.content_hash(pipeline),
        "profile": settings.profile,
        "store": settings.store_url,
        "parameters": parameters,
        "tasks": [
            {"id": node.id, "mapped": bool(node.scope), "upstream": [edge.source for edge in node.upstream]}
            for node in tasks
        ],
    }

    def text() -> str:
        given = [f"  {key} = {value!r}" for key, value in parameters.items()] or ["  none"]
        profile = f" under profile {settings.profile}" if settings.profile else ""
        head = f"{pipeline.name}: {len(tasks)} tasks would run{profile}"
        return "\n".join([head, "", "parameters", *given, "", *render.tree(pipeline)])

    output.result(data, text)

"""`toque list` and `toque show`: what the project defines, and what it looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options, split_target
from toque.cli.output import Output, table
from toque.errors import NotFound, UserError
from toque.graph import canonical
from toque.graph.counting import tasks_of
from toque.graph.ir import Pipeline
from toque.local.loading import LoadedFile, candidates, load, only
from toque.settings import Settings, find_project


@click.command("list")
@project_options
@json_option
def list_pipelines(settings: Settings, output: Output) -> int:
    """List the pipelines of the project, and the files that are broken."""
    loaded = load(settings.project, candidates(settings))
    pipelines = [(each.file, pipeline) for each in loaded for pipeline in each.pipelines]
    broken = [each for each in loaded if each.problems]
    output.result(
        {
            "pipelines": [_summary(file, pipeline) for file, pipeline in pipelines],
            "broken": [{"file": each.file, "problems": each.problems} for each in broken],
        },
        lambda: _listed(pipelines, broken),
    )
    return Exit.USAGE if broken else Exit.OK


@click.command()
@click.argument("target", metavar="FILE[:NAME] | NAME")
@click.option("--mermaid", is_flag=True, help="Print a Mermaid diagram instead of a tree.")
@project_options
@json_option
def show(target: str, mermaid: bool, settings: Settings, output: Output) -> None:
    """Show the graph of a pipeline, as a tree or as Mermaid."""
    from toque.graph import render

    pipeline = find_pipeline(target, settings)
    schedules = _schedules(pipeline)
    starts = [f"starts: {name}, {words}" for name, words in schedules.items()]
    text = render.mermaid(pipeline) if mermaid else "\n".join([*render.tree(pipeline), *starts])
    ir = msgspec.json.decode(canonical.encode(pipeline))
    output.result({**_summary("", pipeline), "schedules": schedules, "ir": ir, "text": text}, lambda: text)


def find_pipeline(target: str, settings: Settings) -> Pipeline:
    """By file, or by name among all files of the project."""
    try:
        file, name = split_target(target)
    except NotFound:
        if "/" in target or target.endswith(".py"):
            raise
        return _named(target, settings)
    project = find_project(file)
    return only(load(project, [file])[0], name)


def _named(name: str, settings: Settings) -> Pipeline:
    loaded = load(settings.project, candidates(settings))
    for each in loaded:
        for pipeline in each.pipelines:
            if pipeline.name == name:
                return pipeline
    broken = [each.file for each in loaded if each.problems]
    if broken:
        raise UserError(f"no pipeline {name!r} could be loaded", fix=f"toque check: {', '.join(broken)} is broken")
    known = ", ".join(pipeline.name for each in loaded for pipeline in each.pipelines) or "none"
    raise NotFound(f"there is no pipeline {name!r} in {settings.project}", fix=f"there are: {known}")


def _schedules(pipeline: Pipeline) -> dict[str, str]:
    """Each in words, by name."""
    if not pipeline.schedules:
        return {}
    from toque.schedule.words import phrase

    return {schedule.name: phrase(schedule) for schedule in pipeline.schedules}


def _summary(file: str, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "name": pipeline.name,
        "file": file or (pipeline.origin.file if pipeline.origin else ""),
        "ir_hash": canonical.content_hash(pipeline),
        "tasks": len(tasks_of(pipeline)),
        "parameters": pipeline.parameters,
        "owner": pipeline.meta.owner,
        "tags": pipeline.meta.tags,
        "doc": pipeline.meta.doc,
    }


def _listed(pipelines: list[tuple[str, Pipeline]], broken: list[LoadedFile]) -> str:
    parts = []
    if pipelines:
        rows = [
            (pipeline.name, _target(file, pipeline), len(tasks_of(pipeline)), pipeline.meta.doc.partition("\n")[0])
            for file, pipeline in pipelines
        ]
        parts.append(table(["PIPELINE", "WHERE", "TASKS", ""], rows))
    parts += [str(problem.error()) for each in broken for problem in each.problems]
    return "\n\n".join(parts) or "no pipelines: write one, or start with `toque init`"


def _target(file: str, pipeline: Pipeline) -> str:
    line = f":{pipeline.origin.line}" if pipeline.origin else ""
    return f"{Path(file)}{line}"

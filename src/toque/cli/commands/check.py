"""`toque check`: everything that can be known to be wrong before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from toque.cli.exits import Exit
from toque.cli.options import json_option, project_options
from toque.cli.output import Output
from toque.errors import NotFound
from toque.local.loading import TIMEOUT_S, LoadedFile, Problem, candidates_of, listing_of, load
from toque.local.names import unknown_names
from toque.local.outline import outline_of
from toque.local.project_record import read_record
from toque.settings import Settings


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--timeout", default=TIMEOUT_S, show_default=True, help="Seconds for the import of one file.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@project_options
@json_option
def check(files: tuple[Path, ...], timeout: float, strict: bool, settings: Settings, output: Output) -> int:
    """Validate FILES (default: all of the project that import toque): syntax, cycles, types of wired values, names.

    Exits with 2 when there is an error; a warning alone is none, unless --strict.
    """
    for file in files:
        if not file.is_file():
            raise NotFound(f"there is no file {file}")
    listing = listing_of(settings)
    loaded = load(settings.project, list(files) or candidates_of(settings, listing), checks=True, timeout_s=timeout)
    missing = _missing(loaded, settings)
    problems = [problem for each in loaded for problem in (*each.problems, *_names(each, settings))]
    problems += _twice(loaded)
    pipelines = sum(len(each.pipelines) for each in loaded)
    output.result(
        {
            "files": len(loaded),
            "pipelines": pipelines,
            "problems": problems,
            "missing": missing,
            "other_projects": listing.nested,
        },
        lambda: "\n\n".join([*_remarks(missing, listing.nested), _shown(problems, len(loaded), pipelines)]),
    )
    errors = [problem for problem in problems if strict or problem.severity == "error"]
    return Exit.USAGE if errors else Exit.OK


def _missing(loaded: Sequence[LoadedFile], settings: Settings) -> dict[str, list[str]]:
    """By broken file: the pipelines that it had when it last loaded here, or else seems to define."""
    there = {pipeline.name for each in loaded for pipeline in each.pipelines}
    record = read_record(settings.home)
    found = {}
    for each in loaded:
        if any(problem.severity == "error" for problem in each.problems):
            known = [name for name, seen in record.items() if seen.file == each.file]
            names = dict.fromkeys([*known, *outline_of(settings.project / each.file)])
            if gone := [name for name in names if name not in there]:
                found[each.file] = gone
    return found


def _remarks(missing: Mapping[str, Sequence[str]], nested: Sequence[str]) -> Iterator[str]:
    for file, names in missing.items():
        yield f"{file} cannot be loaded as it is: missing because of it: {', '.join(names)}"
    for directory in nested:
        yield f"{directory}/ is a project of its own (it has a toque.toml) and is left out"


def _names(loaded: LoadedFile, settings: Settings) -> list[Problem]:
    return [problem for pipeline in loaded.pipelines for problem in unknown_names(pipeline, settings)]


def _twice(loaded: Sequence[LoadedFile]) -> Iterator[Problem]:
    """Assets that have the key of another: a pipeline of one of them works, and nobody could say what made the data."""
    first: dict[str, str] = {}
    for each in loaded:
        for asset in each.assets:
            if asset.key not in first:
                first[asset.key] = each.file
                continue
            other = "" if first[asset.key] == each.file else f"; the other one is in {first[asset.key]}"
            yield Problem(
                message=f"Two assets have the key {asset.key}{other}.",
                file=each.file,
                line=each.lines.get(asset.key, 0),
                fix=f'leave it to one of them, or state another key: @asset(key="{asset.key}_2")',
            )


def _shown(problems: list[Problem], files: int, pipelines: int) -> str:
    counted = f"{_count(files, 'file')}, {_count(pipelines, 'pipeline')}"
    if not problems:
        return click.style("✓", fg="green") + f" {counted}: no problems"
    parts = [str(problem.error()) for problem in problems]
    warnings = sum(problem.severity == "warning" for problem in problems)
    mark = click.style("!", fg="yellow") if warnings == len(problems) else click.style("✗", fg="red")
    found = ", ".join(
        _count(number, what) for number, what in ((len(problems) - warnings, "error"), (warnings, "warning")) if number
    )
    return "\n\n".join([*parts, f"{mark} {counted}: {found}"])


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")

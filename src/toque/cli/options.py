"""Options that many commands share, and what they mean."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from toque.cli.output import Output
from toque.errors import NotFound, UserError
from toque.settings import Settings, find_project, load

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """`--json`; the command gets `output: Output`."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @functools.wraps(command)
    def wrapper(*args: Any, as_json: bool, **kwargs: Any) -> Any:
        return command(*args, output=Output(as_json), **kwargs)

    return wrapper  # type: ignore[return-value]


def project_options(command: F) -> F:
    """`--project` and `--profile`; the command gets `settings: Settings`."""

    @click.option(
        "--project",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=".",
        help="A directory of the project.  [default: here]",
    )
    @click.option("--profile", help="Profile of toque.toml.  [default: $TOQUE_PROFILE, or dev]")
    @functools.wraps(command)
    def wrapper(*args: Any, project: Path, profile: str | None, **kwargs: Any) -> Any:
        return command(*args, settings=load(find_project(project), profile), **kwargs)

    return wrapper  # type: ignore[return-value]


def parameters_option(command: F) -> F:
    """`-p key=value`, repeatable; the command gets `parameters: dict[str, str]`."""
    return click.option(
        "-p",
        "--param",
        "parameters",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_parsed_parameters,
        help="A parameter of the run; JSON where the parameter is no string. Repeatable.",
    )(command)


def _parsed_parameters(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    parsed: dict[str, str] = {}
    for value in values:
        key, found, text = value.partition("=")
        if not found or not key:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE", context, option)
        if key in parsed:
            raise click.BadParameter(f"{key!r} is given twice", context, option)
        parsed[key] = text
    return parsed


def split_target(target: str) -> tuple[Path, str]:
    """`FILE[:NAME]` as (file, name or ""). Raises `UserError` when there is no such file."""
    if Path(target).is_file():
        return Path(target), ""
    file, _, name = target.rpartition(":")
    if file and Path(file).is_file():
        return Path(file), name
    raise NotFound(f"there is no file {file or target!r}", fix="toque run FILE or toque run FILE:PIPELINE")


def split_task_run(text: str) -> tuple[str, tuple[int, ...]]:
    """`task` or `task[3]` or `task[3.1]` as (task, map index). Raises `UserError`."""
    task, bracket, rest = text.partition("[")
    if not bracket:
        return task, ()
    try:
        return task, tuple(int(part) for part in rest.removesuffix("]").split("."))
    except ValueError:
        raise UserError(f"{text!r} is not a task run", fix="write task, task[3] or task[3.1]") from None


def who() -> str:
    """The actor that a command acts for: the login name, as far as it can be known."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def settings_for_file(file: Path, profile: str | None) -> Settings:
    """The settings of the project that `file` belongs to."""
    return load(find_project(file), profile)

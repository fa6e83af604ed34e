"""`toque retry` and `toque rerun`: execute again what was executed before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from toque.cli.commands.run import report_runs
from toque.cli.exits import Exit
from toque.cli.following import followed
from toque.cli.options import json_option, project_options, who
from toque.cli.output import Output, state
from toque.cli.progress import Progress, make_progress
from toque.cli.servers import exit_of, server_of
from toque.cli.stores import LATEST, find_run, in_store
from toque.settings import Settings

if TYPE_CHECKING:
    from toque.local.result import Run


@click.command()
@click.argument("run", default=LATEST)
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary: only errors.")
@project_options
@json_option
def retry(run: str, quiet: bool, settings: Settings, output: Output) -> int:
    """Run again what failed in RUN (default: the latest) and everything behind it; the rest keeps its results."""
    from toque import local

    run_id = in_store(settings, lambda store: find_run(store, run)).run_id
    served = _at_the_server(settings, run_id, "retry", {}, output, quiet=quiet)
    if served is not None:
        return served
    return _watched(
        lambda progress: local.retry(
            settings,
            run_id,
            actor=who(),
            watcher=progress,
        ),
        quiet,
        output,
    )


@click.command()
@click.argument("run", default=LATEST)
@click.option("--from", "tasks", multiple=True, required=True, metavar="TASK", help="Repeatable.")
@click.option("--new-code", is_flag=True, help="Use the current version instead of the run's own.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary: only errors.")
@project_options
@json_option
def rerun(run: str, tasks: tuple[str, ...], new_code: bool, quiet: bool, settings: Settings, output: Output) -> int:
    """Run TASK and everything behind it again, as a new run with the inputs of RUN (default: the latest)."""
    from toque import local

    run_id = in_store(settings, lambda store: find_run(store, run)).run_id
    served = _at_the_server(settings, run_id, "rerun", {"tasks": [*tasks], "new_code": new_code}, output, quiet=quiet)
    if served is not None:
        return served
    return _watched(
        lambda progress: local.rerun(
            settings,
            run_id,
            tasks=tasks,
            new_code=new_code,
            actor=who(),
            watcher=progress,
        ),
        quiet,
        output,
    )


def _at_the_server(
    settings: Settings, run_id: str, kind: str, body: dict[str, Any], output: Output, *, quiet: bool
) -> int | None:
    """Let the running server repeat the run, and follow it to its end; None when no server runs."""
    with server_of(settings) as server:
        if server is None:
            return None
        again = server.post("runs", run_id, kind, body=body)["run_id"]
    if not quiet:
        output.say(f"queued {again}; the server runs it")
    row = followed(settings, again, output, quiet=quiet)
    if row is None:
        return Exit.INTERRUPTED
    shown = {"run_id": again, "origin_run": run_id, "state": str(row.state), "via": "server"}
    ended = f"{again} {state(str(row.state))}"
    output.result(shown, lambda: ended if quiet and row.state != "succeeded" else "")  # else the summary has said it
    return exit_of(str(row.state))


def _watched(start: Callable[[Progress], Run[Any]], quiet: bool, output: Output) -> int:
    progress = make_progress(quiet=quiet or output.as_json)
    try:
        ended = start(progress)
    finally:
        progress.finish()
    return report_runs([ended], progress, output, quiet=quiet)

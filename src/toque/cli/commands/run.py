"""`toque run` and `toque resume`: execute runs in this process, and watch them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from toque.cli.exits import Exit
from toque.cli.options import (
    json_option,
    parameters_option,
    project_options,
    settings_for_file,
    split_target,
    who,
)
from toque.cli.output import Output, dump
from toque.cli.progress import Progress, make_progress
from toque.engine.states import BackfillState, RunState
from toque.graph import canonical
from toque.ports.store import RunFilter, Store

if TYPE_CHECKING:
    from toque.local.result import Run
    from toque.ports.backfills import BackfillRow

SHOWN_RESULT = 20_000
"""Characters of a returned text that are printed at the end."""
SHOWN_LINES = 40
"""Of what JSON says and a pipeline returned."""


@click.command()
@click.argument("target", metavar="FILE[:NAME]")
@parameters_option
@click.option("--dry-run", is_flag=True, help="Show what would run with which parameters, and run nothing.")
@click.option(
    "--executor", type=click.Choice(["process", "inline"]), help="Where all tasks run.  [default: as they say]"
)
@click.option("--profile", help="Profile of toque.toml.  [default: $TOQUE_PROFILE, or dev]")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary: only errors.")
@json_option
def run(
    target: str,
    parameters: Mapping[str, str],
    dry_run: bool,
    executor: str | None,
    profile: str | None,
    quiet: bool,
    output: Output,
) -> int:
    """Run a pipeline of FILE, durably: whatever is killed, `toque resume` goes on. No server is needed.

    Ctrl-C cancels the run; a second one leaves it as it is, to be resumed.
    """
    from toque import local

    file, name = split_target(target)
    settings = settings_for_file(file, profile)
    if dry_run:
        from toque.cli.dry_run import report

        report(settings, file, name, parameters, output)
        return Exit.OK
    progress = make_progress(quiet=quiet or output.as_json)
    # What inline tasks print belongs to people: the JSON document stands alone on standard output.
    apart = redirect_stdout(sys.stderr) if output.as_json else nullcontext()
    try:
        with apart:
            ended = local.run_file(
                settings,
                file,
                name,
                parameters=parameters,
                executor=executor,
                actor=who(),
                watcher=progress,
            )
    finally:
        progress.finish()
    return report_runs([ended], progress, output, quiet=quiet)


@click.command()
@click.argument("run", required=False)
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary: only errors.")
@project_options
@json_option
def resume(run: str | None, quiet: bool, settings: Any, output: Output) -> int:
    """Go on with RUN (default: all runs that were interrupted and that no living process owns)."""
    from toque import local
    from toque.cli.stores import find_run, in_store

    chosen = in_store(settings, lambda store: find_run(store, run)).run_id if run else None
    progress = make_progress(quiet=quiet or output.as_json)
    in_store(settings, lambda store: _remember(store, progress))
    try:
        ended = local.resume(settings, chosen, watcher=progress)
    finally:
        progress.finish()
    carried = _plans(settings, output) if run is None else []
    if not ended and not carried:
        output.say(in_store(settings, _nothing))
    code = report_runs(ended, progress, output, quiet=quiet)
    return code or (Exit.OK if all(row.state is BackfillState.SUCCEEDED for row in carried) else Exit.RUN_FAILED)


async def _nothing(store: Store) -> str:
    """A run that Ctrl-C cancelled is over, which whoever pressed it may not know."""
    last = await store.list_runs(RunFilter(limit=1))
    if last and last[0].state is RunState.CANCELLED:
        return f"nothing to resume: the last run was cancelled; this goes on with it: toque retry {last[0].run_id}"
    return "nothing to resume: no run was interrupted"


def _plans(settings: Any, output: Output) -> list[BackfillRow]:
    """Backfills that are under way are carried out here, unless a server does."""
    from toque.cli.commands.materialize import summary, teller
    from toque.cli.servers import server_of
    from toque.cli.stores import in_store
    from toque.local.materializing import go_on

    running = [row for row in in_store(settings, lambda store: store.backfills.running()) if not row.paused]
    with server_of(settings) as server:
        if not running or server is not None:
            return []
    ended = go_on(settings, [row.id for row in running], told=teller(output))
    for row in ended:
        output.say(summary(row))
    return ended


async def _remember(store: Store, progress: Progress) -> None:
    """The progress of an interrupted run begins with what it had done."""
    live = tuple(state for state in RunState if not state.is_terminal)
    for row in await store.list_runs(RunFilter(states=live, limit=1000)):
        version = await store.get_version(row.version)
        if version is not None:
            facts = [fact for _, fact in await store.load_facts(row.run_id)]
            progress.remember(row.run_id, canonical.decode(version.ir), facts)


def report_runs(runs: list[Run[Any]], progress: Progress, output: Output, *, quiet: bool = False) -> int:
    """Print what the runs returned; the exit code is that of the worst of them."""
    from toque.local.result import RunFailed

    if output.as_json:
        shown = [_as_json(each, progress) for each in runs]
        output.result(shown[0] if len(shown) == 1 else shown, str)
    for each in () if output.as_json else runs:
        text = _returned(each)
        if text and not quiet:
            click.echo(f"\n{text}")
        if quiet and each.state != "succeeded":
            click.echo(str(RunFailed(each)), err=True)
    if all(each.state == "succeeded" for each in runs):
        return Exit.OK
    tallies = [progress.tally(each.id) for each in runs]
    interrupted = any(tally is not None and tally.cancelled_by == "Ctrl-C" for tally in tallies)
    return Exit.INTERRUPTED if interrupted else Exit.RUN_FAILED


def _returned(run: Run[Any]) -> str:
    """What the pipeline returned, if it is a text for people, or JSON that a person may want to read."""
    result = run.result if run.state == "succeeded" else None
    if isinstance(result, str):
        return result[:SHOWN_RESULT]
    if result is None or not _is_plain(result):
        return ""
    lines = dump(result).splitlines()
    more = [f"… and {len(lines) - SHOWN_LINES} more lines"] if len(lines) > SHOWN_LINES else []
    return "\n".join([*lines[:SHOWN_LINES], *more])[:SHOWN_RESULT]


def _as_json(run: Run[Any], progress: Progress) -> dict[str, Any]:
    tally = progress.tally(run.id)
    return {
        "run_id": run.id,
        "pipeline": run.pipeline,
        "state": run.state,
        "result": run.result if run.state == "succeeded" and _is_plain(run.result) else None,
        "took_us": tally.finished_us - tally.started_us if tally is not None and tally.finished_us else None,
        "tasks": run.states,
        "data": {node.id: told for node in (tally.tasks if tally else ()) if (told := node.data.as_json())},
        "failures": [{"task": each.name, "error": each.error} for each in run.failed],
    }


def _is_plain(value: Any) -> bool:
    """JSON says exactly this."""
    match value:
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
        case _:
            return value is None or isinstance(value, bool | int | float | str)

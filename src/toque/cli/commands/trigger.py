"""`toque trigger`: queue a run for whoever serves the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from toque.cli.exits import Exit
from toque.cli.following import followed
from toque.cli.options import json_option, parameters_option, project_options, who
from toque.cli.output import Output, state
from toque.cli.servers import server_of
from toque.settings import Settings


@click.command()
@click.argument("target", metavar="FILE[:NAME] | NAME")
@parameters_option
@click.option("--wait", is_flag=True, help="Follow it to its end; the exit code is the run's.")
@click.option("--key", default="", help="A second trigger with the same key starts nothing and names the first run.")
@project_options
@json_option
def trigger(
    target: str, parameters: Mapping[str, str], wait: bool, key: str, settings: Settings, output: Output
) -> int:
    """Queue a run of a pipeline: of FILE as it is now, or of the current version of NAME."""
    run_id, via = _queued(settings, target, parameters, key)
    if not wait:
        output.result({"run_id": run_id, "via": via}, lambda: f"queued {run_id}")
        if via == "store":
            _say_who_runs_it(settings, output)
        return Exit.OK
    output.say(f"queued {run_id}, waiting for its end")
    row = followed(settings, run_id, output)
    if row is None:
        return Exit.INTERRUPTED
    output.result({"run_id": run_id, "state": str(row.state), "via": via}, lambda: f"{run_id} {state(str(row.state))}")
    return Exit.OK if row.state == "succeeded" else Exit.RUN_FAILED


def _say_who_runs_it(settings: Settings, output: Output) -> None:
    """Without a server a queued run waits, and nothing else would say so."""
    with server_of(settings) as server:
        if server is None:
            output.say("  it waits for a server, and none runs here: toque server, or toque dev")


def _queued(settings: Settings, target: str, parameters: Mapping[str, str], key: str) -> tuple[str, str]:
    """The run, and by whom it was queued. A file is read here: the server has the project, not what one points at."""
    if not Path(target.partition(":")[0]).suffix:
        with server_of(settings) as server:
            if server is not None:
                run = server.post("pipelines", target, "runs", body={"parameters": parameters, "key": key})
                return str(run["run_id"]), "server"
    from toque import local

    return local.trigger(settings, target, parameters=parameters, actor=who(), dedup=key), "store"

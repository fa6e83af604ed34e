"""The command group: a table of lazily imported commands, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import NamedTuple

import click

from toque.cli.exits import Exit, exit_for
from toque.cli.output import report_error
from toque.errors import ToqueError


class Entry(NamedTuple):
    """Where a command lives. Its help stands here too: `toque --help` imports none of them."""

    module: str
    attribute: str
    help: str


COMMANDS: dict[str, Entry] = {
    "init": Entry("init", "init", "Make a small project that runs."),
    "run": Entry("run", "run", "Run a pipeline here and now; no server needed."),
    "resume": Entry("run", "resume", "Go on with interrupted runs."),
    "dev": Entry("dev", "dev", "Serve a project while you write it: a save is the code of the next run."),
    "server": Entry("server", "server", "Serve a project: execute queued runs, adopt interrupted ones."),
    "open": Entry("web", "open_ui", "Open the web UI of the running server, signed in."),
    "token": Entry("web", "token", "Print the token of the project, for scripts."),
    "trigger": Entry("trigger", "trigger", "Queue a run for the server."),
    "check": Entry("check", "check", "Validate all pipelines: each error with file, line and fix."),
    "list": Entry("pipelines", "list_pipelines", "List the pipelines of the project."),
    "show": Entry("pipelines", "show", "Show the graph of a pipeline."),
    "assets": Entry("assets", "assets", "List the data that the project makes, and how it stands."),
    "materialize": Entry("materialize", "materialize", "Make selected assets, for the partitions that you name."),
    "automation": Entry("automation", "automation", "Show what is made by itself, and why not; pause it."),
    "sync": Entry("moves", "sync", "Show what a sync would send."),
    "checks": Entry("moves", "checks", "Bring back rows that checks have set aside."),
    "partitions": Entry("partitions", "partitions", "List the keys of dynamic partitions, or add some."),
    "lineage": Entry("lineage", "lineage", "Show where a column or an asset comes from."),
    "runs": Entry("runs", "runs", "List runs, or show one."),
    "logs": Entry("logs", "logs", "Print the logs of a run."),
    "retry": Entry("again", "retry", "Run what failed again."),
    "rerun": Entry("again", "rerun", "Run from a task on again, with the same inputs."),
    "mark": Entry("steer", "mark", "Declare the outcome of a task run."),
    "cancel": Entry("steer", "cancel", "Cancel a run or a task run."),
    "debug": Entry("debug", "debug", "Make one attempt again in this terminal, with its recorded inputs."),
    "versions": Entry("versions", "versions", "List the versions of a pipeline."),
    "diff": Entry("versions", "diff", "Show what changed between two versions: code and graph."),
    "rollback": Entry("versions", "rollback", "Make an earlier version the current one."),
    "schedule": Entry("schedule", "schedule", "Show what schedules mean, and their ticks; pause them."),
    "backfill": Entry("backfill", "backfill", "Run a pipeline for the ticks of a span of time."),
    "backfills": Entry("backfills", "backfills", "List backfills; pause, cancel one, or retry what failed of it."),
    "connections": Entry("connections", "connections", "List and test connections."),
    "notify": Entry("notify", "notify", "Try who is told when a pipeline fails."),
    "prune": Entry("prune", "prune", "Remove old runs with their logs, values and bundles."),
    "db": Entry("database", "db", "Look after the store's schema."),
    "doctor": Entry("doctor", "doctor", "Find what is wrong with this installation and project."),
    "completion": Entry("completion", "completion", "Print the completion script of a shell."),
}


class LazyGroup(click.Group):
    """A group that knows the names and one-line helps of its commands, and imports one only to call it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: from the first thing that one does to the last."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(f"toque.cli.commands.{entry.module}"), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown command names the nearest one; a file is taken for what it probably was meant to be."""
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "See toque --help."
            if name.partition(":")[0].endswith((".py", ".yaml", ".yml")):
                hint = f"Did you mean: toque run {name}"
            raise click.UsageError(f"No command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 ok, 1 run failed, 2 usage, 3 store held by another server, 4 not found, "
    "5 store unavailable, 70 defect of Toque, 130 interrupted.",
)
@click.version_option(package_name="toque", message="toque %(version)s")
def toque() -> None:
    """Toque: pipelines of dependent tasks that survive every failure they can."""


def call(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code. Every error ends here."""
    wants_json = "--json" in arguments
    try:
        outcome = toque.main(list(arguments), prog_name="toque", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt) as interrupt:
        # click makes an Abort of the exception that says how to go on.
        how = str(interrupt.__cause__ or interrupt)
        click.echo(f"interrupted; {how}" if how else "interrupted", err=True)
        return Exit.INTERRUPTED
    except click.ClickException as error:
        report_error(error.format_message(), Exit.USAGE, wants_json, usage=_usage(error))
        return Exit.USAGE
    except SystemExit:
        # click's answer to a reader that has gone (`| head`): not an error of ours.
        return Exit.OK
    except Exception as error:
        code = exit_for(error)
        if os.environ.get("TOQUE_TRACEBACK") or (code is Exit.BUG and not isinstance(error, ToqueError)):
            import traceback

            traceback.print_exc()
        report_error(_told(error, code), code, wants_json, error=error)
        return code
    return outcome if isinstance(outcome, int) else Exit.OK


def _told(error: Exception, code: Exit) -> str:
    if code is Exit.BUG:
        return f"this is a defect of Toque, please report it: {type(error).__name__}: {error}"
    return str(error)


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.get_usage()}\nTry: {context.command_path} --help" if context else ""

"""`toque debug`: one attempt again, in this terminal."""

from __future__ import annotations

import click

from toque.cli.options import project_options, split_task_run
from toque.cli.stores import LATEST, find_run, in_store
from toque.settings import Settings


@click.command()
@click.argument("task_run")
@click.option("--run", "name", default=LATEST, show_default=True, help="The run that it belongs to.")
@click.option("--pdb", is_flag=True, help="Stop in the debugger where an exception is raised.")
@project_options
def debug(task_run: str, name: str, pdb: bool, settings: Settings) -> None:
    """Make an attempt at TASK_RUN (`task`, `task[3]`) again with its recorded inputs, in this process.

    Nothing is recorded: the run stays as it is. Breakpoints work. What the body writes to the outside, it writes.
    """
    from toque import local

    task, index = split_task_run(task_run)
    run_id = in_store(settings, lambda store: find_run(store, name)).run_id
    local.debug(settings, run_id, task, index, pdb=pdb)

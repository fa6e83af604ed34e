"""`toque dev`: a server for the one who writes the pipelines."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from toque.cli.options import project_options
from toque.cli.output import STATE_COLOURS
from toque.cli.times import span
from toque.settings import Settings

if TYPE_CHECKING:
    from toque.local.web import Address
    from toque.ports.project import FileProblem, ProjectChange, ProjectState

NAMED = 8
"""So many pipelines are listed at the start; of more, only the number is told."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: 8787, or the next one that is free]")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@project_options
def dev(host: str, port: int | None, opens: bool, settings: Settings) -> None:
    """Serve the project and watch its files: a save is the new code of the next run, within a second.

    Prints the URL of the page, signed in. A file that breaks is shown with its line, and its pipelines stay as they
    were; runs that have started go on with the code that they started with. Ctrl-C ends it.
    """
    from toque import local
    from toque.local.developing import Development
    from toque.local.web import PORT, WebOptions

    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
    listen = WebOptions(host=host, port=PORT if port is None else port, port_is_given=port is not None)
    local.serve(settings, listen=listen, development=Development(Terminal(settings.name, opens=opens)))
    click.echo("ended; what was running goes on at the next start")


class Terminal:
    """Shows what happens, a line or two for each thing."""

    def __init__(self, name: str, *, opens: bool = False) -> None:
        self._name = name
        self._opens = opens
        self._is_ready = False
        self._first: tuple[ProjectState, Sequence[ProjectChange]] | None = None
        self._has_looked = False

    def ready(self, address: Address) -> None:
        """The page can be opened."""
        click.echo(f"{click.style('toque dev', bold=True)}  {self._name}")
        click.echo(f"  open {click.style(address.sign_in_url, fg='cyan', underline=True)}")
        click.echo(click.style(f"  signs in once, within ten minutes; afterwards: {address.url}", dim=True))
        if self._opens:
            click.launch(address.sign_in_url)
        self._is_ready = True
        if self._first is not None:
            self.looked(*self._first)

    def looked(self, state: ProjectState, changes: Sequence[ProjectChange]) -> None:
        """What is other than before."""
        if not self._is_ready:
            self._first = (state, changes) if self._first is None else (state, [*self._first[1], *changes])
            return
        if not self._has_looked:
            self._has_looked = True
            self._welcome(state)
            changes = [change for change in changes if change.kind in ("broken", "fault")]
        for change in changes:
            self._change(change)

    def run(self, run_id: str, title: str, state: str, took_us: int, why: str) -> None:
        """A run has started or ended; `why` is what it failed with."""
        word = click.style(state, fg=STATE_COLOURS.get(state, "cyan"))
        self._line(f"{title} {run_id} {word}{f' in {span(took_us)}' if took_us else ''}")
        if why:
            click.echo(f"{' ' * 9}{why}")

    def _welcome(self, state: ProjectState) -> None:
        names = list(state.pipelines)
        if not names and not state.broken:
            click.echo("  no pipelines yet: `toque init` makes one, or write @pipeline above a function")
            return
        listed = f": {', '.join(names)}" if len(names) <= NAMED else ""
        click.echo(f"  {len(names)} pipeline{'' if len(names) == 1 else 's'}{listed}")

    def _change(self, change: ProjectChange) -> None:
        match change.kind:
            case "broken":
                for problem in change.problems:
                    self._line(click.style("✗ ", fg="red") + _problem(problem, change.file))
            case "mended":
                self._line(f"{click.style('✓', fg='green')} {change.file}: {change.words}")
            case "fault":
                self._line(click.style("✗ ", fg="red") + change.words)
            case _:
                self._line(f"{change.pipeline or change.file}: {change.words}")

    def _line(self, text: str) -> None:
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        click.echo(f"{click.style(now, dim=True)} {text}")


def _problem(problem: FileProblem, file: str) -> str:
    where = problem.file or file
    parts = [f"{where}:{problem.line}" if problem.line else where, f"  {problem.message}"]
    if problem.source:
        parts.append(f"\n             {problem.source}")
    if problem.fix:
        parts.append(f"\n             fix: {problem.fix}")
    return "".join(parts)

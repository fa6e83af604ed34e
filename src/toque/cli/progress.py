"""Progress of a run in the terminal: a live tree where there is one, plain lines everywhere else, then a summary."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from toque.cli.summary import summary
from toque.cli.tally import Tally
from toque.engine.facts import AnyFact
from toque.graph.ir import Pipeline
from toque.ports.executor import Progress as ProgressSignal
from toque.ports.executor import Signal

if TYPE_CHECKING:
    from toque.runtime.owned import OwnedRun


class View(Protocol):
    """How a tally is shown while it grows."""

    def begin(self, tally: Tally) -> None: ...

    def facts(self, tally: Tally, news: Sequence[AnyFact]) -> None:
        """`news` are part of `tally` already."""
        ...

    def end(self) -> None: ...


class Silent:
    """Shows nothing: `--json` and `--quiet`."""

    def begin(self, tally: Tally) -> None:
        """Nothing."""

    def facts(self, tally: Tally, news: Sequence[AnyFact]) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class Progress:
    """Listens to the facts of runs (of one in `toque run`, of several in `toque resume`)."""

    def __init__(self, view: View, *, quiet: bool = False, out: TextIO | None = None) -> None:
        self._view = view
        self._quiet = quiet
        self._out = out or sys.stdout
        self._tallies: dict[str, Tally] = {}
        self._remembered: dict[str, Tally] = {}

    def listener(self, run: OwnedRun, news: Sequence[AnyFact]) -> None:
        """A `toque.runtime.loop.Listener`: facts of a run after their commit."""
        self.facts(run.machine.row.run_id, run.pipeline, news)

    def facts(self, run_id: str, pipeline: Pipeline, news: Sequence[AnyFact]) -> None:
        """The next facts of a run, in order."""
        tally = self._tallies.get(run_id)
        if tally is None:
            tally = self._remembered.get(run_id) or Tally(pipeline, run_id)
            self._tallies[run_id] = tally
            self._view.begin(tally)
        tally.add(news)
        self._view.facts(tally, news)

    def remember(self, run_id: str, pipeline: Pipeline, past: Sequence[AnyFact]) -> None:
        """What happened in a run before this process took it; shown when it goes on."""
        tally = self._remembered[run_id] = Tally(pipeline, run_id)
        tally.add(past)

    def signal(self, signal: Signal) -> None:
        """Progress that a task reports; other signals are for those who look into the run."""
        tally = self._tallies.get(signal.run_id)
        if tally is not None and isinstance(signal, ProgressSignal):
            tally.progress(signal)

    def tally(self, run_id: str) -> Tally | None:
        """What is known of a run."""
        return self._tallies.get(run_id)

    def finish(self) -> None:
        """Stop the view and print the summary of each run."""
        self._view.end()
        if not self._quiet:
            for tally in self._tallies.values():
                click.echo(summary(tally), file=self._out)  # colours only where there is a terminal


def make_progress(*, quiet: bool = False, out: TextIO | None = None) -> Progress:
    """A tree on a terminal that can show one, lines elsewhere, nothing when `quiet`."""
    stream = out or sys.stdout
    if quiet:
        return Progress(Silent(), quiet=True, out=stream)
    if stream.isatty():
        # rich costs a tenth of a second: only where somebody looks.
        from toque.cli.progress_tree import Tree

        return Progress(Tree(stream), out=stream)
    from toque.cli.progress_lines import Lines

    return Progress(Lines(stream), out=stream)

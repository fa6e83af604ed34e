"""Progress as a tree that is redrawn in place. The only module that imports rich."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from toque.cli.progress_lines import cancelling
from toque.cli.tally import Tally, TaskTally
from toque.cli.times import span
from toque.engine.facts import AnyFact
from toque.engine.states import TaskState

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PER_SECOND = 8
BAR = 24

_STYLES = {
    TaskState.WAITING: ("·", "dim"),
    TaskState.READY: ("·", ""),
    TaskState.DISPATCHED: ("·", "cyan"),
    TaskState.RUNNING: ("", "cyan"),
    TaskState.DEFERRED: ("…", "magenta"),
    TaskState.RETRYING: ("↻", "yellow"),
    TaskState.SUCCEEDED: ("✓", "green"),
    TaskState.FAILED: ("✗", "red"),
    TaskState.SKIPPED: ("-", "dim"),
    TaskState.UPSTREAM_FAILED: ("✗", "red"),
    TaskState.CANCELLED: ("✗", "yellow"),
}


class Tree:
    """Draws all runs that are not over, at a fixed rate, from a thread of its own: the loop is never held up."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False)
        self._tallies: list[Tally] = []
        self._live: Live | None = None

    def begin(self, tally: Tally) -> None:
        """Add a run."""
        self._tallies.append(tally)
        if self._live is None:
            self._live = Live(self, console=self._console, refresh_per_second=PER_SECOND, transient=True)
            self._live.start()

    def facts(self, tally: Tally, news: Sequence[AnyFact]) -> None:
        """The next frame shows them."""

    def end(self) -> None:
        """Clear the tree: the summary says the same, and stays."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now_us = time.time_ns() // 1000
        height = max(console.size.height - 2, 4)
        lines = [line for tally in list(self._tallies) for line in drawn(tally, now_us)]
        yield from fitted(lines, height)


def drawn(tally: Tally, now_us: int) -> list[Text]:
    """One frame of one run: a head line, then the nodes, folded by group."""
    lines = [Text.assemble((tally.pipeline, "bold"), f"  {tally.run_id}  ", (str(tally.state), "dim"))]
    if tally.cancelled_by:
        lines.append(Text(f"  {cancelling(tally)}", style="yellow"))
    group = ""
    for node in list(tally.tasks):
        if node.group != group:
            group = node.group
            if group and not node.is_step:  # the body of a flow is the head of its steps
                lines.append(Text(f"  {group}", style="bold"))
        lines.append(_line(node, now_us, indent="    " if group else "  "))
    return lines


def fitted(lines: list[Text], height: int) -> list[Text]:
    """At most `height` lines: what waits is left out first, then what is over, oldest first."""
    if len(lines) <= height:
        return lines
    rank = {"dim": 0, "green": 1}
    by_worth = sorted(range(1, len(lines)), key=lambda i: (rank.get(str(lines[i].style), 2), i))
    dropped = set(by_worth[: len(lines) - height + 1])
    kept = [line for i, line in enumerate(lines) if i not in dropped]
    return [*kept, Text(f"  … {len(dropped)} more", style="dim")]


def _line(node: TaskTally, now_us: int, indent: str) -> Text:
    mark, style = _STYLES[node.state]
    if node.state is TaskState.RUNNING:
        mark = FRAMES[now_us // (1_000_000 // PER_SECOND) % len(FRAMES)]
    name = node.id[len(node.group) :].lstrip("./") if node.group and node.id != node.group else node.id
    line = Text(f"{indent}{mark} {name}", style=style)
    if node.is_mapped and node.size is not None:
        line.append(f"  {_bar(node.ended, node.size)} {node.ended}/{node.size}")
        running, failed = node.counts[TaskState.RUNNING], node.counts[TaskState.FAILED]
        if running:
            line.append(f"  {running} running")
        if failed:
            line.append(f"  {failed} failed", style="red")
    elif node.total and not node.is_over:
        line.append(f"  {_bar(node.done, node.total)} {node.done:g}/{node.total:g}")
    elif node.done and not node.is_over:
        line.append(f"  {node.done:g}")
    end_us = node.last_us if node.is_over else now_us
    if node.first_us and end_us > node.first_us:
        line.append(f"  {span(end_us - node.first_us)}", style="dim")
    if node.retries:
        line.append(f"  ↻ {node.retries}", style="yellow")
    if node.note:
        line.append(f"  {node.note}", style="dim")
    return line


def _bar(done: float, total: float) -> str:
    filled = round(BAR * min(done / total, 1.0)) if total else BAR
    return "━" * filled + "┈" * (BAR - filled)

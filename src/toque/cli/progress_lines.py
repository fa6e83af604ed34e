"""Progress as plain lines: for logs, pipes and CI. One line for each task that ends, each retry and each failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from toque.cli.output import plain
from toque.cli.tally import Tally, TaskTally
from toque.cli.times import clock, span
from toque.engine import facts as f
from toque.engine.facts import AnyFact
from toque.engine.states import TaskState

MARKS = {
    TaskState.SUCCEEDED: "✓",
    TaskState.FAILED: "✗",
    TaskState.SKIPPED: "-",
    TaskState.UPSTREAM_FAILED: "✗",
    TaskState.CANCELLED: "✗",
}


_SPOKEN = frozenset(
    {
        f.AttemptEnded,
        f.Failed,
        f.Deferred,
        f.Succeeded,
        f.Skipped,
        f.UpstreamFailed,
        f.Cancelled,
        f.CancelRequested,
        f.ScopeOpened,
    }
)
"""Facts that may lead to a line; the others, three for each task run, are passed over quickly."""


class Lines:
    """Writes as it happens; the indexes of a map are one line at its end, and so are the occurrences of a step."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def begin(self, tally: Tally) -> None:
        """Names the run, so that a person can look for it."""
        self._write(f"run {tally.run_id} of {tally.pipeline}")

    def facts(self, tally: Tally, news: Sequence[AnyFact]) -> None:
        """A line for each piece of news that a reader of a log wants."""
        mapped: dict[str, int] = {}
        for fact in news:
            if type(fact) not in _SPOKEN:
                continue
            line = self._line(tally, fact)
            if line:
                if isinstance(fact, f.Succeeded | f.Failed | f.Cancelled) and not fact.map_index:
                    self._steps(tally, fact.task, fact.at_us)
                self._write(f"{clock(fact.at_us)}  {line}")
            if isinstance(fact, f.TaskFact) and fact.map_index:
                mapped[fact.task] = fact.at_us
            if isinstance(fact, f.ScopeOpened) and fact.size == 0:
                mapped.update({node.id: fact.at_us for node in tally.tasks if node.scope == fact.task})
        for task, at_us in mapped.items():
            node = tally.nodes.get(task)
            if node is not None and node.runs_code and node.scope and node.is_over:
                self._steps(tally, task, at_us)
                self._write(f"{clock(at_us)}  {ended(node)}")

    def end(self) -> None:
        """Everything is written already."""

    def _line(self, tally: Tally, fact: AnyFact) -> str:
        if isinstance(fact, f.CancelRequested):
            return cancelling(tally)
        node = tally.nodes.get(fact.task) if isinstance(fact, f.TaskFact) else None
        if node is None or not node.runs_code:
            return ""
        match fact:
            case f.AttemptEnded(error=error) if error is not None and fact.spends:
                return f"↻ {fact.key}: attempt {fact.attempt} failed: {_first_line(error.said)}"
            case f.Failed(error=error):
                return f"✗ {fact.key}: {_first_line(error.said)}"
            case f.Deferred() if fact.worked:
                return f"… {fact.key}: not yet"
            case f.Succeeded() | f.Skipped() | f.UpstreamFailed() | f.Cancelled() if not node.is_mapped:
                return ended(node)
            case _:
                return ""

    def _steps(self, tally: Tally, flow: str, at_us: int) -> None:
        """Those of a flow whose bodies are over: a line each time that a body asks would be too many."""
        for node in tally.tasks:
            if node.is_step and node.group == flow:
                self._steps(tally, node.id, at_us)
                self._write(f"{clock(at_us)}  {ended(node)}")

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def cancelling(tally: Tally) -> str:
    """What happens after a cancel, and what else the person at the terminal may do."""
    if tally.cancelled_by == "Ctrl-C":
        return "cancelling; Ctrl-C again leaves the run as it is, for toque resume"
    return f"cancelling: {tally.cancelled_by} asked for it"


def ended(node: TaskTally) -> str:
    """`✓ extract  1.2 s`, `✓ delays  12 of 12  3.4 s`."""
    parts = [f"{MARKS.get(node.state, '·')} {node.id}"]
    if node.is_mapped:
        parts.append(f"{node.counts[TaskState.SUCCEEDED]} of {node.size}")
    if node.state is not TaskState.SUCCEEDED:
        parts.append(plain(node.state) + (f" ({node.note})" if node.note else ""))
    if node.reused:
        parts.append("reused")
    elif node.cached and node.cached == node.ended:
        parts.append("cached")
    elif node.first_us and node.last_us > node.first_us:
        parts.append(span(node.last_us - node.first_us))
    return "  ".join(parts)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]

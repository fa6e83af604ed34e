"""The summary of a finished run: where the time went, what failed and what to do next."""

from __future__ import annotations

from toque.cli.output import state, table
from toque.cli.tally import Tally, TaskTally
from toque.cli.times import span
from toque.engine.states import RunState, TaskState

SHOWN_FAILURES = 5
SHOWN_TASKS = 40


def summary(tally: Tally) -> str:
    """Several lines, the first one empty."""
    tasks = [node for node in tally.tasks if node.counts]
    shown = sorted(tasks, key=lambda node: (node.first_us or 2**62, node.id))[:SHOWN_TASKS]
    lines = ["", table(["TASK", "STATE", "RUNS", "TOOK", "BUSY", "NOTE"], [_row(node) for node in shown])]
    if len(tasks) > len(shown):
        lines.append(f"… and {len(tasks) - len(shown)} more: toque runs {tally.run_id}")
    if tally.state is not RunState.SUCCEEDED:
        lines += _failures(tally)
    took = f" in {span(tally.finished_us - tally.started_us)}" if tally.finished_us and tally.started_us else ""
    runs = sum(node.ended for node in tasks)
    lines += ["", f"{tally.pipeline} {state(str(tally.state))}{took}, {runs} task runs  ({tally.run_id})"]
    if tally.state is RunState.FAILED:
        lines += [f"  logs:   toque logs {tally.run_id}", f"  again:  toque retry {tally.run_id}"]
    elif not tally.state.is_terminal:
        lines.append(f"  it is not over: toque resume {tally.run_id}")
    return "\n".join(lines)


def _row(node: TaskTally) -> tuple[str, str, str, str, str, str]:
    took = span(node.last_us - node.first_us) if node.first_us and node.last_us else ""
    busy = span(node.busy_us) if node.is_mapped and node.busy_us else ""
    runs = f"{node.ended}/{node.size if node.size is not None else '?'}" if node.is_mapped or node.size != 1 else ""
    return node.id, str(node.state), runs, took, busy, _note(node)


def _note(node: TaskTally) -> str:
    notes = []
    if node.retries:
        notes.append(f"{node.retries} {'retry' if node.retries == 1 else 'retries'}")
    if node.reused:
        notes.append("reused")
    if node.cached:
        notes.append("cached" if node.cached == node.ended else f"{node.cached} cached")
    failed = node.counts[TaskState.FAILED]
    if node.is_mapped and failed:
        notes.append(f"{failed} failed" + (", tolerated" if node.closed is TaskState.SUCCEEDED else ""))
    if node.note:
        notes.append(node.note)
    return ", ".join(notes)


def _failures(tally: Tally) -> list[str]:
    lines = []
    for key, error in list(tally.failures.items())[:SHOWN_FAILURES]:
        lines += ["", f"✗ {key}  {error.type}: {error.message}"]
        if error.file:
            lines.append(f"  {error.file}:{error.line}")
        lines += [f"  {row}" for row in error.sample[:3]]
    if len(tally.failures) > SHOWN_FAILURES:
        lines += ["", f"… and {len(tally.failures) - SHOWN_FAILURES} more failures"]
    return lines

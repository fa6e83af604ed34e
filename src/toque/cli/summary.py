"""The summary of a finished run: where the time went, what failed and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from toque.cli.output import plain, state, table
from toque.cli.tally import Tally, TaskTally
from toque.cli.times import span
from toque.engine.states import RunState, TaskState

SHOWN_FAILURES = 5
SHOWN_TASKS = 40


def summary(tally: Tally) -> str:
    """Several lines, the first one empty."""
    tasks = [node for node in tally.tasks if node.counts]
    folded = Counter(node.host for node in tasks if _is_folded(node))
    listed = [node for node in tasks if not _is_folded(node)]
    shown = sorted(listed, key=lambda node: (node.first_us or 2**62, node.id))[:SHOWN_TASKS]
    rows = [_row(node, folded[node.id]) for node in shown]
    lines = ["", table(["TASK", "STATE", "RUNS", "TOOK", "BUSY", "NOTE"], rows)]
    if len(listed) > len(shown):
        lines.append(f"… and {len(listed) - len(shown)} more: toque runs {tally.run_id}")
    if tally.state is not RunState.SUCCEEDED:
        lines += _failures(tally)
    took = f" in {span(tally.finished_us - tally.started_us)}" if tally.finished_us and tally.started_us else ""
    runs = sum(node.ended for node in tasks)
    counted = f"{runs} task run" + ("" if runs == 1 else "s")
    lines += ["", f"{tally.pipeline} {state(str(tally.state))}{took}, {counted}  ({tally.run_id})"]
    if tally.state is RunState.FAILED:
        lines += [f"  logs:   toque logs {tally.run_id}", *_ways_on(tally)]
    elif tally.state is RunState.CANCELLED:
        lines.append(f"  go on:  toque retry {tally.run_id}")
    elif not tally.state.is_terminal:
        lines.append(f"  it is not over: toque resume {tally.run_id}")
    return "\n".join(lines)


def _is_folded(node: TaskTally) -> bool:
    """What went well inside of a host, such as each model of a dbt project, is counted there."""
    return bool(node.host) and node.state is TaskState.SUCCEEDED and not node.retries and not node.data.failing


def _row(node: TaskTally, inside: int) -> tuple[str, str, str, str, str, str]:
    took = span(node.last_us - node.first_us) if node.first_us and node.last_us else ""
    busy = span(node.busy_us) if node.is_mapped and node.busy_us else ""
    runs = f"{node.ended}/{node.size if node.size is not None else '?'}" if node.is_mapped or node.size != 1 else ""
    return node.id, plain(node.state), runs, took, busy, _note(node, inside)


def _note(node: TaskTally, inside: int) -> str:
    notes = [f"{inside} succeeded in it"] if inside else []
    if node.retries:
        notes.append(f"{node.retries} {'retry' if node.retries == 1 else 'retries'}")
    if node.reused:
        notes.append("reused" if node.reused == node.ended else f"{node.reused} reused")
    if node.cached:
        notes.append("cached" if node.cached == node.ended else f"{node.cached} cached")
    failed = node.counts[TaskState.FAILED]
    if node.is_mapped and failed:
        notes.append(f"{failed} failed" + (", tolerated" if node.closed is TaskState.SUCCEEDED else ""))
    if told := str(node.data):
        notes.append(told)
    if node.note:
        notes.append(node.note)
    return ", ".join(notes)


def _ways_on(tally: Tally) -> Iterator[str]:
    """What code got wrong it gets wrong again, and a retry runs the code that the run began with."""
    wrong = [key.task.partition("//")[0] for key, error in tally.failures.items() if error.kind == "code"]
    wrong = [task for task in dict.fromkeys(wrong) if not task.endswith("[]")]  # the map as a whole
    if not wrong:
        yield f"  again:  toque retry {tally.run_id}"
        return
    tasks = "".join(f" --from {task}" for task in wrong[:SHOWN_FAILURES])
    yield f"  mended: toque rerun {tally.run_id}{tasks} --new-code"
    yield f"  as is:  toque retry {tally.run_id}"


def _failures(tally: Tally) -> list[str]:
    lines = []
    for key, error in list(tally.failures.items())[:SHOWN_FAILURES]:
        lines += ["", f"✗ {tally.named(str(key))}  {error.said}"]
        if error.file:
            lines.append(f"  {error.file}:{error.line}")
        lines += [f"  {row}" for row in error.sample[:3]]
    if len(tally.failures) > SHOWN_FAILURES:
        lines += ["", f"… and {len(tally.failures) - SHOWN_FAILURES} more failures"]
    return lines

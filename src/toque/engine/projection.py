"""The projection: which rows of the store changed since they were last asked for."""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

from toque.engine.rows import AssetEventRow, AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.state import Run


class Rows(NamedTuple):
    """What the facts since the last drain changed. The rows are the caller's to keep."""

    run: RunRow
    tasks: list[TaskRow]
    attempts: list[AttemptRow]
    steps: list[StepRow]
    events: list[AssetEventRow]


def drain_rows(run: Run) -> Rows:
    """The rows that are dirty, each once, as they are now."""
    # The row of a task run that has ended is never written again: no copy needed.
    tasks = [row if row.state.is_terminal else copy(row) for row in run.dirty.values()]
    rows = Rows(copy(run.row), tasks, run.attempts, run.new_steps, run.new_events)
    run.dirty = {}
    run.attempts = []
    run.new_steps = []
    run.new_events = []
    return rows

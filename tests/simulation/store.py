"""The store, as a model: rows that are there after a commit or not at all, and the log of facts beside them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

from tests.simulation.laws import LogLaws
from toque.engine import facts as f
from toque.engine.projection import Rows
from toque.engine.rows import AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.values import TaskKey


class Unavailable(Exception):
    """The commit did not happen."""


@dataclass
class StoredRun:
    """All rows of one run."""

    run: RunRow
    by_key: dict[TaskKey, TaskRow] = field(default_factory=dict)
    steps: list[StepRow] = field(default_factory=list)
    attempts: dict[tuple[TaskKey, int], AttemptRow] = field(default_factory=dict)
    facts: list[f.AnyFact] = field(default_factory=list)
    laws: LogLaws = field(default_factory=LogLaws)

    @property
    def tasks(self) -> list[TaskRow]:
        """Their rows, as `restore` wants them."""
        return [copy(row) for row in self.by_key.values()]


@dataclass
class Transaction:
    """What one commit writes."""

    rows: dict[str, Rows] = field(default_factory=dict)
    facts: dict[str, list[f.AnyFact]] = field(default_factory=dict)
    acquired: list[tuple[str, TaskKey]] = field(default_factory=list)
    released: list[tuple[str, TaskKey]] = field(default_factory=list)


class Store:
    """Survives every crash."""

    def __init__(self, hosted: frozenset[str] = frozenset()) -> None:
        self._hosted = hosted
        self.runs: dict[str, StoredRun] = {}
        self.held: set[tuple[str, TaskKey]] = set()

    def create(self, row: RunRow) -> None:
        """Insert a queued run."""
        self.runs[row.run_id] = StoredRun(copy(row), laws=LogLaws(self._hosted))

    def commit(self, transaction: Transaction) -> None:
        """Write everything, and hold it against the laws of the log."""
        for run_id, rows in transaction.rows.items():
            stored = self.runs[run_id]
            stored.run = rows.run
            for task in rows.tasks:
                stored.by_key[TaskKey(task.task, task.map_index)] = task
            for attempt in rows.attempts:
                key = TaskKey(attempt.task, attempt.map_index), attempt.attempt
                assert key not in stored.attempts, f"attempt {key} ended twice"
                stored.attempts[key] = attempt
            stored.steps.extend(rows.steps)
        for run_id, facts in transaction.facts.items():
            stored = self.runs[run_id]
            stored.facts.extend(facts)
            for fact in facts:
                stored.laws.hold(fact)
        for slot in transaction.released:
            assert slot in self.held, f"{slot} was given back without having been held"
            self.held.remove(slot)
        for slot in transaction.acquired:
            assert slot not in self.held, f"{slot} was dispatched while it held slots"
            self.held.add(slot)

"""A batch: the decisions of one turn of the loop, and the transaction that makes them true."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from toque.engine.effects import AnyEffect
from toque.engine.facts import AnyFact
from toque.engine.projection import drain_rows
from toque.engine.values import TaskKey
from toque.ports.store import Commit, FactBatch, Hold, OutboxRow
from toque.runtime.owned import OwnedRun


class Batch:
    """Collects facts and effects by run; nothing of it is visible outside before `commit` went through."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.touched: dict[str, OwnedRun] = {}
        self.effects: list[tuple[OwnedRun, AnyEffect]] = []
        self.acquire: list[Hold] = []
        self.release: list[tuple[str, str]] = []
        self.outbox: list[OutboxRow] = []
        self.outbox_done: list[str] = []
        self.commands_done: list[int] = []
        self.written: Commit | None = None
        """The transaction, once it was made."""
        self._facts: dict[str, list[AnyFact]] = {}

    def add(self, owned: OwnedRun, facts: list[AnyFact]) -> None:
        """Facts that the machine of `owned` has just evolved by."""
        run_id = owned.machine.row.run_id
        self.touched[run_id] = owned
        if facts:
            self._facts.setdefault(run_id, []).extend(facts)

    def facts(self) -> Iterator[tuple[OwnedRun, list[AnyFact]]]:
        """What became true, by run."""
        for run_id, facts in self._facts.items():
            yield self.touched[run_id], facts

    @property
    def is_empty(self) -> bool:
        """Nothing to write."""
        return not (self.touched or self.outbox or self.outbox_done or self.commands_done or self.release)

    def to_commit(self, instance: str) -> Commit:
        """The transaction: whole rows of whatever was touched, and the facts that explain them."""
        commit = Commit(
            instance=instance,
            acquire=self.acquire,
            release=self.release,
            outbox=self.outbox,
            outbox_done=self.outbox_done,
            commands_done=self.commands_done,
        )
        for run_id, owned in self.touched.items():
            facts = self._facts.get(run_id, [])
            row = owned.machine.row
            if facts:
                commit.facts.append(
                    FactBatch(run_id=run_id, first_seq=row.fact_seq + 1, at_us=self.now_us, facts=facts)
                )
                row.fact_seq += len(facts)
            rows = drain_rows(owned.machine)
            commit.runs.append(msgspec.structs.replace(row))
            commit.tasks.extend(rows.tasks)
            commit.attempts.extend(rows.attempts)
            commit.steps.extend(rows.steps)
            commit.asset_events.extend(rows.events)
        self.written = commit
        return commit


def holder(run_id: str, key: TaskKey) -> str:
    """Name under which a task run holds slots."""
    return f"{run_id}/{key}"

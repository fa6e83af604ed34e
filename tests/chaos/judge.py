"""The judge: what a disturbed run left, beside what an undisturbed one leaves, and beside what its bodies wrote."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toque.engine import facts as fx
from toque.engine.facts import AnyFact, TaskFact
from toque.engine.rows import RunRow, TaskRow
from toque.engine.states import RunState
from toque.engine.values import TaskKey
from toque.graph import canonical
from toque.local.returned import returned
from toque.ports.store import RunFilter
from toque.settings import Settings
from toque.store import open_store
from toque.store.blobs import open_blobs
from toque.worker import values

ENDS = (fx.Succeeded, fx.Failed, fx.Skipped, fx.UpstreamFailed, fx.Cancelled)
Key = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Left:
    """What a run left, as far as it must not depend on disturbances."""

    state: RunState
    tasks: Mapping[str, tuple[str, Any]]
    """By task run: its state, and its result or error."""
    result: Any


@dataclass(frozen=True)
class Record:
    """A run as the store has it."""

    row: RunRow
    tasks: list[TaskRow]
    facts: list[tuple[int, AnyFact]]
    left: Left


class Books:
    """Reads the store and the journal of one project."""

    def __init__(self, settings: Settings, journal: Path) -> None:
        self._settings = settings
        self._journal = journal
        self._runner = asyncio.Runner()
        self._store = open_store(settings.store_url)
        self._runner.run(self._store.open())

    def close(self) -> None:
        """Let go of the store."""
        self._runner.run(self._store.close())
        self._runner.close()

    def states(self) -> dict[str, RunState]:
        """Of the latest runs."""
        rows = self._runner.run(self._store.list_runs(RunFilter(limit=100)))
        return {row.run_id: row.state for row in rows}

    def pool_usage(self) -> dict[str, int]:
        """Slots that are taken."""
        return self._runner.run(self._store.pool_usage())

    def record(self, run_id: str) -> Record:
        """All about a run."""
        return self._runner.run(self._record(run_id))

    async def _record(self, run_id: str) -> Record:
        stored = await self._store.load_run(run_id)
        assert stored is not None, f"run {run_id} is not in the store"
        version = await self._store.get_version(stored.run.version)
        assert version is not None
        facts = await self._store.load_facts(run_id)
        blobs = open_blobs(self._settings.blobs_url)
        tasks = {str(TaskKey(row.task, row.map_index)): _outcome(row, blobs) for row in stored.tasks}
        result = returned(canonical.decode(version.ir), stored.run, stored.tasks, blobs)
        return Record(stored.run, stored.tasks, facts, Left(stored.run.state, tasks, result))

    def journal(self) -> list[dict[str, Any]]:
        """All lines."""
        return [json.loads(line) for line in self._journal.read_text().splitlines()] if self._journal.exists() else []


def _outcome(row: TaskRow, blobs: Any) -> tuple[str, Any]:
    if row.error is not None:
        return str(row.state), (row.error.type, row.error.message)
    return str(row.state), values.decode(row.result, blobs) if row.result is not None else row.reason


def judge(record: Record, undisturbed: Left, lines: list[dict[str, Any]]) -> list[str]:
    """What is wrong with a run; empty when all is well. `lines` are those of the journal about it."""
    wrong = _compare(record.left, undisturbed)
    wrong += _log(record)
    wrong += _bodies(record, lines)
    return [f"{record.row.pipeline} {record.row.run_id}: {each}" for each in wrong]


def _compare(left: Left, undisturbed: Left) -> list[str]:
    wrong = []
    if left.state != undisturbed.state:
        wrong.append(f"ended as {left.state}, undisturbed as {undisturbed.state}")
    for name in sorted({*left.tasks, *undisturbed.tasks}):
        here, there = left.tasks.get(name), undisturbed.tasks.get(name)
        if here != there:
            wrong.append(f"{name} is {here}, undisturbed {there}")
    if left.result != undisturbed.result:
        wrong.append(f"returned {left.result!r}, undisturbed {undisturbed.result!r}")
    return wrong


def _log(record: Record) -> list[str]:
    """Each task run has one end in the log, the numbers of facts have no hole, the run ends once."""
    wrong = []
    numbers = [number for number, _ in record.facts]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append(f"facts are not numbered without holes: {numbers}")
    ends = Counter(_key(fact) for _, fact in record.facts if isinstance(fact, ENDS))
    wrong += [f"{TaskKey(*key)} has {count} ends in the log" for key, count in ends.items() if count != 1]
    ended = {(row.task, row.map_index) for row in record.tasks if row.state.is_terminal}
    wrong += [f"{TaskKey(*key)} has a row but no end in the log" for key in ended - set(ends)]
    wrong += [f"{TaskKey(*key)} has an end in the log but no ended row" for key in set(ends) - ended]
    finishes = sum(isinstance(fact, fx.RunFinished) for _, fact in record.facts)
    if finishes != 1:
        wrong.append(f"the run has {finishes} ends in the log")
    return wrong


def _bodies(record: Record, lines: list[dict[str, Any]]) -> list[str]:
    """No body began after its outcome was committed; one key for all attempts; no pool was exceeded."""
    wrong = []
    ended_us: dict[Key, int] = {}
    for _, fact in record.facts:
        if isinstance(fact, ENDS):
            ended_us.setdefault(_key(fact), fact.at_us)
    keys: dict[Key, set[str]] = {}
    for line in lines:
        key = line["task"], tuple(line["index"])
        keys.setdefault(key, set()).add(line["key"])
        if line["event"] == "exceeded":
            wrong.append(f"{TaskKey(*key)} found pool {line['pool']} taken: {line['found']} of {line['wanted']} slots")
        if line["event"] == "begin" and line["at_us"] > ended_us.get(key, line["at_us"]):
            wrong.append(f"{TaskKey(*key)} ran again at {line['at_us']}, {ended_us[key]} was its committed end")
    wrong += [f"{TaskKey(*key)} had the idempotency keys {found}" for key, found in keys.items() if len(found) > 1]
    shared = Counter(key for found in keys.values() for key in found)
    wrong += [f"{count} task runs share the idempotency key {key}" for key, count in shared.items() if count > 1]
    return wrong


def _key(fact: AnyFact) -> Key:
    assert isinstance(fact, TaskFact)
    return fact.task, fact.map_index

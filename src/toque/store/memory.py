"""The store for tests and for runs that nobody needs to keep: everything in this process, gone with it.

Rows are kept encoded, so that a row changed after its commit changes nothing here, and so that what a row cannot
carry fails in a unit test already. It is also the reference that the differential test holds the others against:
where it is slow, it is plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from toque.engine import facts as fact_log
from toque.engine.facts import AnyFact
from toque.engine.rows import AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.states import TaskState
from toque.errors import ToqueBug, UserError
from toque.ports.store import (
    CommandRow,
    Commit,
    FactBatch,
    Hold,
    OutboxRow,
    OwnershipLost,
    PoolFull,
    RunFilter,
    StoredRun,
    TaskFilter,
    VersionRow,
)

R = TypeVar("R", bound=msgspec.Struct)
_Slot = tuple[str, str]
"""(pool, holder)"""


class _Rows(Generic[R]):
    """Rows of one type by key, encoded."""

    def __init__(self, kind: type[R]) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self.data: dict[Any, bytes] = {}

    def put(self, key: Any, row: R) -> None:
        self.data[key] = self._encode(row)

    def get(self, key: Any) -> R | None:
        data = self.data.get(key)
        return None if data is None else self._decode(data)

    def all(self) -> list[R]:
        return [self._decode(self.data[key]) for key in sorted(self.data)]


class _Run:
    """What belongs to one run."""

    def __init__(self) -> None:
        self.tasks = _Rows(TaskRow)
        self.attempts = _Rows(AttemptRow)
        self.steps = _Rows(StepRow)
        self.facts: dict[int, bytes] = {}


class _State:
    """The tables."""

    def __init__(self) -> None:
        self._runs = _Rows(RunRow)
        self._parts: dict[str, _Run] = {}
        self._dedups: dict[str, str] = {}
        self._holds: dict[_Slot, tuple[int, str]] = {}
        """(slots, instance)"""
        self._outbox = _Rows(OutboxRow)
        self._commands = _Rows(CommandRow)
        self._counters: dict[str, int] = {}
        self._versions = _Rows(VersionRow)
        self._current: dict[str, str] = {}
        self._last_command = 0
        self._boot = 0
        self._instances: set[str] = set()
        self._wrote = False

    def _all_runs(self) -> list[RunRow]:
        """Newest first."""
        return self._runs.all()[::-1]


class _Commits(_State):
    """Writing what the runtime decided."""

    async def commit(self, batch: Commit) -> None:
        """See `Store.commit`."""
        self._check_owner(batch)
        self._check_facts(batch.facts)
        held = self._slots_after(batch.acquire, batch.release, batch.instance)
        self._holds = held
        for run in batch.runs:
            self._runs.put(run.run_id, run)
            self._parts.setdefault(run.run_id, _Run())
        for task in batch.tasks:
            self._parts[task.run_id].tasks.put((task.task, task.map_index), task)
        for attempt in batch.attempts:
            key = (attempt.task, attempt.map_index, attempt.attempt)
            self._parts[attempt.run_id].attempts.put(key, attempt)
        for step in batch.steps:
            self._parts[step.run_id].steps.put(step.task, step)
        for facts in batch.facts:
            if facts.facts:
                self._parts[facts.run_id].facts[facts.first_seq] = fact_log.encode(facts.facts)
        for message in batch.outbox:
            self._outbox.put(message.dedup, message)
        for dedup in batch.outbox_done:
            self._outbox.data.pop(dedup, None)
        for command in batch.commands_done:
            self._commands.data.pop(command, None)
        for name, amount in batch.counters.items():
            self._counters[name] = self._counters.get(name, 0) + amount

    def _check_owner(self, batch: Commit) -> None:
        touched = {facts.run_id for facts in batch.facts}
        for rows in (batch.runs, batch.tasks, batch.attempts, batch.steps):
            touched.update(row.run_id for row in rows)
        new = {row.run_id for row in batch.runs}
        lost = []
        for run_id in sorted(touched):
            stored = self._runs.get(run_id)
            if not (run_id in new if stored is None else stored.owner == batch.instance):
                lost.append(run_id)
        if lost:
            raise OwnershipLost(lost)

    def _check_facts(self, batches: Sequence[FactBatch]) -> None:
        seen: set[tuple[str, int]] = set()
        for batch in batches:
            key = (batch.run_id, batch.first_seq)
            stored = self._parts[batch.run_id].facts if batch.run_id in self._parts else {}
            if batch.facts and (batch.first_seq in stored or key in seen):
                raise ToqueBug(f"facts {batch.first_seq} of the run {batch.run_id} were written twice")
            seen.add(key)

    def _slots_after(
        self, acquire: Sequence[Hold], release: Iterable[_Slot], instance: str
    ) -> dict[_Slot, tuple[int, str]]:
        after = dict(self._holds)
        for key in release:
            after.pop(key, None)
        for hold in acquire:
            after[hold.pool, hold.holder] = (hold.slots, instance)
        now, wanted = _used(self._holds), _used(after)
        full = {hold.pool: now.get(hold.pool, 0) for hold in acquire if wanted[hold.pool] > hold.limit}
        if full:
            raise PoolFull(full)
        return after

    async def create_run(self, run: RunRow, *, dedup: str = "") -> str:
        """See `Store.create_run`."""
        self._wrote = True
        if dedup in self._dedups:
            return self._dedups[dedup]
        if run.run_id in self._runs.data:
            raise ToqueBug(f"the run id {run.run_id} was drawn twice")
        if dedup:
            self._dedups[dedup] = run.run_id
        self._runs.put(run.run_id, run)
        self._parts[run.run_id] = _Run()
        return run.run_id

    async def adopt(self, instance: str, *, from_instances: Sequence[str], limit: int = 1000) -> list[str]:
        """See `Store.adopt`."""
        gone = set(from_instances) - {"", instance}
        runs = [run for run in self._runs.all() if not run.state.is_terminal and run.owner in {"", *gone}][:limit]
        for run in runs:
            run.owner = instance
            self._runs.put(run.run_id, run)
        self._holds = {key: hold for key, hold in self._holds.items() if hold[1] not in gone}
        return [run.run_id for run in runs]

    async def prune(self, *, before_us: int, keep_last: int, limit: int) -> list[str]:
        """See `Store.prune`."""
        kept: dict[str, int] = {}
        runs = self._all_runs()
        origins = {run.origin_run for run in runs}
        chosen: list[RunRow] = []
        for run in runs:
            kept[run.pipeline] = kept.get(run.pipeline, 0) + 1
            if kept[run.pipeline] <= keep_last or run.run_id in origins:
                continue
            if run.state.is_terminal and 0 < run.finished_us < before_us:
                chosen.append(run)
        chosen.sort(key=lambda run: (run.finished_us, run.run_id))
        pruned = [run.run_id for run in chosen[:limit]]
        for run_id in pruned:
            del self._runs.data[run_id], self._parts[run_id]
        gone = set(pruned)
        self._dedups = {dedup: run_id for dedup, run_id in self._dedups.items() if run_id not in gone}
        for command in self._commands.all():
            if command.run_id in gone:
                del self._commands.data[command.id]
        return pruned


class _Reads(_State):
    """Looking at runs."""

    async def load_run(self, run_id: str) -> StoredRun | None:
        """See `Store.load_run`."""
        run = self._runs.get(run_id)
        if run is None:
            return None
        parts = self._parts[run_id]
        if parts.facts:
            last = max(parts.facts)
            run.fact_seq = max(run.fact_seq, last + len(fact_log.decode(parts.facts[last])) - 1)
        return StoredRun(run=run, tasks=parts.tasks.all(), steps=parts.steps.all())

    async def load_facts(self, run_id: str, after_seq: int = 0) -> list[tuple[int, AnyFact]]:
        """See `Store.load_facts`."""
        stored = self._parts[run_id].facts if run_id in self._parts else {}
        return [
            (seq, fact)
            for first in sorted(stored)
            for seq, fact in enumerate(fact_log.decode(stored[first]), first)
            if seq > after_seq
        ]

    async def list_runs(self, where: RunFilter) -> list[RunRow]:
        """See `Store.list_runs`."""
        found = [
            run
            for run in self._all_runs()
            if (not where.pipeline or run.pipeline == where.pipeline)
            and (not where.states or run.state in where.states)
            and (where.owner is None or run.owner == where.owner)
            and (not where.before or run.run_id < where.before)
        ]
        return found[: where.limit]

    async def list_tasks(self, where: TaskFilter) -> list[TaskRow]:
        """See `Store.list_tasks`."""
        parts = self._parts.get(where.run_id)
        found = [
            task
            for task in (parts.tasks.all() if parts else [])
            if (not where.task or task.task == where.task)
            and (not where.states or task.state in where.states)
            and (where.after is None or (task.task, task.map_index) > where.after)
        ]
        return found[: where.limit]

    async def list_attempts(self, run_id: str, task: str, map_index: tuple[int, ...]) -> list[AttemptRow]:
        """See `Store.list_attempts`."""
        parts = self._parts.get(run_id)
        attempts = parts.attempts.all() if parts else []
        return [row for row in attempts if (row.task, row.map_index) == (task, map_index)]

    async def count_tasks(self, run_id: str) -> dict[str, dict[TaskState, int]]:
        """See `Store.count_tasks`."""
        counts: dict[str, dict[TaskState, int]] = {}
        parts = self._parts.get(run_id)
        for task in parts.tasks.all() if parts else []:
            states = counts.setdefault(task.task, {})
            states[task.state] = states.get(task.state, 0) + 1
        return counts


class _Messages(_State):
    """Versions, commands, the outbox, pools and counters."""

    async def put_version(self, row: VersionRow, *, make_current: bool) -> None:
        """See `Store.put_version`."""
        self._wrote = True
        earlier = self._versions.get(row.version)
        created_us = earlier.created_us if earlier else row.created_us
        self._versions.put(row.version, msgspec.structs.replace(row, created_us=created_us))
        if make_current:
            self._current[row.pipeline] = row.version

    async def get_version(self, version: str) -> VersionRow | None:
        """See `Store.get_version`."""
        return self._versions.get(version)

    async def current_version(self, pipeline: str) -> VersionRow | None:
        """See `Store.current_version`."""
        return self._versions.get(self._current.get(pipeline))

    async def set_current(self, pipeline: str, version: str, *, actor: str, now_us: int) -> None:
        """See `Store.set_current`."""
        row = self._versions.get(version)
        if row is None or row.pipeline != pipeline:
            raise UserError(f"pipeline {pipeline!r} has no version {version!r}", fix=f"see `toque versions {pipeline}`")
        self._wrote = True
        self._current[pipeline] = version

    async def list_versions(self, pipeline: str = "", limit: int = 50) -> list[VersionRow]:
        """See `Store.list_versions`."""
        rows = [row for row in self._versions.all() if not pipeline or row.pipeline == pipeline]
        rows.sort(key=lambda row: (row.created_us, row.version), reverse=True)
        return [row if pipeline else msgspec.structs.replace(row, ir=b"") for row in rows[:limit]]

    async def put_command(self, row: CommandRow) -> int:
        """See `Store.put_command`."""
        self._wrote = True
        self._last_command += 1
        self._commands.put(self._last_command, msgspec.structs.replace(row, id=self._last_command))
        return self._last_command

    async def list_commands(self, instance: str) -> list[CommandRow]:
        """See `Store.list_commands`."""
        owned = {run.run_id for run in self._runs.all() if run.owner == instance}
        return [command for command in self._commands.all() if command.run_id in owned]

    async def list_outbox(self, due_us: int, limit: int = 100) -> list[OutboxRow]:
        """See `Store.list_outbox`."""
        due = [message for message in self._outbox.all() if message.due_us <= due_us]
        return sorted(due, key=lambda message: (message.due_us, message.dedup))[:limit]

    async def pool_usage(self) -> dict[str, int]:
        """See `Store.pool_usage`."""
        return _used(self._holds)

    async def counters(self) -> dict[str, int]:
        """See `Store.counters`."""
        return dict(self._counters)


class MemoryStore(_Commits, _Reads, _Messages):
    """See `Store`. One process; its instances are alive while it is."""

    kind = "memory"

    async def open(self) -> None:
        """See `Store.open`."""

    async def close(self) -> None:
        """See `Store.close`. What was stored stays readable, so that a test may open it again."""
        self._instances.clear()

    async def new_boot(self, instance: str, *, pid: int, host: str, role: str, now_us: int) -> int:
        """See `Store.new_boot`."""
        self._instances.add(instance)
        self._boot += 1
        return self._boot

    async def renew(self, instance: str, now_us: int, lease_s: float) -> None:
        """See `Store.renew`."""
        self._instances.add(instance)

    async def dead_instances(self) -> list[str]:
        """See `Store.dead_instances`."""
        owners = {run.owner for run in self._runs.all() if not run.state.is_terminal}
        owners |= {instance for _, instance in self._holds.values()}
        return sorted(owners - self._instances - {""})

    def lose(self, instance: str) -> None:
        """Play the death of the process of `instance` (simulator)."""
        self._instances.discard(instance)

    async def changed(self) -> bool:
        """See `Store.changed`."""
        wrote, self._wrote = self._wrote, False
        return wrote


def _used(holds: dict[_Slot, tuple[int, str]]) -> dict[str, int]:
    used: dict[str, int] = {}
    for (pool, _), (slots, _) in holds.items():
        used[pool] = used.get(pool, 0) + slots
    return used

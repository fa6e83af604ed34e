"""What writes runs: commits, creation, adoption, retention."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toque.engine import facts as fact_log
from toque.engine.rows import RunRow
from toque.errors import ToqueBug
from toque.ports.store import Commit, FactBatch, Hold, OwnershipLost, PoolFull
from toque.store.memory.assets import told
from toque.store.memory.tables import RunParts, Slot, Tables, slots_by_pool


class Commits(Tables):
    """Writing what the runtime decided."""

    async def commit(self, batch: Commit) -> None:
        """See `Store.commit`."""
        self._check_owner(batch)
        self._check_facts(batch.facts)
        held = self._slots_after(batch.acquire, batch.release, batch.instance)
        self._holds = held
        for run in batch.runs:
            self._runs.put(run.run_id, run)
            self._parts.setdefault(run.run_id, RunParts())
        for task in batch.tasks:
            self._parts[task.run_id].tasks.put((task.task, task.map_index), task)
        for attempt in batch.attempts:
            key = (attempt.task, attempt.map_index, attempt.attempt)
            self._parts[attempt.run_id].attempts.put(key, attempt)
        for step in batch.steps:
            self._parts[step.run_id].steps.put(step.task, step)
        told(self, batch.asset_events)
        for facts in batch.facts:
            if facts.facts:
                self._parts[facts.run_id].facts[facts.first_seq] = fact_log.encode(facts.facts)
        for message in batch.outbox:
            self.outbox.put(message.dedup, message)
        for dedup in batch.outbox_done:
            self.outbox.data.pop(dedup, None)
        for command in batch.commands_done:
            self._commands.data.pop(command, None)
        for name, amount in batch.counters.items():
            self._counters[name] = self._counters.get(name, 0) + amount

    def _check_owner(self, batch: Commit) -> None:
        touched = {facts.run_id for facts in batch.facts}
        for rows in (batch.runs, batch.tasks, batch.attempts, batch.steps, batch.asset_events):
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
        self, acquire: Sequence[Hold], release: Iterable[Slot], instance: str
    ) -> dict[Slot, tuple[int, str]]:
        after = dict(self._holds)
        for key in release:
            after.pop(key, None)
        for hold in acquire:
            after[hold.pool, hold.holder] = (hold.slots, instance)
        now, wanted = slots_by_pool(self._holds), slots_by_pool(after)
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
        self._parts[run.run_id] = RunParts()
        return run.run_id

    async def adopt(self, instance: str, *, from_instances: Sequence[str], limit: int = 1000) -> list[str]:
        """See `Store.adopt`."""
        gone = set(from_instances) - {"", instance}
        runs = [run for run in self._runs.all() if not run.state.is_terminal and run.owner in {"", *gone}][:limit]
        for run in runs:
            run.owner = instance
            self._runs.put(run.run_id, run)
        for (pool, holder), (slots, _) in list(self._holds.items()):
            if any(holder == run.run_id for run in runs):
                self._holds[pool, holder] = slots, instance
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
        self._pruned += [(run, len(self._parts[run.run_id].tasks.data)) for run in chosen[:limit]]
        for run_id in pruned:
            del self._runs.data[run_id], self._parts[run_id]
        gone = set(pruned)
        self._dedups = {dedup: run_id for dedup, run_id in self._dedups.items() if run_id not in gone}
        for key in [key for key in self.asset_events.data if key[0] in gone]:
            del self.asset_events.data[key]
        for command in self._commands.all():
            if command.run_id in gone:
                del self._commands.data[command.id]
        return pruned

"""Schedules and ticks in memory: the model that the databases are held against."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toque.engine.states import RunState, TickOutcome
from toque.ports.store import VersionRow
from toque.ports.triggers import Change, Recorded, ScheduleFilter, ScheduleRow, TickRow, TickSeen
from toque.store.memory.backfills import MemoryBackfills, insert_run
from toque.store.memory.tables import Rows, Tables


class MemoryTriggers:
    """See `Triggers`."""

    def __init__(self, tables: Tables, backfills: MemoryBackfills) -> None:
        self._tables = tables
        self._backfills = backfills
        self._schedules = Rows(ScheduleRow)
        self._ticks = Rows(TickRow)
        self._revision = 0

    async def revision(self) -> int:
        """See `Triggers.revision`."""
        return self._revision

    async def unsynced(self, limit: int = 100) -> list[VersionRow]:
        """See `Triggers.unsynced`."""
        tables = self._tables
        found = [
            tables._versions.get(version)
            for pipeline, version in sorted(tables._current.items())
            if tables._synced.get(pipeline) != version
        ]
        return [row for row in found if row is not None][:limit]

    async def get_schedule(self, id: str) -> ScheduleRow | None:  # noqa: A002
        """See `Triggers.get_schedule`."""
        return self._schedules.get(id)

    async def list_schedules(self, where: ScheduleFilter) -> list[ScheduleRow]:
        """See `Triggers.list_schedules`."""
        found = [
            row
            for row in self._schedules.all()
            if (not where.pipeline or row.pipeline == where.pipeline)
            and (not where.since_revision or row.revision > where.since_revision)
            and (not where.due_before_us or 0 < row.next_due_us < where.due_before_us)
            and (not row.retired or where.retired or where.since_revision)
            and (not where.after or row.id > where.after)
        ]
        if where.due_before_us:
            found.sort(key=lambda row: (row.next_due_us, row.id))
        return found[: where.limit]

    async def record(
        self, changes: Sequence[Change], *, synced: tuple[str, str] | None = None, tell: bool = False
    ) -> Recorded:
        """See `Triggers.record`."""
        now = {change.after.id: self._schedules.get(change.after.id) for change in changes}
        good = [change for change in changes if _is_as_seen(change.before, now[change.after.id])]
        if tell or any(change.tell for change in good):
            self._revision += 1
        done = Recorded()
        for change in changes:
            if change not in good:
                done.refused[change.after.id] = now[change.after.id]
                continue
            revision = self._revision if change.tell else change.after.revision
            self._schedules.put(change.after.id, msgspec.structs.replace(change.after, revision=revision))
            done.known += self._add_ticks(change)
        if synced is not None and not done.refused and self._tables._current.get(synced[0]) == synced[1]:
            self._tables._synced[synced[0]] = synced[1]
        return done

    def _add_ticks(self, change: Change) -> list[str]:
        runs = {run.run_id: run for run in change.runs}
        for tick in change.ticks:
            key = (tick.schedule, tick.at_us)
            if self._ticks.get(key) is None:
                self._ticks.put(key, tick)
                if tick.run_id in runs:
                    insert_run(self._tables, runs.pop(tick.run_id), f"schedule:{tick.schedule}:{tick.at_us}")
        return [*runs]

    async def list_ticks(self, schedule: str, *, before_us: int = 0, limit: int = 50) -> list[TickSeen]:
        """See `Triggers.list_ticks`."""
        found = [
            tick
            for tick in self._ticks.all()[::-1]
            if tick.schedule == schedule and (not before_us or tick.at_us < before_us)
        ]
        return [self._seen(tick) for tick in found[:limit]]

    def _seen(self, tick: TickRow) -> TickSeen:
        run = self._tables._runs.get(tick.run_id)
        if run is None:
            return TickSeen(tick=tick)
        began = run.state is not RunState.CANCELLED or run.started_us > 0
        return TickSeen(tick=tick, run_state=run.state, run_reason=run.reason, was_admitted=began)

    async def list_missed(self, *, since_us: int, limit: int = 50) -> list[TickRow]:
        """See `Triggers.list_missed`."""
        found = [
            tick
            for tick in self._ticks.all()
            if tick.outcome is not TickOutcome.STARTED and tick.recorded_us >= since_us
        ]
        found.sort(key=lambda tick: (tick.recorded_us, tick.schedule, tick.at_us), reverse=True)
        return found[:limit]

    async def prune_ticks(self, *, before_us: int, keep_last: int) -> int:
        """See `Triggers.prune_ticks`."""
        kept: dict[str, int] = {}
        old: list[tuple[str, int]] = []
        for tick in self._ticks.all()[::-1]:
            kept[tick.schedule] = kept.get(tick.schedule, 0) + 1
            if tick.at_us < before_us and kept[tick.schedule] > max(1, keep_last):
                old.append((tick.schedule, tick.at_us))
        for key in old:
            del self._ticks.data[key]
        return len(old) + self._backfills.prune(before_us)


def _is_as_seen(seen: ScheduleRow | None, now: ScheduleRow | None) -> bool:
    if seen is None or now is None:
        return seen is now
    return (seen.revision, seen.cursor_us) == (now.revision, now.cursor_us)

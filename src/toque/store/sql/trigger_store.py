"""The ports `Triggers` and `Backfills` over a database: each method is one operation in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from toque.engine.rows import RunRow
from toque.engine.states import RunState, SliceState
from toque.ports.backfills import BackfillRow, BackfillSlice, SliceQuery
from toque.ports.store import VersionRow
from toque.ports.triggers import Change, Recorded, ScheduleFilter, ScheduleRow, TickRow, TickSeen
from toque.store.sql import backfills, triggers
from toque.store.sql.session import Database

PAGE = 1000


class SqlTriggers:
    """See `Triggers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self) -> int:
        """See `Triggers.revision`."""
        return await self._database.read(triggers.revision)

    async def unsynced(self, limit: int = 100) -> list[VersionRow]:
        """See `Triggers.unsynced`."""
        return await self._database.read(lambda session: triggers.unsynced(session, limit))

    async def get_schedule(self, id: str) -> ScheduleRow | None:  # noqa: A002
        """See `Triggers.get_schedule`."""
        return await self._database.read(lambda session: triggers.get_schedule(session, id))

    async def list_schedules(self, where: ScheduleFilter) -> list[ScheduleRow]:
        """See `Triggers.list_schedules`."""
        return await self._database.read(lambda session: triggers.list_schedules(session, where))

    async def record(
        self, changes: Sequence[Change], *, synced: tuple[str, str] | None = None, tell: bool = False
    ) -> Recorded:
        """See `Triggers.record`."""
        return await self._database.write(
            lambda session: triggers.record(session, changes, synced, tell),
            tell=any(change.runs for change in changes),
        )

    async def list_ticks(self, schedule: str, *, before_us: int = 0, limit: int = 50) -> list[TickSeen]:
        """See `Triggers.list_ticks`."""
        return await self._database.read(lambda session: triggers.list_ticks(session, schedule, before_us, limit))

    async def list_missed(self, *, since_us: int, limit: int = 50) -> list[TickRow]:
        """See `Triggers.list_missed`."""
        return await self._database.read(lambda session: triggers.list_missed(session, since_us, limit))

    async def prune_ticks(self, *, before_us: int, keep_last: int) -> int:
        """See `Triggers.prune_ticks`. Each schedule is its own transaction, so that commits pass between them."""
        pruned = await self._database.write(lambda session: backfills.prune(session, before_us))
        after = ""
        while page := await self.list_schedules(ScheduleFilter(retired=True, after=after, limit=PAGE)):
            for row in page:
                pruned += await self._database.write(
                    lambda session, of=row.id: triggers.prune_ticks(session, of, before_us, keep_last)  # type: ignore[misc]
                )
            after = page[-1].id
        return pruned


class SqlBackfills:
    """See `Backfills`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, row: BackfillRow, slices: Sequence[BackfillSlice] = ()) -> None:
        """See `Backfills.create`."""
        await self._database.write(lambda session: backfills.create(session, row, slices))

    async def get(self, id: str) -> BackfillRow | None:  # noqa: A002
        """See `Backfills.get`."""
        return await self._database.read(lambda session: backfills.get(session, id))

    async def list_backfills(self, *, pipeline: str = "", limit: int = 50, before: str = "") -> list[BackfillRow]:
        """See `Backfills.list_backfills`."""
        return await self._database.read(lambda session: backfills.list_backfills(session, pipeline, limit, before))

    async def running(self) -> list[BackfillRow]:
        """See `Backfills.running`."""
        return await self._database.read(backfills.running)

    async def advance(
        self, row: BackfillRow, runs: Sequence[RunRow] = (), slices: Sequence[BackfillSlice] = ()
    ) -> bool:
        """See `Backfills.advance`."""
        return await self._database.write(
            lambda session: backfills.advance(session, row, runs, slices), tell=bool(runs)
        )

    async def progress(self, id: str) -> dict[RunState, int]:  # noqa: A002
        """See `Backfills.progress`."""
        return await self._database.read(lambda session: backfills.progress(session, id))

    async def unfinished(self, id: str, limit: int = 1000) -> list[str]:  # noqa: A002
        """See `Backfills.unfinished`."""
        return await self._database.read(lambda session: backfills.unfinished(session, id, limit))

    async def slices(self, id: str, where: SliceQuery) -> list[BackfillSlice]:  # noqa: A002
        """See `Backfills.slices`."""
        return await self._database.browse(lambda session: backfills.slices(session, id, where))

    async def slice_counts(self, id: str) -> dict[SliceState, int]:  # noqa: A002
        """See `Backfills.slice_counts`."""
        return await self._database.browse(lambda session: backfills.slice_counts(session, id))

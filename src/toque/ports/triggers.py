"""What starts runs by itself, as it is kept: schedules and what became of their ticks.

A schedule row is changed by compare and set: whoever decides a tick, pauses or re-reads a schedule says what it saw,
and is refused if somebody else has changed the row since. So a tick is decided by exactly one of any number of
servers, and a pause that was answered holds from that instant on, whatever a server has in its memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import RunState, TickOutcome
from toque.ports.store import VersionRow


class ScheduleRow(msgspec.Struct, kw_only=True):
    """A schedule of the current version of a pipeline, and how far it has been decided."""

    id: str
    """`pipeline/name`."""
    pipeline: str
    name: str
    version: str
    """The pipeline version that it was read from, and that its runs are pinned to."""
    cursor_us: int
    """Every tick up to this instant has an outcome, or none was ever due."""
    next_at_us: int = 0
    """The next tick; 0: there is none."""
    next_due_us: int = 0
    """When it is to be decided: the tick and its jitter."""
    paused: bool = False
    retired: bool = False
    """No longer in the current version. Kept, so that it is still paused if it comes back."""
    revision: int = 0
    """Drawn by the store whenever the row changes otherwise than by a decided tick."""
    resumed_us: int = 0
    """When the last pause ended: ticks before that are skipped, not caught up."""
    changed_us: int = 0
    actor: str = ""
    """Who paused or resumed it last."""
    definition: bytes = b""
    """The `Schedule` of the graph, as JSON."""


BY_PAUSE = "paused"
"""The reason of ticks that a pause skipped: exactly this word, so that what somebody wanted is told from an outage."""


class TickRow(msgspec.Struct, kw_only=True):
    """What became of one tick. Long rows of ticks with the same fate are one row: `count` of them from `first_us`
    to `at_us`."""

    schedule: str
    at_us: int
    outcome: TickOutcome
    recorded_us: int
    reason: str = ""
    run_id: str = ""
    start_us: int = 0
    end_us: int = 0
    """The data interval."""
    due_us: int = 0
    count: int = 1
    first_us: int = 0
    """The first of them; 0 for a single one."""

    @property
    def is_by_pause(self) -> bool:
        """Skipped because somebody paused the schedule."""
        return self.outcome is TickOutcome.SKIPPED and self.reason == BY_PAUSE


class TickSeen(msgspec.Struct, kw_only=True):
    """A tick, and where its run stands (None: it has none, or it was pruned)."""

    tick: TickRow
    run_state: RunState | None = None
    run_reason: str = ""
    was_admitted: bool = True
    """False: its run ended without having started, `run_reason` says why (an overlap policy, a person)."""


class Change(msgspec.Struct, kw_only=True):
    """A schedule as it was seen, as it is to be, and what goes with that: written together, or not at all."""

    before: ScheduleRow | None
    """None: there was no such row."""
    after: ScheduleRow
    ticks: list[TickRow] = []
    runs: list[RunRow] = []
    """Of those ticks that start one; queued, owned by whoever writes."""
    tell: bool = False
    """Other servers must read the row again: it gets a new revision."""


class Recorded(msgspec.Struct, kw_only=True):
    """What `Triggers.record` did."""

    refused: dict[str, ScheduleRow | None] = {}
    """By schedule: the row as it is, since it is not what the caller saw."""
    known: list[str] = []
    """Ids of given runs that were not written: their ticks had an outcome already."""


class ScheduleFilter(msgspec.Struct, kw_only=True):
    """Which schedules a listing wants, ordered by id; `after` continues."""

    pipeline: str = ""
    since_revision: int = 0
    """Only those with a later revision (retired ones too)."""
    due_before_us: int = 0
    """Only those whose next tick is due before this; ordered by that time, not by id; not with `after`."""
    retired: bool = False
    """Those of no current version as well."""
    limit: int = 1000
    after: str = ""


class Triggers(Protocol):
    """Schedules and ticks (`store.triggers`)."""

    async def revision(self) -> int:
        """Grows with each change that servers must know of. Cheap."""
        ...

    async def unsynced(self, limit: int = 100) -> list[VersionRow]:
        """Current versions whose schedules are not the rows of their pipeline yet. Cheap while there are none."""
        ...

    async def get_schedule(self, id: str) -> ScheduleRow | None: ...  # noqa: A002

    async def list_schedules(self, where: ScheduleFilter) -> list[ScheduleRow]: ...

    async def record(
        self, changes: Sequence[Change], *, synced: tuple[str, str] | None = None, tell: bool = False
    ) -> Recorded:
        """One transaction: each change whose `before` is still what the store has; its ticks that have no outcome
        yet; the runs of those. `synced` (pipeline, version): those rows are what the version says, if all went well
        and it is still current. Raises `StoreUnavailable`."""
        ...

    async def list_ticks(self, schedule: str, *, before_us: int = 0, limit: int = 50) -> list[TickSeen]:
        """Newest first; `before_us` continues."""
        ...

    async def list_missed(self, *, since_us: int, limit: int = 50) -> list[TickRow]:
        """Ticks of all schedules that were not started, recorded since then; newest first."""
        ...

    async def prune_ticks(self, *, before_us: int, keep_last: int) -> int:
        """Delete ticks before an instant but the newest of each schedule, and ended backfills of that age; returns
        how many."""
        ...

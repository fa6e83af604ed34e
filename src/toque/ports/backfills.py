"""Backfills as they are kept: durable plans of many runs, and how far each is.

| of | one run for each | planned as |
|---|---|---|
| a schedule | tick in a span of time | a cursor over the ticks |
| assets | partition, or range of partitions, stage by stage | a `BackfillSlice` each |

A plan is changed by compare and set of its `revision`, so that several servers carry it out together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import BackfillState, RunState, SliceState
from toque.graph.partitions import AnyPartitioning


class BackfillStage(msgspec.Struct, frozen=True, kw_only=True):
    """Assets that are cut alike, and made by one run of a version. A stage begins when those before it have ended."""

    version: str
    assets: tuple[str, ...]
    partitions: AnyPartitioning | None = None
    total: int = 0
    """Slices."""


class BackfillRow(msgspec.Struct, kw_only=True):
    """A durable plan: one run for each tick of a schedule in [from, to), or for each slice of some assets."""

    id: str
    pipeline: str
    schedule: str
    """Name of the schedule; "" for assets."""
    version: str
    """Its runs are pinned to it. Of assets: that of the first stage."""
    state: BackfillState
    from_us: int
    to_us: int
    max_active: int
    reverse: bool = False
    total: int
    started: int = 0
    cursor_us: int = 0
    """The tick that was started last; 0: none."""
    created_us: int
    finished_us: int = 0
    actor: str = ""
    reason: str = ""
    revision: int = 0
    """Grows with each write: compare and set."""
    definition: bytes = b""
    """The schedule as it was when the plan was made, so that the plan never changes under way."""
    succeeded: int = 0
    failed: int = 0
    """Of its ended runs, cancelled ones included. Counted from the runs while it runs, kept when it has ended."""
    paused: bool = False
    """It is under way, and starts nothing until it is resumed."""
    selection: str = ""
    """Of assets: what was selected."""
    partitions: str = ""
    """As they were selected."""
    strategy: str = ""
    """`per_key`, `ranges(7)`, `single_run`."""
    stages: tuple[BackfillStage, ...] = ()
    """Of assets; () for a schedule."""
    only_stale: bool = False
    """Each slice is looked at again before its run would start: what is fresh by then is not made."""
    rounds: int = 0
    """How often what failed was tried again."""
    skipped: int = 0
    """Slices that were held back, since what they are made from could not be made."""
    fresh: int = 0


class BackfillSlice(msgspec.Struct, kw_only=True):
    """One run of a backfill of assets, before, while and after it is."""

    backfill: str
    n: int
    """Its place in the plan."""
    state: SliceState
    stage: int
    partition: str = ""
    """Of the run: a key, or the first and last of a range, `2026-01-01..2026-01-07`; "" where nothing is cut."""
    count: int = 1
    """Partitions."""
    run_id: str = ""
    """The last one."""
    error: str = ""
    """In one line: why it failed, or was held back."""


class SliceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which slices of a backfill, in the order of the plan."""

    states: tuple[SliceState, ...] = ()
    """() for all."""
    after: int = -1
    limit: int = 1000


class Backfills(Protocol):
    """Backfills (`store.backfills`)."""

    async def create(self, row: BackfillRow, slices: Sequence[BackfillSlice] = ()) -> None:
        """A new plan, with what it will do."""
        ...

    async def get(self, id: str) -> BackfillRow | None:  # noqa: A002
        """With the counts as they are now."""
        ...

    async def list_backfills(self, *, pipeline: str = "", limit: int = 50, before: str = "") -> list[BackfillRow]:
        """Newest first."""
        ...

    async def running(self) -> list[BackfillRow]:
        """Those under way, paused ones too. Cheap while there are none."""
        ...

    async def advance(
        self, row: BackfillRow, runs: Sequence[RunRow] = (), slices: Sequence[BackfillSlice] = ()
    ) -> bool:
        """One transaction: the row, if its revision is still `row.revision`, with `runs` (queued, owned by whoever
        writes) and slices as they are from now on. False: somebody else was quicker, nothing was written."""
        ...

    async def progress(self, id: str) -> dict[RunState, int]:  # noqa: A002
        """Its runs by state."""
        ...

    async def unfinished(self, id: str, limit: int = 1000) -> list[str]:  # noqa: A002
        """Ids of its runs that have not ended."""
        ...

    async def slices(self, id: str, where: SliceQuery) -> list[BackfillSlice]:  # noqa: A002
        """Of a backfill of assets."""
        ...

    async def slice_counts(self, id: str) -> dict[SliceState, int]:  # noqa: A002
        """Of a backfill of assets, from an index alone."""
        ...

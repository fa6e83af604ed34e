"""Backfills: plans of many runs, what each does, and how far it is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from toque.api.wire.model import Text, TimeUs, Wire
from toque.api.wire.schedules import Tick
from toque.engine.states import SliceState

CELLS = ".rmfkec"
"""waiting, running, made, failed, held back, fresh, cancelled."""


class BackfillRequest(Wire):
    """Run a schedule's ticks of a range again (or for the first time)."""

    schedule: Text = ""
    """Name of the schedule within the pipeline; "" when it has only one."""
    from_us: TimeUs
    to_us: TimeUs
    max_active: int = Field(default=1, ge=1, le=1000)
    dry_run: bool = False
    reverse: bool = False
    reason: Text = ""


class MaterializeRequest(Wire):
    """Make slices of assets."""

    selection: Text
    """`marts.*`, `+revenue`, `revenue+`, `group:marts`, several with spaces."""
    partitions: Text = ""
    """`all`, a key, `2026-01..2026-03`, several with commas. Of assets that are cut; "" where none is."""
    missing: bool = False
    """Only what was never made."""
    failed: bool = False
    """Only what failed, or was held back, in a backfill and was not made since."""
    stale: bool = False
    """Only what would be made differently now."""
    strategy: Text = "per_key"
    """`per_key`, `ranges(7)` or `single_run`."""
    max_active: int = Field(default=2, ge=1, le=1000)
    reason: Text = ""
    dry_run: bool = False


class BackfillStage(Wire):
    """Assets that one run makes. A stage begins when those before it have ended."""

    assets: list[str]
    total: int
    """Slices."""


class BackfillSlice(Wire):
    """One run of a backfill of assets."""

    n: int
    """Its place in the plan."""
    stage: int
    partition: str
    """A key, or the first and last of a range: `2026-01-01..2026-01-07`; "" where nothing is cut."""
    count: int
    """Partitions."""
    state: SliceState
    run_id: str
    """The last one; "" before the first."""
    error: str
    """In one line: why it failed, or was held back."""


class Backfill(Wire):
    """A durable plan of many runs: one for each tick of a schedule in a span of time, or for each slice of assets."""

    id: str
    pipeline: str
    schedule: str
    """Its name; "" for assets."""
    from_us: int
    to_us: int
    max_active: int
    reverse: bool
    created_us: int
    finished_us: int
    actor: str
    reason: str
    total: int
    started: int
    succeeded: int
    failed: int
    state: Literal["planned", "running", "succeeded", "failed", "cancelled"]
    """`planned`: a dry run."""
    slices: list[Tick]
    """Of a dry run of a schedule: what it would start, at most 1,000."""
    paused: bool
    selection: str
    """Of assets: what was selected; "" for a schedule."""
    partitions: str
    strategy: str
    stages: list[BackfillStage]
    skipped: int
    """Slices that were held back, since what they are made from could not be made."""
    fresh: int
    """Slices that need not be made after all."""
    rounds: int
    """How often what failed was tried again."""
    planned: list[BackfillSlice]
    """Of a dry run of assets: at most 1,000."""


class AssetCells(Wire):
    """The slices of one asset in a backfill."""

    asset: str
    cells: str
    """One character for each key: `.` waiting, r running, m made, f failed, k held back, e fresh already,
    c cancelled."""


class StageMatrix(Wire):
    """A stage of a backfill, slice by slice."""

    keys: list[str]
    """Partitions, in order; `[""]` where nothing is cut."""
    rows: list[AssetCells]


class BackfillMatrix(Wire):
    """Where every slice of a backfill of assets stands."""

    stages: list[StageMatrix]


class DynamicPartitions(Wire):
    """Partitions that come to be by being added."""

    name: str
    keys: list[str]
    """In the order of their coming."""


class AddPartitions(Wire):
    """Keys that come to be."""

    keys: list[Text] = Field(min_length=1, max_length=10_000)

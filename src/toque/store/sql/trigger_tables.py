"""The tables of what starts runs by itself."""

from __future__ import annotations

from toque.engine.states import BackfillState, SliceState, TickOutcome
from toque.ports.backfills import BackfillRow, BackfillSlice
from toque.ports.triggers import ScheduleRow, TickRow
from toque.store.sql.declared import Column, Index, Table

DUE = "next_due_us > 0"
"""Of schedules. Text of the partial index `schedules_due`: paused and retired ones are never due."""
NOT_STARTED = "outcome <> 'started'"
"""Of ticks. Text of the partial index `ticks_not_started`."""
RUNNING = "state = 'running'"
"""Of backfills. Text of the partial index `backfills_running`."""

SCHEDULES = Table(
    name="schedules",
    key=("id",),
    row=ScheduleRow,
    clustered=False,
    columns=(
        Column("id"),
        Column("pipeline"),
        Column("version"),
        Column("cursor_us", "int"),
        Column("next_at_us", "int"),
        Column("next_due_us", "int"),
        Column("paused", "bool"),
        Column("retired", "bool"),
        Column("revision", "int"),
        Column("rest", "bytes"),
    ),
    indexes=(
        Index("schedules_by_pipeline", ("pipeline", "id")),
        Index("schedules_by_revision", ("revision",)),
        Index("schedules_due", ("next_due_us", "id"), where=DUE),
    ),
)

TICKS = Table(
    name="ticks",
    key=("schedule", "at_us"),
    row=TickRow,
    columns=(
        Column("schedule"),
        Column("at_us", "int"),
        Column("outcome", enum=TickOutcome),
        Column("recorded_us", "int"),
        Column("run_id"),
        Column("rest", "bytes"),
    ),
    indexes=(Index("ticks_not_started", ("recorded_us", "schedule", "at_us"), where=NOT_STARTED),),
)

BACKFILLS = Table(
    name="backfills",
    key=("id",),
    row=BackfillRow,
    clustered=False,
    columns=(
        Column("id"),
        Column("pipeline"),
        Column("state", enum=BackfillState),
        Column("revision", "int"),
        Column("rest", "bytes"),
    ),
    indexes=(
        Index("backfills_by_pipeline", ("pipeline", "id")),
        Index("backfills_running", ("id",), where=RUNNING),
    ),
)

BACKFILL_SLICES = Table(
    name="backfill_slices",
    key=("backfill", "n"),
    row=BackfillSlice,
    columns=(
        Column("backfill"),
        Column("n", "int"),
        Column("state", enum=SliceState),
        Column("rest", "bytes"),
    ),
    indexes=(Index("backfill_slices_by_state", ("backfill", "state", "n")),),
)

"""The tables, declared once. DDL, statements, row codecs and the metadata for migrations derive from this file.

It is plain data and not SQLAlchemy because importing SQLAlchemy takes longer than a whole `toque run` may
(ADR 0001). Three rules hold for every table: no column is NULL; a field of a row that no query looks at is not
a column but part of `rest` (msgpack); what a state may be comes from the enums of the engine.
"""

from __future__ import annotations

from toque.engine.rows import AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.states import RUN_TERMINAL, AttemptOutcome, RunState, TaskState
from toque.ports.store import CommandRow, OutboxRow, VersionRow
from toque.store.sql.asset_tables import (
    ASSET_EVENTS,
    ASSET_SLICES,
    AUTOMATIONS,
    DECISIONS,
    DYNAMIC_KEYS,
    FAILING_SLICES,
)
from toque.store.sql.declared import Column, Index, Table
from toque.store.sql.history_tables import RUN_COUNTS, RUN_SUMMARIES, RUN_WORDS
from toque.store.sql.trigger_tables import BACKFILL_SLICES, BACKFILLS, SCHEDULES, TICKS

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every schema revision, oldest first; the last one is what this Toque reads and writes."""


def states_in(column: str, states: frozenset[RunState] | frozenset[TaskState]) -> str:
    """`column IN ('…', …)`, always spelt the same: a query must repeat the text of a partial index to use it."""
    return f"{column} IN ({', '.join(repr(state.value) for state in sorted(states))})"


UNFINISHED = states_in("state", frozenset(RunState) - RUN_TERMINAL)
"""Of runs. Text of the partial index `runs_unfinished`."""
ENDED = "finished_us > 0"
"""Of runs. Text of the partial index `runs_ended`; by time, since SQLite would prefer `runs_by_state` for states."""
LONG_US = 86_400_000_000
"""A day."""
LONG = f"started_us > 0 AND finished_us - started_us > {LONG_US}"
"""Of runs that have ended. Text of the partial index `runs_long`: those that a range of their ends would miss."""
UNSYNCED = "synced <> version"
"""Of current versions. Text of the partial index `current_versions_unsynced`."""
TROUBLED_STATES = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED})
TROUBLED = states_in("state", TROUBLED_STATES)
"""Of task runs: what a person looks for first. Text of the partial index `tasks_troubled`."""

_REST = Column("rest", "bytes")

RUNS = Table(
    name="runs",
    key=("run_id",),
    row=RunRow,
    clustered=False,
    columns=(
        Column("run_id"),
        Column("pipeline"),
        Column("version"),
        Column("state", enum=RunState),
        Column("created_us", "int"),
        Column("started_us", "int"),
        Column("finished_us", "int"),
        Column("logical_us", "int"),
        Column("partition_key"),
        Column("backfill_id"),
        Column("origin_run"),
        Column("priority", "int"),
        Column("owner"),
        Column("fact_seq", "int"),
        Column("dedup", default="", frozen=True),
        _REST,
        Column("trigger", default="manual"),
    ),
    indexes=(
        Index("runs_by_pipeline", ("pipeline", "run_id")),
        Index("runs_by_pipeline_state", ("pipeline", "state", "run_id")),
        Index("runs_by_state", ("state", "run_id")),
        Index("runs_by_trigger", ("trigger", "state", "run_id")),
        Index("runs_by_pipeline_trigger", ("pipeline", "trigger", "state", "run_id")),
        Index("runs_active", ("pipeline", "state"), where=UNFINISHED),
        Index("runs_long", ("finished_us", "run_id"), where=LONG),
        Index("runs_unfinished", ("owner", "run_id"), where=UNFINISHED),
        Index("runs_ended", ("finished_us", "run_id"), where=ENDED),
        Index("runs_by_dedup", ("dedup",), where="dedup <> ''", unique=True),
        Index("runs_by_origin", ("origin_run",), where="origin_run <> ''"),
        Index("runs_by_backfill", ("backfill_id", "state", "run_id"), where="backfill_id <> ''"),
    ),
)

TASKS = Table(
    name="tasks",
    key=("run_id", "task", "map_index"),
    row=TaskRow,
    columns=(
        Column("run_id"),
        Column("task"),
        Column("map_index", "index"),
        Column("state", enum=TaskState),
        Column("attempt", "int"),
        Column("ready_us", "int"),
        Column("dispatched_us", "int"),
        Column("started_us", "int"),
        Column("finished_us", "int"),
        Column("due_us", "int"),
        Column("worker"),
        Column("partition_key"),
        _REST,
    ),
    indexes=(Index("tasks_troubled", ("run_id", "task", "map_index"), where=TROUBLED),),
)

ATTEMPTS = Table(
    name="attempts",
    key=("run_id", "task", "map_index", "attempt"),
    row=AttemptRow,
    columns=(
        Column("run_id"),
        Column("task"),
        Column("map_index", "index"),
        Column("attempt", "int"),
        Column("outcome", enum=AttemptOutcome),
        Column("started_us", "int"),
        Column("finished_us", "int"),
        _REST,
    ),
)

STEPS = Table(
    name="steps",
    key=("run_id", "task"),
    row=StepRow,
    columns=(Column("run_id"), Column("task"), Column("body"), Column("node", "bytes")),
)

FACTS = Table(
    name="facts",
    key=("run_id", "first_seq"),
    columns=(
        Column("run_id"),
        Column("first_seq", "int"),
        Column("size", "int"),
        Column("at_us", "int"),
        Column("compressed", "bool"),
        Column("data", "bytes"),
    ),
)
"""The log. One row is what one commit added to one run: `size` facts, numbered from `first_seq`."""

VERSIONS = Table(
    name="versions",
    key=("version",),
    row=VersionRow,
    clustered=False,
    columns=(
        Column("version"),
        Column("pipeline"),
        Column("ir_hash"),
        Column("bundle"),
        Column("created_us", "int", frozen=True),
        Column("ir", "bytes"),
        _REST,
    ),
    indexes=(
        Index("versions_by_pipeline", ("pipeline", "created_us", "version")),
        Index("versions_by_age", ("created_us", "version")),
    ),
)

CURRENT_VERSIONS = Table(
    name="current_versions",
    key=("pipeline",),
    columns=(
        Column("pipeline"),
        Column("version"),
        Column("actor"),
        Column("at_us", "int"),
        Column("synced", default=""),
    ),
    indexes=(Index("current_versions_unsynced", ("pipeline",), where=UNSYNCED),),
)
"""`synced`: the version whose schedules are the rows of `schedules`."""

HOLDS = Table(
    name="holds",
    key=("pool", "holder"),
    columns=(Column("pool"), Column("holder"), Column("slots", "int"), Column("instance")),
    indexes=(Index("holds_by_instance", ("instance",)),),
)

COMMANDS = Table(
    name="commands",
    key=("id",),
    row=CommandRow,
    clustered=False,
    columns=(Column("id", "serial"), Column("run_id"), Column("kind"), Column("at_us", "int"), _REST),
    indexes=(Index("commands_by_run", ("run_id",)),),
)
"""Open commands only: a command that was carried out is deleted (the facts of its run tell about it)."""

OUTBOX = Table(
    name="outbox",
    key=("dedup",),
    row=OutboxRow,
    clustered=False,
    columns=(Column("dedup"), Column("kind"), Column("due_us", "int"), Column("tries", "int"), _REST),
    indexes=(Index("outbox_due", ("due_us", "dedup")),),
)
"""Messages that were not sent yet."""

INSTANCES = Table(
    name="instances",
    key=("instance",),
    columns=(
        Column("instance"),
        Column("boot", "int"),
        Column("pid", "int"),
        Column("host"),
        Column("role"),
        Column("since_us", "int"),
        Column("lease_until_us", "int"),
    ),
)
"""Processes on this store. The lease counts on PostgreSQL only, by the database's clock; SQLite has file locks."""

COUNTERS = Table(
    name="counters",
    key=("name",),
    columns=(Column("name"), Column("value", "int")),
)
"""Named totals, the last boot number under `BOOT`, the last revision of a trigger under `REVISION`."""
BOOT = "$boot"
REVISION = "$triggers"
OWN = frozenset({BOOT, REVISION})
"""Counters that are none of the totals."""

TABLES = (
    RUNS,
    TASKS,
    ATTEMPTS,
    STEPS,
    FACTS,
    VERSIONS,
    CURRENT_VERSIONS,
    HOLDS,
    COMMANDS,
    OUTBOX,
    INSTANCES,
    COUNTERS,
    SCHEDULES,
    TICKS,
    BACKFILLS,
    BACKFILL_SLICES,
    RUN_SUMMARIES,
    RUN_COUNTS,
    RUN_WORDS,
    ASSET_EVENTS,
    ASSET_SLICES,
    FAILING_SLICES,
    DYNAMIC_KEYS,
    AUTOMATIONS,
    DECISIONS,
)

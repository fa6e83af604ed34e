"""What needs a person, who holds which slots, and how the server is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from toque.api.wire.model import Wire


class Attention(Wire):
    """Something that needs a person now."""

    kind: Literal["failed_run", "late_run", "broken_file", "missed_ticks", "down_worker", "failing_check", "overdue"]
    pipeline: str
    run_id: str
    asset: str = ""
    """That is overdue, or of a failing check, whose name is `check`."""
    check: str = ""
    since_us: int
    title: str
    detail: str
    count: int


class PoolUser(Wire):
    """A task run that holds or wants slots (`task` is "" for a run that counts among the active ones)."""

    run_id: str
    task: str
    index: list[int]
    since_us: int
    slots: int


class Pool(Wire):
    """A named concurrency limit."""

    pool: str
    limit: int
    used: int
    holders: list[PoolUser]
    waiters: list[PoolUser]


class ServerRow(Wire):
    """A process that owns runs."""

    instance: str
    pid: int
    host: str
    role: str
    boot: int
    started_us: int
    alive: bool
    this: bool
    """It is the one that answers."""
    active_runs: int
    """Unfinished runs that it owns."""
    lease_until_us: int
    """PostgreSQL; 0 elsewhere."""


class WorkerRow(Wire):
    """A worker process."""

    worker: str
    executor: str
    state: str
    attempts: list[PoolUser]
    bundle: str
    environment: str


class StoreInfo(Wire):
    """The store."""

    kind: str
    latency_us: int
    """Of a read, now."""
    size_bytes: int
    schema_revision: str = Field(alias="schema")
    """Revision of its tables."""


class RetentionInfo(Wire):
    """How long ended runs are kept."""

    age_s: float
    keep_last: int


class Totals(Wire):
    """Counted since the store was made, or standing now."""

    pipelines: int
    versions: int
    runs_active: int
    runs_queued: int
    task_runs_active: int
    """In the hands of this server's workers."""
    runs_ended: dict[str, int]
    """By state; those included that retention has removed."""
    task_runs_ended: int
    counters: dict[str, int]


class System(Wire):
    """Servers, workers and the store."""

    servers: list[ServerRow]
    workers: list[WorkerRow]
    store: StoreInfo
    retention: RetentionInfo
    totals: Totals

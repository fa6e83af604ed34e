"""The store: what is durable. One `commit` is one transaction; whatever it raises, nothing of it happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from toque.engine.facts import AnyFact
from toque.engine.rows import AssetEventRow, AttemptRow, RunRow, StepRow, TaskRow
from toque.engine.states import RunState, TaskState
from toque.errors import ToqueError

if TYPE_CHECKING:
    from toque.ports.assets import Assets
    from toque.ports.automations import Automations
    from toque.ports.backfills import Backfills
    from toque.ports.history import History
    from toque.ports.triggers import Triggers


class StoreUnavailable(ToqueError):
    """The store cannot be written now (disk full, locked, read-only, connection lost). The caller keeps its inputs."""


class OwnershipLost(ToqueError):
    """Another instance owns the run now: every decision about it is void. `runs` names them."""

    def __init__(self, runs: Sequence[str]) -> None:
        super().__init__(f"runs now owned by another instance: {', '.join(runs)}")
        self.runs = list(runs)


class PoolFull(ToqueError):
    """Other instances hold slots of these pools: `used` maps each pool to the slots that all instances hold."""

    def __init__(self, used: dict[str, int]) -> None:
        super().__init__(f"pools full: {used}")
        self.used = used


class SchemaOutdated(ToqueError):
    """The database was written by an older (`toque db upgrade`) or newer Toque (upgrade Toque)."""


class AlreadyServed(ToqueError):
    """Another server holds this store; `pid` and `host` say which."""

    def __init__(self, pid: int, host: str = "") -> None:
        super().__init__(f"another server (pid {pid}{' on ' + host if host else ''}) serves this store")
        self.pid = pid
        self.host = host


class FactBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that one commit adds to one run."""

    run_id: str
    first_seq: int
    at_us: int
    facts: list[AnyFact]


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Slots of a named pool held by a task run; `holder` is `run_id/task[index]`."""

    pool: str
    holder: str
    slots: int
    limit: int


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A message to the outside, sent at least once after the commit; `dedup` names it for the receiver."""

    dedup: str
    kind: str
    payload: dict[str, Any]
    due_us: int = 0
    tries: int = 0
    last_error: str = ""


class Commit(msgspec.Struct, kw_only=True):
    """Everything that one transaction writes. Rows are whole: an upsert by their key."""

    instance: str
    """Who writes; each existing run in `runs`/`tasks`/`facts` must be owned by it (`OwnershipLost`)."""
    runs: list[RunRow] = []
    tasks: list[TaskRow] = []
    attempts: list[AttemptRow] = []
    steps: list[StepRow] = []
    asset_events: list[AssetEventRow] = []
    facts: list[FactBatch] = []
    acquire: list[Hold] = []
    release: list[tuple[str, str]] = []
    """(pool, holder)"""
    outbox: list[OutboxRow] = []
    outbox_done: list[str] = []
    """Dedup ids of messages that were sent."""
    commands_done: list[int] = []
    """Commands that this transaction carried out."""
    counters: dict[str, int] = {}
    """Amounts to add to named totals (see `Store.counters`)."""


class CommandRow(msgspec.Struct, kw_only=True):
    """What a person (CLI, API of another process) asks of whoever owns the run."""

    id: int = 0
    run_id: str
    kind: str
    """`cancel`, `mark`, `suspend`, `resume`."""
    payload: dict[str, Any] = {}
    actor: str = ""
    at_us: int = 0


class VersionRow(msgspec.Struct, kw_only=True):
    """A pipeline version: an IR and the bundle it was loaded from."""

    version: str
    pipeline: str
    ir_hash: str
    bundle: str
    """Content hash of the bundle; "" when it was made in process (`pipeline.run()` of a notebook)."""
    ir: bytes
    """Canonical JSON with origins."""
    created_us: int
    git_commit: str = ""
    git_dirty: bool = False
    file: str = ""
    """Path of the defining file, relative to the project root."""
    actor: str = ""


class StoredRun(msgspec.Struct, kw_only=True):
    """What `load_run` returns: all that is needed to restore the machine."""

    run: RunRow
    tasks: list[TaskRow]
    steps: list[StepRow]


class RunFilter(msgspec.Struct, kw_only=True):
    """Which runs a listing wants. Newest first; `before` is the run id to continue below."""

    pipeline: str = ""
    states: tuple[RunState, ...] = ()
    owner: str | None = None
    """"" finds those that nobody owns."""
    limit: int = 50
    before: str = ""


class TaskFilter(msgspec.Struct, kw_only=True):
    """Which task runs of a run a listing wants, ordered by (task, map index); `after` continues."""

    run_id: str
    task: str = ""
    states: tuple[TaskState, ...] = ()
    limit: int = 1000
    after: tuple[str, tuple[int, ...]] | None = None


class Store(Protocol):
    """Memory, SQLite and PostgreSQL; one conformance suite. Async methods never block the loop."""

    kind: str
    """`memory`, `sqlite`, `postgresql`."""

    @property
    def triggers(self) -> Triggers:
        """Schedules and their ticks."""
        ...

    @property
    def backfills(self) -> Backfills:
        """Durable plans of many runs."""
        ...

    @property
    def history(self) -> History:
        """What pages read."""
        ...

    @property
    def assets(self) -> Assets:
        """What is known of data."""
        ...

    @property
    def automations(self) -> Automations:
        """What makes assets by itself."""
        ...

    async def open(self) -> None:
        """Connect, create or check the schema. Raises `SchemaOutdated`, `StoreUnavailable`."""
        ...

    async def close(self) -> None: ...

    async def new_boot(self, instance: str, *, pid: int, host: str, role: str, now_us: int) -> int:
        """Register this process under a name and draw the next boot number, synced to disk before it returns.

        `role` is `server` (at most one on SQLite: `AlreadyServed`) or `run`.
        """
        ...

    async def commit(self, batch: Commit) -> None:
        """Write `batch` in one transaction. Raises `StoreUnavailable`, `OwnershipLost`, `PoolFull`."""
        ...

    async def renew(self, instance: str, now_us: int, lease_s: float) -> None:
        """Say that the instance lives (PostgreSQL: by the database's clock; SQLite: its file lock says so)."""
        ...

    async def dead_instances(self) -> list[str]:
        """Instances that hold runs or slots and are provably gone: lock free (SQLite), lease expired (PostgreSQL)."""
        ...

    async def adopt(self, instance: str, *, from_instances: Sequence[str], limit: int = 1000) -> list[str]:
        """Take over unfinished runs owned by the given instances or by nobody; returns their ids.

        What a run holds itself (its place among the active runs of its pipeline; `holder` is its id) goes with it; the
        other slots of the dead instances are freed. With a `limit` of 0 that is all that happens."""
        ...

    async def load_run(self, run_id: str) -> StoredRun | None: ...

    async def load_facts(self, run_id: str, after_seq: int = 0) -> list[tuple[int, AnyFact]]:
        """(seq, fact) in order; `seq` counts within the run from 1."""
        ...

    async def create_run(self, run: RunRow, *, dedup: str = "") -> str:
        """Insert a queued run (owner "" or as given). With `dedup`, a second call returns the first run's id."""
        ...

    async def list_runs(self, where: RunFilter) -> list[RunRow]: ...

    async def list_tasks(self, where: TaskFilter) -> list[TaskRow]: ...

    async def list_attempts(self, run_id: str, task: str, map_index: tuple[int, ...]) -> list[AttemptRow]: ...

    async def count_tasks(self, run_id: str) -> dict[str, dict[TaskState, int]]:
        """By task id and state."""
        ...

    async def put_version(self, row: VersionRow, *, make_current: bool) -> None: ...

    async def get_version(self, version: str) -> VersionRow | None: ...

    async def current_version(self, pipeline: str) -> VersionRow | None: ...

    async def set_current(self, pipeline: str, version: str, *, actor: str, now_us: int) -> None: ...

    async def list_versions(self, pipeline: str = "", limit: int = 50) -> list[VersionRow]:
        """Newest first; without `ir` bytes when `pipeline` is ""."""
        ...

    async def put_command(self, row: CommandRow) -> int: ...

    async def list_commands(self, instance: str) -> list[CommandRow]:
        """Open commands for runs owned by `instance`, oldest first."""
        ...

    async def list_outbox(self, due_us: int, limit: int = 100) -> list[OutboxRow]: ...

    async def pool_usage(self) -> dict[str, int]:
        """Slots that all instances hold, by pool."""
        ...

    async def counters(self) -> dict[str, int]:
        """The totals that commits have added up."""
        ...

    async def prune(self, *, before_us: int, keep_last: int, limit: int) -> list[str]:
        """Delete up to `limit` ended runs that finished before `before_us`, sparing the last `keep_last` of each
        pipeline and those whose results a rerun took over (`origin_run`); returns their ids, so that the caller
        removes their blobs and logs."""
        ...

    async def changed(self) -> bool:
        """Whether another connection may have written since the last call (cheap; may say yes too often)."""
        ...

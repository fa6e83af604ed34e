"""What options there are, as types: values such as `Retry`, and the tables that editors complete from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypedDict

from toque.authoring.automation import Automation
from toque.authoring.column_origins import Columns
from toque.authoring.cutting import Partitions
from toque.authoring.freshness import Fresh
from toque.authoring.schedules import Scheduled
from toque.durations import Duration
from toque.graph.assets import Asset
from toque.graph.checks import AnyCheck
from toque.graph.freshness import AnomalyPolicy
from toque.graph.ir import ErrorClass, TriggerRule
from toque.worker.outcomes import RunReport
from toque.worker.slices import IOManager

RetryRule: TypeAlias = Callable[[Exception], "bool | float"]
"""Whether to retry, or after how many seconds."""
RetryOn: TypeAlias = type[BaseException] | ErrorClass | RetryRule


@dataclass(frozen=True)
class Retry:
    """When a failed attempt is followed by another one.

    `Retry(3, delay="5m", backoff=2, cap="1h", jitter=True)` waits 5, 10 and 20 minutes, each time between half and
    all of it. `on` names what is retried: exception types, classes (`"transient"`), or one rule.
    """

    times: int
    delay: Duration = 1
    backoff: float = 1.0
    cap: Duration | None = None
    jitter: bool = False
    on: RetryOn | Sequence[RetryOn] = ()


@dataclass(frozen=True)
class Cache:
    """Reuse the result for the same inputs and code, for as long as `expires` says (None: always).

    `key` is a function of the task's arguments that returns the cache key instead.
    """

    expires: Duration | None = None
    key: Callable[..., str] | None = None


@dataclass(frozen=True)
class Pool:
    """`slots` of a named pool, held while an attempt runs."""

    name: str
    slots: int = 1


class NodeOptions(TypedDict, total=False):
    """Options of whatever stands in a graph."""

    name: str
    """In the graph, the history and the logs; the function's name unless stated."""
    trigger_rule: TriggerRule
    """Which outcomes upstream let it start; `all_success` unless stated."""
    owner: str
    """Who is asked when it fails."""
    tags: Sequence[str]
    """Words to find it by."""
    doc: str
    """What people read about it; the docstring unless stated."""


class GroupOptions(NodeOptions, total=False):
    """Options of a group, and of every callable when it is mapped."""

    tolerate: float | str
    """How many indexes of a map may fail: a count, or a share such as `"2%"`."""


class AttemptOptions(TypedDict, total=False):
    """Options of whatever a worker runs."""

    retries: int | Retry
    """How often it is tried again after a failure that may heal."""
    retry_delay: Duration
    """Between two attempts, when `retries` is a number."""
    timeout: Duration
    """Bounds one attempt."""
    deadline: Duration
    """Bounds the task run: all attempts, retries and waits."""
    pool: str | Pool | Sequence[str | Pool]
    """Slots that an attempt holds: `"warehouse"`, or `Pool("warehouse", 2)`."""
    priority: int
    """Higher first, when slots or workers are short; 0 unless stated."""
    concurrency_key: str
    """At most one task run at a time for each value; `{name}` stands for a parameter of the run."""
    executor: str
    """Where it runs; `process` unless stated."""
    environment: str
    """Name of an environment of `toque.toml`."""
    memory_limit: int | str
    """An attempt that takes more is ended: bytes, or `"2GB"`."""
    io_bound: bool
    """It waits more than it computes: many share one process."""


class Keyed(Protocol):
    """An asset, or an endpoint of a connection that is one."""

    @property
    def key(self) -> str: ...


class Making(Protocol):
    """A producer: a load, a sync, a dbt project."""

    def described(self) -> tuple[Asset, ...]: ...


class TaskOptions(GroupOptions, AttemptOptions, total=False):
    """Options of a task: for `@task`, `.options()` and whatever else makes a node."""

    reads: Sequence[str | Keyed | Making]
    """Assets that it reads by itself: it comes after what makes them in the same pipeline."""
    writes: Sequence[str | Keyed | Making]
    """Assets that it writes by itself: what reads them comes after it."""
    cache: bool | Duration | Cache
    """Reuse an earlier result for the same inputs and code: always, for so long, or by a key of your own."""
    on_cancel: Callable[..., object]
    """Called with the handle of a deferred task run that is cancelled, to stop what it waits for."""


class MoveOptions(NodeOptions, AttemptOptions, total=False):
    """Options of a load or sync: those of the task that makes it, and what is said of the data."""

    group: str
    """What it is shown with."""
    automation: Automation
    """When it is made by itself: `Eager()`, `OnSchedule(Cron(…))`, `WhenMissing()`, `AllFresh()`, or several."""
    freshness: Fresh
    """How old its data may become before somebody is told: `Fresh("26h")`, `Fresh(by=Cron("0 9 * * *"))`."""
    anomalies: AnomalyPolicy
    """What it does when its rows are unlike those of its past: `"warn"` shows it (unless stated), `"error"` blocks
    what is made from it, `"off"` looks at nothing."""


class SyncOptions(MoveOptions, total=False):
    """Options of a sync."""

    key: str
    """Of the asset that it makes, under which it remembers what was sent: the destination's own unless stated. Two
    syncs into one destination need one each."""


class MakingOptions(TaskOptions, total=False):
    """Options of what makes assets, one or several: those of the task, and what is said of the data."""

    io: IOManager
    """How its values are kept; in the blob store unless stated."""
    partitions: Partitions
    """How it is cut: `Daily("2026-01-01")`, `Static(["eu", "us"])`, …"""
    group: str
    """What it is shown with."""
    columns: Columns
    """What its columns are made of: `{"total": ["warehouse.raw.orders.amount"]}`, or the SQL that makes them."""
    automation: Automation
    """When it is made by itself: `Eager()`, `OnSchedule(Cron(…))`, `WhenMissing()`, `AllFresh()`, or several."""
    freshness: Fresh
    """How old its data may become before somebody is told: `Fresh("26h")`, `Fresh(by=Cron("0 9 * * *"))`."""
    anomalies: AnomalyPolicy
    """What it does when its rows are unlike those of its past: `"warn"` shows it (unless stated), `"error"` blocks
    what is made from it, `"off"` looks at nothing."""
    code_version: str
    """Stated by hand; otherwise the text of the function decides whether what was made by it is stale."""


class AssetOptions(MakingOptions, total=False):
    """Options of an asset."""

    key: str
    """`marts.delays`; the function's name unless stated."""
    checks: Sequence[AnyCheck]
    """What must be true of a value before it is kept: `[not_null("id").quarantine(), row_count(min=1)]`."""
    publish: Literal["checked", "audited"]
    """`audited`: a value is written aside where it is kept, checked there, and published in one step if it passes."""


class AssetsOptions(MakingOptions, total=False):
    """Options of several assets that one function makes."""

    checks: Mapping[str, Sequence[AnyCheck]]
    """What must be true of their values before any is kept, by key: `{"raw.orders": [not_null("id")]}`."""


class RunOptions(TypedDict, total=False):
    """Options of the runs of a pipeline or flow."""

    schedule: Scheduled | Sequence[Scheduled] | None
    """When it starts by itself: `Cron(…)`, `Every(…)`, `RRule(…)`, `BusinessDays(…)`, or several of them."""
    max_active_runs: int
    """How many runs are active at a time."""
    overlap: Literal["allow", "queue", "skip", "cancel_older"]
    """What happens to a run that comes on top of `max_active_runs`; `queue` unless stated."""
    on_failure: Callable[[RunReport], object]
    """A task of one `RunReport`, run when the run fails; its own outcome changes nothing."""
    on_success: Callable[[RunReport], object]
    """The same, when the run succeeds."""
    late_after: Duration
    """A run that has not ended so long after its creation is late: somebody is told, and it goes on."""
    notify: str | Sequence[str]
    """Connections (`"ops"`) that are told of failure, recovery and lateness."""


class PipelineOptions(GroupOptions, RunOptions, total=False):
    """Options of a pipeline."""

    deadline: Duration
    """Bounds the whole run."""


class FlowOptions(TaskOptions, RunOptions, total=False):
    """Options of a flow: those of a task for its body, and those of a pipeline for its runs."""

"""Rows: what the store keeps of runs. A projection of the machine's state; `toque.engine.restore` is the way back."""

from __future__ import annotations

from typing import Any

import msgspec

from toque.engine.assets import AnyAssetEvent
from toque.engine.states import AttemptOutcome, RunState, TaskState
from toque.engine.values import ErrorInfo, MapIndex, Token, ValueRef

MAKES = "makes"
"""Tag of a run: the assets that were selected for it, and their partition."""


class RunRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One run."""

    run_id: str
    pipeline: str
    version: str
    """Id of the pipeline version: IR hash + "." + bundle hash."""
    state: RunState
    parameters: dict[str, Any]
    """Validated, in tagged JSON."""
    created_us: int
    started_us: int = 0
    finished_us: int = 0
    outcome: RunState | None = None
    """Decided, while hooks still run."""
    cancel_requested: bool = False
    actor: str = ""
    trigger: str = "manual"
    logical_us: int = 0
    """Logical time: the end of the data interval; the creation time for manual runs."""
    interval_start_us: int = 0
    interval_end_us: int = 0
    partition_key: str = ""
    dynamic: dict[str, tuple[str, ...]] = {}
    """Keys of the dynamic partitions that its assets are cut by, as it began."""
    backfill_id: str = ""
    origin_run: str = ""
    """Rerun of this run."""
    reuse: tuple[str, ...] = ()
    """Rerun: ids of the nodes that run anew; the others take their results from `origin_run`."""
    priority: int = 0
    error: ErrorInfo | None = None
    reason: str = ""
    """Of a cancel, or why it was skipped at admission."""
    owner: str = ""
    """Instance that owns it by lease; "" is nobody's."""
    fact_seq: int = 0
    """Number of the last fact."""
    late_us: int = 0
    """When it was found to be late; 0 while it is not."""
    tags: dict[str, str] = {}

    @property
    def title(self) -> str:
        """Its pipeline, and what it makes where that is not said by the pipeline: runs of a selection are all one's."""
        return f"{self.pipeline} {self.tags[MAKES]}" if MAKES in self.tags else self.pipeline


class TaskRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One task run (of a task, join or map node). Instances that still wait have no row."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    state: TaskState
    attempt: int = 0
    """Of the current or last try; 0 before the first."""
    retries: int = 0
    """Retries spent."""
    losses: int = 0
    """Infrastructure budget spent."""
    token: Token | None = None
    ready_us: int = 0
    dispatched_us: int = 0
    started_us: int = 0
    finished_us: int = 0
    due_us: int = 0
    """When a retrying or deferred one is ready again."""
    deadline_us: int = 0
    worker: str = ""
    result: ValueRef | None = None
    exports: tuple[bool | int | float | str | None, ...] = ()
    lengths: tuple[int, ...] = ()
    size: int = -1
    """Map node: number of indexes; -1 while unknown."""
    shape: tuple[int, ...] = ()
    error: ErrorInfo | None = None
    reason: str = ""
    handle: Any = None
    deferrals: int = 0
    """How often it was deferred."""
    cancel_requested: bool = False
    marked: TaskState | None = None
    """The outcome that a person declared; takes effect once its attempt has ended."""
    cached_from: str = ""
    reused_from: str = ""
    step_digest: str = ""
    payload: ValueRef | None = None
    order: int = 0
    """Flow step: its place among the ended steps of its body; 0 while it has not ended."""
    partition_key: str = ""


class AttemptRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A finished attempt that was followed by another one (the last attempt lives in its `TaskRow`)."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    attempt: int
    outcome: AttemptOutcome
    dispatched_us: int = 0
    started_us: int = 0
    finished_us: int = 0
    worker: str = ""
    error: ErrorInfo | None = None


class AssetEventRow(msgspec.Struct, kw_only=True):
    """Something that was told of one slice of an asset. Its place in the run is its key; of what no attempt told,
    `run_id` is the name of who said it."""

    run_id: str
    task: str
    map_index: MapIndex = ()
    attempt: int
    n: int
    """Position among what the attempt told."""
    pipeline: str
    asset: str
    partition: str
    kind: str
    """Tag of the event."""
    at_us: int
    event: AnyAssetEvent
    backfill_id: str = ""
    """Of its run."""


class StepRow(msgspec.Struct, kw_only=True):
    """A node that a flow declared while it ran."""

    run_id: str
    task: str
    body: str
    node: bytes
    """msgpack of the `TaskNode`."""

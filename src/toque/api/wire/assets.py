"""Assets: what data there is, how it stands, and what was told of it."""

from __future__ import annotations

from typing import Any, Literal

from toque.api.wire.automation import AssetAutomation
from toque.api.wire.graphs import Origin
from toque.api.wire.model import Wire

Severity = Literal["block", "quarantine", "warn"]
CELLS = ".msf"
"""missing, made, stale, failing."""
SliceState = Literal["missing", "made", "stale", "failing"]


class AssetPartitions(Wire):
    """How an asset is cut."""

    kind: Literal["time", "static", "dynamic", "grid"]
    words: str
    """For people: `monthly from 2013-01`."""
    count: int
    """Slices that exist now: a window exists once it is over."""
    dynamic: list[str] = []
    """Names of the dynamic partitions among its dimensions: keys can be added to them."""


class AssetMade(Wire):
    """The slice that was made last."""

    partition: str
    materialized_us: int
    """0: it was looked at, and never made by a run."""
    observed_us: int
    run_id: str
    """The run may be gone; "" where none made it."""
    task: str
    pipeline: str
    rows: int | None
    size_bytes: int | None
    data_version: str


class FailingCheck(Wire):
    """A check that did not hold when it was last made."""

    check: str
    severity: Severity


class AssetFreshness(Wire):
    """Whether its data is fresh enough: by the policy of its author, or compared with its past."""

    state: Literal["fresh", "due", "overdue", "unknown"]
    """Without a policy it is never overdue, and due where its gap is longer than those of its past."""
    since_us: int
    """When it came to be so; 0: not known."""
    updated_us: int
    """Of when its newest data is; 0: there was none."""
    deadline_us: int
    """From when on that is, or was, too old; 0: never, or without a policy not known."""
    words: str
    """For people, instants in UTC."""
    policy: str
    """What it has to be, for people; "" where its past decides."""


class AssetSummary(Wire):
    """An asset in a list."""

    key: str
    group: str
    owner: str
    tags: list[str]
    doc: str
    """Its first paragraph."""
    io: str
    """How its values are kept, for people."""
    external: bool
    """Something else makes it."""
    broken: bool
    """Its file cannot be loaded: this is how it was before."""
    upstream: list[str]
    downstream: list[str]
    partitions: AssetPartitions | None
    materialized_count: int
    """Slices that were ever made; 1 or 0 where it is not cut."""
    last: AssetMade | None
    failing_checks: list[FailingCheck]
    """Of the slice that was made last."""
    stale: bool
    """It was never made, or would be made differently now: judged by the slice that was made last."""
    why: list[str]
    """It is stale: `never made`, `its code changed since`, `raw.flights changed since`."""
    pipelines: list[str]
    """That make it."""
    freshness: AssetFreshness | None
    """null where its author states no policy; in the detail of an asset its past decides then, once there is one."""


class AssetColumn(Wire):
    """A column of the value that was made last."""

    name: str
    type: str


class AssetSource(Wire):
    """An asset that it is made from."""

    asset: str
    mapping: str
    """Which slices of it are read, for people."""


class AssetDetail(AssetSummary):
    """One asset."""

    columns: list[AssetColumn]
    sources: list[AssetSource]
    origin: Origin | None
    """Where it is defined; null for one that is only named. Line 0: not known."""
    code_version: str
    automation: AssetAutomation | None
    """null for one that has no rules, and never had any."""


class PartitionStates(Wire):
    """Every slice of an asset."""

    keys: list[str]
    """In order; `[""]` for the whole of an asset that is not cut. Of two dimensions: row by row."""
    cells: str
    """One character for each key: `.` missing, m made, s stale, f failing."""
    across: list[str]
    """Keys of the second dimension; empty where there is only one."""
    names: list[str]
    """Of the two dimensions."""


class SliceChange(Wire):
    """A slice that stands otherwise than before, as the stream tells it."""

    partition: str
    state: SliceState


class SliceSource(Wire):
    """What a slice is made from, of one asset."""

    asset: str
    count: int
    """Slices."""
    first: str
    last: str
    changed_us: int
    """When the newest of them last became another one; 0 where none was made."""


class AssetSlice(AssetMade):
    """One slice."""

    state: SliceState
    why: list[str]
    """It is stale."""
    changed_us: int
    failing_checks: list[FailingCheck]
    sources: list[SliceSource]


class AssetEvent(Wire):
    """Something that was told of a slice. What no attempt told has no run: `run_id` says who did."""

    kind: Literal["materialized", "observed", "checked", "reviewed", "freshness"]
    at_us: int
    partition: str
    run_id: str
    pipeline: str
    task: str
    index: list[int]
    attempt: int
    rows: int | None
    size_bytes: int | None
    data_version: str
    check: str
    """Of `checked` and `reviewed`; "" otherwise."""
    passed: bool | None
    severity: Severity | None
    failed_rows: int
    message: str
    sample: list[Any]
    """At most five rows that failed, sensitive columns masked."""
    metadata: dict[str, Any]


class AssetNode(Wire):
    """An asset in the graph."""

    key: str
    group: str
    external: bool
    state: Literal["external", "missing", "made", "stale", "failing"]
    words: str
    """For people: `2 of 3 partitions`, `its code changed since`."""
    materialized_us: int


class AssetEdge(Wire):
    """`target` is made from `source`."""

    source: str
    target: str


class AssetGraph(Wire):
    """All assets."""

    nodes: list[AssetNode]
    edges: list[AssetEdge]

"""What is told of data: by attempts materializations, observations, outcomes of checks, which the engine passes on as
they are; by people and servers how odd something really was, and that it became too old."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["block", "quarantine", "warn"]


class AssetEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """Something that was learnt about one slice of an asset."""

    asset: str
    partition: str = ""
    """"" for the whole of an asset that is not cut."""


class Materialized(AssetEvent, frozen=True, kw_only=True, tag="materialized"):
    """Its value was made and kept."""

    data_version: str
    """Of the content: equal content, equal version."""
    code_version: str = ""
    rows: int | None = None
    size_bytes: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type, in order."""
    metadata: dict[str, Any] = {}
    """JSON."""
    duration_s: float | None = None
    """That the attempt took which made it; None where nobody compares it."""


class Observed(AssetEvent, frozen=True, kw_only=True, tag="observed"):
    """Somebody looked at it and changed nothing."""

    data_version: str = ""
    rows: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type, in order; () if nobody looked at them."""
    metadata: dict[str, Any] = {}
    updated_us: int = 0
    """When its content last changed, as its source says; 0: it does not say."""


class Checked(AssetEvent, frozen=True, kw_only=True, tag="checked"):
    """An assertion about it held, or did not."""

    check: str
    """Its name: unique within the asset."""
    passed: bool
    severity: Severity = "block"
    failed_rows: int = 0
    total_rows: int | None = None
    """That were looked at; None where rows are not what it counts."""
    column: str = ""
    """The column that it is about, where it is one."""
    rejects: str = ""
    """The table that holds the rows that it set aside, under `batch_id`."""
    batch_id: str = ""
    message: str = ""
    sample: list[Any] = []
    """At most five rows, sensitive columns masked."""


class PartitionsAdded(AssetEvent, frozen=True, kw_only=True, tag="partitions_added"):
    """Keys came to dynamic partitions. `asset` is their name: they belong to no asset alone."""

    keys: tuple[str, ...]


class Reviewed(AssetEvent, frozen=True, kw_only=True, tag="reviewed"):
    """Somebody has looked at what was unlike the past: it was wrong and teaches nothing, or it is normal."""

    made_us: int
    """When that was told, by `run`."""
    run: str
    check: str
    """That found it odd."""
    was_anomaly: bool
    actor: str = ""


class FreshnessTold(AssetEvent, frozen=True, kw_only=True, tag="freshness"):
    """Its data became too old, or is fresh again after that: whoever wants to know was sent a message."""

    is_overdue: bool
    deadline_us: int
    """That it missed."""
    message: str = ""


AnyAssetEvent: TypeAlias = PartitionsAdded | Materialized | Observed | Checked | Reviewed | FreshnessTold

"""What attempts tell of data: materializations, observations, outcomes of checks. The engine passes it on as it is."""

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


class Observed(AssetEvent, frozen=True, kw_only=True, tag="observed"):
    """Somebody looked at it and changed nothing."""

    data_version: str = ""
    rows: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Name and type, in order; () if nobody looked at them."""
    metadata: dict[str, Any] = {}


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


AnyAssetEvent: TypeAlias = PartitionsAdded | Materialized | Observed | Checked

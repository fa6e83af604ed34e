"""Checks of an asset with what they found, and its measures over time."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from toque.api.wire.assets import Severity
from toque.api.wire.model import MAX_US, Wire


class CheckOutcome(Wire):
    """One time that a check was made."""

    at_us: int
    run_id: str
    partition: str
    passed: bool
    failed_rows: int
    total_rows: int | None
    severity: Severity


class AssetCheck(CheckOutcome):
    """A check of an asset, as it was made last."""

    check: str
    pipeline: str
    task: str
    index: list[int]
    attempt: int
    message: str
    column: str
    """That it is about; "" where it is about the whole."""
    sample: list[Any]
    """At most five rows that failed, sensitive columns masked."""
    rejects: str
    """The table that holds the rows that it set aside; "" where it set none aside."""
    batch_id: str
    replay: str
    """What brings them back once their cause is gone; "" where there are none."""
    history: list[CheckOutcome]
    """The oldest first, this one included."""
    reviewed: Literal["", "anomaly", "normal"]
    """What somebody said of something unlike the past."""


class FailingAssetCheck(Wire):
    """A check that does not hold, of any asset."""

    asset: str
    partition: str
    check: str
    severity: Severity
    since_us: int
    """When it first failed, since it last held; as far back as is known."""
    at_us: int
    """When it was made last."""
    run_id: str
    failed_rows: int
    total_rows: int | None
    message: str


class Measure(Wire):
    """One materialization."""

    at_us: int
    run_id: str
    partition: str
    rows: int | None
    size_bytes: int | None
    low: float | None
    """The rows that were expected before it: from `low` to `high`. null while too little was known."""
    high: float | None
    duration_s: float | None
    level: Literal["ok", "warn", "error"]
    message: str
    reviewed: Literal["", "anomaly", "normal"]
    """What somebody said of its rows."""


class SchemaChange(Wire):
    """Columns that came, went, or have another type."""

    at_us: int
    run_id: str
    added: list[str]
    """`name type`"""
    removed: list[str]
    retyped: list[str]
    """`name before → now`"""


class AssetMeasures(Wire):
    """How many rows it had, and with which columns; the oldest first."""

    points: list[Measure]
    changes: list[SchemaChange]


class NewReview(Wire):
    """What somebody says of a materialization that was found to be odd."""

    made_us: int = Field(ge=0, le=MAX_US)
    """Its `at_us`."""
    run_id: str = Field(max_length=200)
    partition: str = Field(default="", max_length=500)
    measured: Literal["rows", "duration"] = "rows"
    was_anomaly: bool
    """It was wrong, and teaches nothing; or it is normal, and what is close to it is from now on."""

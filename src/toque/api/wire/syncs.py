"""Syncs: what is sent where, and what became of it."""

from __future__ import annotations

from typing import Any, Literal

from toque.api.wire.model import Wire


class SyncPlace(Wire):
    """A task of a pipeline that carries the sync out."""

    pipeline: str
    task: str


class SyncDeviation(Wire):
    """Something unusual."""

    kind: str
    severity: Literal["warn", "stop"]
    message: str


class SyncReject(Wire):
    """A record that did not arrive."""

    status: Literal["invalid", "rejected"]
    reason: str
    record: dict[str, Any]
    """Personal and secret fields are masked."""


class SyncRun(Wire):
    """One time that it was carried out, however it ended."""

    at_us: int
    run_id: str
    """The run may be gone."""
    pipeline: str
    task: str
    index: list[int]
    attempt: int
    rows: int
    """Of the source."""
    unchanged: int
    sent: int
    accepted: int
    rejected: int
    invalid: int
    created: int
    updated: int
    deleted: int
    deviations: list[SyncDeviation]
    rejects: list[SyncReject]
    """The first ones; the artifact `records` of the task run has more."""


class Sync(Wire):
    """Rows of a table that become records of a system outside."""

    name: str
    """Key of the asset that it writes, unless its author tells it apart by another."""
    source: str
    """Asset that is read."""
    into: str
    """What is written."""
    mode: str
    key: list[str]
    """Fields of the destination that find a record."""
    fields: dict[str, str]
    """Column to field."""
    on_delete: Literal["keep", "clear", "delete"]
    tolerate: float
    """Rejects before it fails: below 1 a share, else a count."""
    places: list[SyncPlace]
    runs: list[SyncRun]
    """Newest first."""

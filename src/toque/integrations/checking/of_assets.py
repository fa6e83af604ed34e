"""Checks of what the function of an asset returned: before it is kept, or aside of where it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from toque.data.checks.reports import Report
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.auditing import ChecksFailed
from toque.integrations.checking.running import Look
from toque.integrations.checking.telling import events
from toque.integrations.checking.values import check_value
from toque.worker.context import Context
from toque.worker.environment import safe
from toque.worker.slices import Saved, Site, Slice

ROOT = "rejects/"
"""Where rows that were set aside are kept in the blob store: by asset, partition and attempt."""


def check(
    value: Any, target: Slice, checks: Sequence[AnyCheck], context: Context, site: Site
) -> tuple[Any, dict[str, Any]]:
    """The value without the rows that were set aside, and what is to be known of those. Raises `ChecksFailed`.

    Each check is told of, whether or not it holds.
    """
    look = Look(TableName(name=target.asset), datetime.now(UTC))
    try:
        found = check_value(value, look, checks, batch_id=context.idempotency_key)
    except ChecksFailed as error:
        for event in events(error.report, target.asset, target.partition):
            context.tell(event)
        raise
    for event in events(found.report, target.asset, target.partition):
        context.tell(event)
    if not found.report.set_aside:
        return found.value, {}
    place = f"{ROOT}{safe(target.asset)}/{safe(target.partition) or '-'}/{site.attempt}.parquet"
    site.blobs.put(place, [_parquet(found.rejects)])
    return found.value, {"set_aside": found.report.set_aside, "rejects": place}


class Publisher(Protocol):
    """An IO manager that checks a value where it keeps it."""

    def publish(
        self, target: Slice, value: Any, site: Site, checks: Sequence[AnyCheck], batch_id: str
    ) -> tuple[Saved, Report]:
        """Keep `value` if it passes; else what was there stays, and `ChecksFailed` says where `value` can be seen."""
        ...


def publish(
    keeper: Publisher, target: Slice, value: Any, checks: Sequence[AnyCheck], context: Context, site: Site
) -> Saved:
    """Have its keeper write the value aside, check it there and publish it. Raises `ChecksFailed`."""
    # A function that makes a span of slices is one task run: what is set aside belongs to its slice.
    batch_id = ":".join(filter(None, (context.idempotency_key, target.partition)))
    try:
        saved, report = keeper.publish(target, value, site, checks, batch_id)
    except ChecksFailed as error:
        for event in events(error.report, target.asset, target.partition):
            context.tell(event)
        raise
    for event in events(report, target.asset, target.partition):
        context.tell(event)
    if not report.set_aside:
        return saved
    return replace(saved, metadata={**saved.metadata, "set_aside": report.set_aside, "rejects": report.rejects})


def _parquet(rows: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    return bytes(sink.getvalue())

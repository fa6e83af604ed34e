"""The code of a load in a pipeline: opens both ends, loads, and tells what became of the table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from toque.data.loads.result import LoadResult
from toque.engine.assets import Materialized, Observed
from toque.graph.checks import of_data
from toque.graph.loads import LoadSpec
from toque.integrations.checking.telling import events
from toque.integrations.connections.opening import opened_source
from toque.integrations.loading.gate import Gate
from toque.integrations.loading.load import Standing, load, standing
from toque.ports.warehouse import Warehouse
from toque.worker.context import Context, context


def run(
    *,
    source: Mapping[str, Any],
    into: Mapping[str, Any],
    spec: Mapping[str, Any],
    checks: Sequence[dict[str, Any]],
    version: str,
    into_connection: Warehouse,
    source_connection: Any = None,
) -> dict[str, Any]:
    """One load. Returns what people want to know of it, as JSON."""
    here = context()
    agreed = msgspec.convert(spec, LoadSpec)
    gate = Gate(of_data(list(checks))) if checks else None
    try:
        with opened_source(source, source_connection) as rows:
            result = load(rows, into_connection, agreed, gate=gate, on_commit=lambda done: here.progress(done.read))
    finally:
        if gate is not None and gate.report is not None:
            for event in events(gate.report, into["key"]):
                here.tell(event)
    here.logger.info("%s", result)
    _tell(here, source["key"], into["key"], result, version, standing(into_connection, agreed))
    return _summary(result)


def _tell(here: Context, read: str, wrote: str, result: LoadResult, version: str, found: Standing) -> None:
    cursor = hashlib.sha256(result.cursor.encode()).hexdigest()[:16]
    here.tell(Observed(asset=read, data_version=cursor, metadata={"read": result.read}))
    here.tell(
        Materialized(
            asset=wrote,
            data_version=found.version,
            code_version=version,
            rows=found.rows,
            columns=found.columns,
            metadata=_summary(result),
        )
    )


def _summary(result: LoadResult) -> dict[str, Any]:
    told = msgspec.to_builtins(result)
    shown = {name: value for name, value in told.items() if value or name in ("read", "inserted", "updated", "deleted")}
    cursor = str(shown.pop("cursor", ""))
    return {**shown, "ignored": result.ignored, "cursor": cursor if len(cursor) <= 200 else cursor[:200] + "…"}

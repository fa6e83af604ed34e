"""The code of a load in a pipeline: opens both ends, loads, and tells what became of the table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from toque.data.loads.result import LoadResult
from toque.engine.assets import Materialized, Observed
from toque.graph.checks import of_data
from toque.graph.loads import LoadSpec
from toque.integrations.checking.replaying import replay as replay_rejects
from toque.integrations.checking.running import Look
from toque.integrations.checking.sessions import desk_of
from toque.integrations.checking.telling import events
from toque.integrations.connections.opening import opened_source
from toque.integrations.loading.gate import Gate
from toque.integrations.loading.load import load
from toque.integrations.loading.standing import Standing, standing
from toque.ports.warehouse import Warehouse
from toque.worker.context import Context, context
from toque.worker.telling import telling_must_not_fail


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
    done: list[LoadResult] = []

    def heard(result: LoadResult) -> None:
        done[:] = [result]
        here.progress(result.read)

    try:
        with opened_source(source, source_connection) as rows:
            result = load(rows, into_connection, agreed, gate=gate, on_commit=heard)
    except BaseException:
        _tell_checks(here, gate, into["key"])
        if done:  # what was committed before stays
            with telling_must_not_fail(here):
                _tell(here, source["key"], into["key"], done[0], version, standing(into_connection, agreed))
        raise
    _tell_checks(here, gate, into["key"])
    here.logger.info("%s", result)
    _tell(here, source["key"], into["key"], result, version, standing(into_connection, agreed))
    return _summary(result)


def _tell_checks(here: Context, gate: Gate | None, key: str) -> None:
    if gate is not None and gate.report is not None:
        for event in events(gate.report, key):
            here.tell(event)


def replay(
    *,
    into: Mapping[str, Any],
    spec: Mapping[str, Any],
    checks: Sequence[dict[str, Any]],
    version: str,
    batch_id: str,
    into_connection: Warehouse,
) -> dict[str, Any]:
    """Check the rejects of a load again, of one batch or ("") of all, and load those that pass by now."""
    here, agreed = context(), msgspec.convert(spec, LoadSpec)
    with desk_of(into_connection) as desk:
        look = Look(agreed.table, datetime.now(UTC))
        found = replay_rejects(desk, look, of_data(list(checks)), batch_id=batch_id, key=agreed.mode.keys)
    done = [asdict(each) for each in found]
    stands = standing(into_connection, agreed)
    told = {"replayed": sum(each.loaded for each in found), "still_bad": sum(each.still_bad for each in found)}
    here.tell(
        Materialized(
            asset=into["key"],
            data_version=stands.version,
            code_version=version,
            rows=stands.rows,
            columns=stands.columns,
            metadata=told,
        )
    )
    return {**told, "batches": done}


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
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(result))
    shown = {name: value for name, value in told.items() if value or name in ("read", "inserted", "updated", "deleted")}
    cursor = str(shown.pop("cursor", ""))
    return {**shown, "ignored": result.ignored, "cursor": cursor if len(cursor) <= 200 else cursor[:200] + "…"}

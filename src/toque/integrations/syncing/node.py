"""The code of a sync in a pipeline: opens both ends, sends, tells what became of the records, leaves a page of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from toque.data.checks.masking import masked
from toque.engine.assets import Materialized, Observed
from toque.graph.syncs import SyncSpec
from toque.integrations.connections.opening import opened_destination
from toque.integrations.syncing.ledger import SyncLedger
from toque.integrations.syncing.log import LoggedRecord, logged
from toque.integrations.syncing.run import Reject, SyncResult, preview, sync
from toque.ports.warehouse import Warehouse
from toque.worker.context import Context, context
from toque.worker.telling import telling_must_not_fail

SHOWN = 1_000
"""Records of each kind (accepted, or not) on the page that is left to look at."""
FIRST_REJECTS = 5


def run(
    *,
    source: Mapping[str, Any],
    into: Mapping[str, Any],
    spec: Mapping[str, Any],
    version: str,
    source_connection: Warehouse,
    into_connection: Any = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """One sync, or with `dry_run` what it would do. Returns what people want to know of it, as JSON."""
    here = context()
    agreed = msgspec.convert(spec, SyncSpec)
    with opened_destination(into, into_connection) as destination:
        if dry_run:
            return _previewed(here, msgspec.to_builtins(preview(agreed, source_connection, destination)))
        latest: list[SyncResult] = []

        def heard(result: SyncResult) -> None:
            latest[:] = [result]
            here.progress(result.sent)

        try:
            result = sync(agreed, source_connection, destination, on_answer=heard)
        except BaseException:
            for known in latest:
                with telling_must_not_fail(here):
                    _tell(here, agreed, source["key"], known, version, source_connection)
            raise
        _tell(here, agreed, source["key"], result, version, source_connection)
    return summary(result)


def summary(result: SyncResult) -> dict[str, Any]:
    """Counts, what was unusual, and the first rejects with personal data masked."""
    told: dict[str, Any] = msgspec.to_builtins(result)
    told["rejects"] = _masked(result.rejects[:FIRST_REJECTS])
    return told


def _tell(here: Context, spec: SyncSpec, read: str, result: SyncResult, version: str, warehouse: Warehouse) -> None:
    """However it ended: what was accepted has arrived."""
    here.logger.info("%s", _line(result))
    for deviation in result.deviations:
        here.logger.warning("%s", deviation.message)
    with warehouse.session() as session:
        changed = SyncLedger(session, warehouse.dialect, spec).last_change()
    here.tell(Observed(asset=read, rows=result.rows))
    here.tell(
        Materialized(
            asset=spec.name,
            data_version=str(changed),
            code_version=version,
            rows=result.rows,
            metadata=summary(result),
        )
    )
    here.artifact("records", _page(spec, warehouse, result.run), kind="table")


def _line(result: SyncResult) -> str:
    made = f"{result.created:,} created, {result.updated:,} updated, {result.deleted:,} deleted"
    lost = f"{result.rejected:,} rejected, {result.invalid:,} invalid"
    return f"{result.name}: {result.sent:,} sent, {made}, {lost}, {result.unchanged:,} unchanged"


def _page(spec: SyncSpec, warehouse: Warehouse, run: int) -> Any:
    """What became of the first records of a run: those that were not accepted come first."""
    import pyarrow as pa

    lost = logged(spec, warehouse, status=("rejected", "invalid"), run=run)
    accepted = logged(spec, warehouse, status=("accepted",), run=run)
    rows = [*_lines(spec, islice(lost, SHOWN)), *_lines(spec, islice(accepted, SHOWN))]
    names = ("status", "operation", "key", "reason", "record_id", "payload")
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})


def _lines(spec: SyncSpec, records: Iterable[LoggedRecord]) -> Iterator[dict[str, str]]:
    for each in records:
        # The key's values are known by name here, so that an address that is a key is masked as well.
        (key,) = masked([dict(zip(spec.mode.keys, each.key, strict=False))])
        (payload,) = masked([each.payload])
        yield {
            "status": each.status,
            "operation": each.operation,
            "key": "/".join(map(str, key.values())),
            "reason": each.reason,
            "record_id": each.record_id,
            "payload": json.dumps(payload, ensure_ascii=False, default=str),
        }


def _previewed(here: Context, told: dict[str, Any]) -> dict[str, Any]:
    told["samples"] = {operation: masked(rows) for operation, rows in told["samples"].items()}
    told["rejects"] = [{**each, "record": masked([each["record"]])[0]} for each in told["rejects"]]
    here.artifact("preview", json.loads(json.dumps(told, default=str)), kind="json")
    return told


def _masked(rejects: Iterable[Reject]) -> list[dict[str, Any]]:
    return [{"status": each.status, "reason": each.reason, "record": masked([each.record])[0]} for each in rejects]

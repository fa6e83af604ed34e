"""The log of records, to look at: what became of each, searched by its status, its run or any text in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from toque.data.syncs.acknowledging import Status
from toque.data.syncs.canonical import key_values
from toque.graph.syncs import SyncSpec
from toque.integrations.syncing.tables import LOG
from toque.ports.warehouse import Warehouse

ANSWERED: tuple[Status, ...] = ("accepted", "rejected", "invalid")


class LoggedRecord(msgspec.Struct, frozen=True):
    """One line."""

    run: int
    at: datetime
    key: tuple[Any, ...]
    """() for a row without a key."""
    operation: str
    status: str
    reason: str
    record_id: str
    payload: dict[str, Any]


def logged(
    spec: SyncSpec,
    warehouse: Warehouse,
    *,
    status: Sequence[Status] = ANSWERED,
    run: int | None = None,
    text: str = "",
) -> Iterator[LoggedRecord]:
    """The lines of a sync, oldest first. `text` is looked for in keys, reasons and payloads, whatever its case."""
    dialect, table = warehouse.dialect, spec.source.sibling(LOG)
    names = ("run", "at", "key", "operation", "status", "reason", "record_id", "payload")
    columns = ", ".join(map(dialect.own, names))
    where = ["name = ?", f"status IN ({', '.join('?' * len(status))})"]
    given: list[Any] = [spec.name, *status]
    if run is not None:
        where.append("run = ?")
        given.append(run)
    if text:
        searched = " || ' ' || ".join(f"coalesce({dialect.own(name)}, '')" for name in ("key", "reason", "payload"))
        # Not LIKE: what somebody looks for may hold a % or a _.
        where.append(f"position(lower(?) in lower({searched})) > 0")
        given.append(text)
    query = f"SELECT {columns} FROM {dialect.table(table)} WHERE {' AND '.join(where)} ORDER BY seq"
    with warehouse.session() as session:
        if session.columns(table) is None:
            return
        for page in session.stream(query, given):
            for row in zip(*(column.to_pylist() for column in page.columns), strict=True):
                yield _line(dict(zip(names, row, strict=True)))


def download(records: Iterator[LoggedRecord], path: str | Path) -> int:
    """Write records as CSV; returns how many."""
    count = 0
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "at", "key", "operation", "status", "reason", "record_id", "payload"])
        for record in records:
            key = "/".join(map(str, record.key))
            payload = json.dumps(record.payload, ensure_ascii=False)
            at = record.at.isoformat()
            writer.writerow(
                [record.run, at, key, record.operation, record.status, record.reason, record.record_id, payload]
            )
            count += 1
    return count


def _line(row: dict[str, Any]) -> LoggedRecord:
    return LoggedRecord(
        run=row["run"],
        at=row["at"],
        key=tuple(key_values(row["key"])) if row["key"] else (),
        operation=row["operation"] or "",
        status=row["status"],
        reason=row["reason"] or "",
        record_id=row["record_id"] or "",
        payload=msgspec.json.decode(row["payload"]) if row["payload"] else {},
    )

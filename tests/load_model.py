"""Loads, naively: a table is a fold over the changes that were loaded, whatever the batches that brought them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from toque.graph.loads import AnyMode, Append, Merge, Scd2, TableName, Upsert
from toque.ports.sources import Batch
from toque.ports.warehouse import Session

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Change:
    """One version of a row in the source. `order` and `sequence` together are unique for each key."""

    key: str
    order: int
    sequence: int
    value: int | None
    is_delete: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """Its place among the versions of its key."""
        return (self.order, self.sequence)

    @property
    def at(self) -> datetime:
        """When it happened."""
        return START + timedelta(seconds=self.order, milliseconds=self.sequence)


def batch_of(changes: Sequence[Change], *, since: str = "", upto: str = "", **more: Any) -> Batch:
    """The changes as a source gives them."""
    return Batch(
        rows=pa.table(
            {
                "Id": pa.array([each.key for each in changes], pa.string()),
                "amount": pa.array([None if each.is_delete else each.value for each in changes], pa.int64()),
            }
        ),
        since=since,
        upto=upto,
        deleted=pa.array([each.is_delete for each in changes], pa.bool_()),
        order=pa.array([each.order for each in changes], pa.int64()),
        sequence=pa.array([each.sequence for each in changes], pa.int64()),
        changed_at=pa.array([each.at for each in changes], pa.timestamp("us", "UTC")),
        **more,
    )


def expected(mode: AnyMode, batches: Sequence[Sequence[Change]]) -> list[tuple[Any, ...]]:
    """What the table holds after these batches, each once, as `content` reads it."""
    changes = {change for batch in batches for change in batch}
    match mode:
        case Append(key=""):
            return [(each.key, each.value) for batch in batches for each in batch if not each.is_delete]
        case Append():
            return list(_first(batches).items())
        case Upsert() | Merge(deletes="ignore"):
            return [(c.key, c.value) for c in _newest(c for c in changes if not c.is_delete)]
        case Merge(deletes="soft"):
            return _soft(changes)
        case Merge():
            return [(c.key, c.value) for c in _newest(changes) if not c.is_delete]
        case Scd2():
            return _spans(changes)
        case _:
            return [(c.key, c.value) for c in batches[-1] if not c.is_delete]


def content(session: Session, table: TableName, mode: AnyMode) -> list[tuple[Any, ...]]:
    """What the table holds, in an order of its own. A timestamp that may be null is asked for by whether it is."""
    match mode:
        case Scd2():
            ends = "CASE WHEN valid_to IS NULL THEN valid_from ELSE valid_to END"
            columns = f"Id, amount, valid_from, {ends}, is_current"
        case Merge(deletes="soft"):
            columns = "Id, amount, _toque_deleted"
        case _:
            columns = "Id, amount"
    rows = session.fetch(f"SELECT {columns} FROM {table} ORDER BY {columns}")
    return sorted((tuple(row) for row in rows), key=repr)


def ordered(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """As `content` orders them."""
    return sorted(rows, key=repr)


def _newest(changes: Iterable[Change]) -> list[Change]:
    newest: dict[str, Change] = {}
    for change in changes:
        other = newest.get(change.key)
        if other is None or (change.place, change.is_delete) > (other.place, other.is_delete):
            newest[change.key] = change
    return list(newest.values())


def _first(batches: Sequence[Sequence[Change]]) -> dict[str, int | None]:
    first: dict[str, int | None] = {}
    for batch in batches:
        for change in sorted(batch, key=lambda each: each.place):
            if not change.is_delete:
                first.setdefault(change.key, change.value)
    return first


def _soft(changes: set[Change]) -> list[tuple[Any, ...]]:
    """Whether and with which values a deleted row stays depends on what was loaded before the delete: not told here."""
    return [(c.key, c.value, False) for c in _newest(changes) if not c.is_delete]


def _spans(changes: set[Change]) -> list[tuple[Any, ...]]:
    found = []
    ordered_changes = sorted(changes, key=lambda each: (each.key, each.place, each.is_delete))
    for change, after in zip(ordered_changes, [*ordered_changes[1:], None], strict=True):
        if change.is_delete:
            continue
        ends = after.at if after is not None and after.key == change.key else None
        found.append((change.key, change.value, change.at, ends or change.at, ends is None))
    return found

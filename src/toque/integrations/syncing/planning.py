"""Planning: one pass over the source decides what is to be sent, before anything is; kept aside, not in memory."""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from toque.data.syncs.deviations import Deviation, foreseen
from toque.data.syncs.diff import Change, Counts, Diff, Invalid
from toque.data.syncs.mapping import Mapped, mapped
from toque.errors import UserError
from toque.graph.syncs import SyncSpec
from toque.integrations.syncing.ledger import SyncLedger
from toque.ports.destinations import Describes, Destination, Operation, Record
from toque.ports.warehouse import Session, Warehouse

_IN_MEMORY = 16_000_000


@dataclass
class Plan:
    """What a sync will do. `changes()` can be read again and again; `close()` it."""

    mapping: Mapped
    counts: Counts
    operations: Counter[Operation]
    invalid: list[Invalid]
    deviations: list[Deviation]
    aside: IO[bytes] = field(repr=False)

    def changes(self) -> Iterator[Change]:
        """In the order of the source; what is gone comes last."""
        self.aside.seek(0)
        while True:
            try:
                yield pickle.load(self.aside)
            except EOFError:
                return

    def close(self) -> None:
        """Let go of the file."""
        self.aside.close()


def record_of(change: Change) -> Record:
    """As a destination takes it."""
    return Record(change.record, change.fields, change.is_doubtful)


def planned(session: Session, warehouse: Warehouse, spec: SyncSpec, destination: Destination) -> Plan:
    """Reads the whole source. Raises `DuplicateKeys`, and `UserError` for columns or fields that are not there."""
    columns = session.columns(spec.source)
    if columns is None:
        raise UserError(f"the sync {spec.name} reads {spec.source}, and there is no such table")
    mapping = mapped(spec, [column.name for column in columns])
    describes = destination if isinstance(destination, Describes) else None
    if describes:
        names = [field for _, field in mapping.fields]
        describes.expect(operations_of(spec), [field for _, field in mapping.key], names)
    ledger = SyncLedger(session, warehouse.dialect, spec)
    diff = Diff(spec, mapping, ledger.acknowledged())
    aside = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (the plan closes it)
    plan = Plan(mapping, diff.counts, Counter(), [], [], aside)
    try:
        for row in _rows(session, warehouse, spec, mapping):
            found = diff.row(row)
            if isinstance(found, Change):
                fault = describes.fault(found.operation, record_of(found)) if describes else ""
                if not fault:
                    _keep(plan, found)
                    continue
                _take_back(diff.counts, found)
                found = Invalid(fault, found.record, found.fields, found.key)
            if isinstance(found, Invalid):
                plan.invalid.append(found)
        for change in diff.gone():
            _keep(plan, change)
    except BaseException:
        plan.close()
        raise
    plan.deviations = foreseen(diff.counts, ledger.past(), spec.guard, mapping.version)
    return plan


def operations_of(spec: SyncSpec) -> list[Operation]:
    """What a sync may send."""
    first: dict[str, Operation] = {"update": "update", "create": "create"}
    kind = str(spec.mode.__struct_config__.tag)
    found: list[Operation] = [first.get(kind, "upsert")]
    if spec.deletes != "keep":
        found.append("delete" if spec.deletes == "delete" else "update")
    return list(dict.fromkeys(found))


def _rows(session: Session, warehouse: Warehouse, spec: SyncSpec, mapping: Mapped) -> Iterator[dict[str, Any]]:
    names = ", ".join(map(warehouse.dialect.quote, mapping.columns))
    for table in session.stream(f"SELECT {names} FROM {warehouse.dialect.table(spec.source)}"):
        yield from table.to_pylist()


def _keep(plan: Plan, change: Change) -> None:
    plan.operations[change.operation] += 1
    pickle.dump(change, plan.aside, protocol=pickle.HIGHEST_PROTOCOL)


def _take_back(counts: Counts, change: Change) -> None:
    counts.invalid += 1
    if change.is_new:
        counts.new -= 1
    else:
        counts.changed -= 1

"""A sync from its plan to its result, and the preview of one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from toque.data.checks.masking import masked
from toque.data.syncs.deviations import Deviation, exceeds, rejections
from toque.data.syncs.diff import Change
from toque.errors import DataError
from toque.graph.syncs import SyncSpec
from toque.integrations.patience import Patience
from toque.integrations.syncing.ledger import LogLine, SyncLedger
from toque.integrations.syncing.planning import Plan, planned, record_of
from toque.integrations.syncing.sending import Sender, found_before
from toque.ports.destinations import Destination, Finds, Lingers, Record, Result
from toque.ports.warehouse import Warehouse

SAMPLES = 20
LOOKED_UP = 10_000
"""A preview looks up so many records at most: it is to be quick, and calls are counted."""


class Reject(msgspec.Struct, frozen=True):
    """A record that did not arrive."""

    status: Literal["invalid", "rejected"]
    reason: str
    record: dict[str, Any]


class SyncResult(msgspec.Struct, kw_only=True):
    """What a sync did."""

    name: str
    run: int = 0
    rows: int = 0
    """Of the source."""
    unchanged: int = 0
    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    invalid: int = 0
    """Not sent, since the destination would reject them."""
    created: int = 0
    """As the destination tells it; if it does not, those that were never acknowledged before."""
    updated: int = 0
    deleted: int = 0
    deviations: list[Deviation] = []
    rejects: list[Reject] = []
    """The first ones; the log has all."""

    @property
    def considered(self) -> int:
        """What was sent or should have been."""
        return self.sent + self.invalid


class Preview(msgspec.Struct, kw_only=True):
    """What a sync would do."""

    name: str
    destination: str
    rows: int
    unchanged: int
    operations: dict[str, int]
    """Records to be sent, by operation."""
    creates: int | None
    """How many upserts would create a record; None if the destination cannot tell, or if they are too many to ask."""
    gone: int
    invalid: int
    deviations: list[Deviation]
    samples: dict[str, list[dict[str, Any]]]
    """The first records of each operation."""
    rejects: list[Reject]


class SyncStopped(DataError):
    """Something is so unusual that nothing was sent."""


class SyncRejected(DataError):
    """More records than tolerated were rejected. All others arrived; these are sent again by each sync."""


def sync(
    spec: SyncSpec,
    warehouse: Warehouse,
    destination: Destination,
    *,
    patience: Patience | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    on_answer: Callable[[SyncResult], None] = lambda _: None,
) -> SyncResult:
    """Send what changed in `spec.source` since it was last acknowledged.

    However it ends, the next sync sends what is not acknowledged then, and nothing else. `on_answer` hears the result
    so far, before anything is sent and after each record. Raises `DuplicateKeys`, `SyncStopped` before anything is
    sent, `SyncRejected` after everything is, and what the destination raises.
    """
    with warehouse.session() as session:
        ledger = SyncLedger(session, warehouse.dialect, spec)
        ledger.prepare()
        plan = planned(session, warehouse, spec, destination)
        try:
            ledger.begin(plan.mapping.version, now())
            result = _result(spec, plan, ledger.run)
            on_answer(result)
            counted = (plan.counts.rows, 0)
            if any(each.severity == "stop" for each in plan.deviations):
                ledger.finish("stopped", counted, result, now())
                raise SyncStopped(_stopped(result))
            _log_invalid(ledger, plan, now())
            patience = patience or Patience()
            if isinstance(destination, Lingers):
                _settled(destination, ledger, patience, now)

            def answered(change: Change, answer: Result) -> None:
                _count(result, change, answer)
                on_answer(result)

            try:
                Sender(destination, ledger, patience, now, answered).send(plan)
            except BaseException:
                ledger.finish("failed", (plan.counts.rows, result.sent), result, now())
                raise
            return _ended(spec, ledger, result, now())
        finally:
            plan.close()


def preview(spec: SyncSpec, warehouse: Warehouse, destination: Destination) -> Preview:
    """What `sync` would do. Writes nothing anywhere; asks the destination only for what it has."""
    with warehouse.session() as session:
        plan = planned(session, warehouse, spec, destination)
        try:
            return _previewed(spec, destination, plan)
        finally:
            plan.close()


def _previewed(spec: SyncSpec, destination: Destination, plan: Plan) -> Preview:
    samples: dict[str, list[dict[str, Any]]] = {}
    maybe_new: list[Record] = []
    for change in plan.changes():
        shown = samples.setdefault(change.operation, [])
        if len(shown) < SAMPLES:
            shown.append(record_of(change).values)
        if change.operation == "upsert" and len(maybe_new) <= LOOKED_UP:
            maybe_new.append(record_of(change))
    creates = None
    if isinstance(destination, Finds) and len(maybe_new) <= LOOKED_UP:
        creates = len(maybe_new) - found_before(destination, maybe_new)
    return Preview(
        name=spec.name,
        destination=destination.name,
        rows=plan.counts.rows,
        unchanged=plan.counts.unchanged,
        operations={str(operation): count for operation, count in plan.operations.items()},
        creates=creates,
        gone=plan.counts.gone,
        invalid=plan.counts.invalid,
        deviations=plan.deviations,
        samples=samples,
        rejects=_invalid(plan),
    )


def _result(spec: SyncSpec, plan: Plan, run: int) -> SyncResult:
    counts = plan.counts
    return SyncResult(
        name=spec.name,
        run=run,
        rows=counts.rows,
        unchanged=counts.unchanged,
        invalid=counts.invalid,
        deviations=list(plan.deviations),
        rejects=_invalid(plan),
    )


def _invalid(plan: Plan) -> list[Reject]:
    return [Reject("invalid", each.reason, {**each.record, **each.fields}) for each in plan.invalid[:SAMPLES]]


def _settled(destination: Lingers, ledger: SyncLedger, patience: Patience, now: Callable[[], datetime]) -> None:
    """What earlier runs began has ended, and what this one begins is noted."""
    for receipt in ledger.unsettled():
        patience.ask(lambda receipt=receipt: destination.settle(receipt))  # type: ignore[misc]
    destination.on_begin(lambda receipt: ledger.note(receipt, now()))


def _log_invalid(ledger: SyncLedger, plan: Plan, at: datetime) -> None:
    lines = [
        LogLine(each.key, "", "invalid", reason=each.reason, payload={**each.record, **each.fields})
        for each in plan.invalid
    ]
    ledger.append(lines, at)


def _count(result: SyncResult, change: Change, answer: Result) -> None:
    result.sent += 1
    if not answer.accepted:
        result.rejected += 1
        if len(result.rejects) < SAMPLES:
            result.rejects.append(Reject("rejected", answer.reason, record_of(change).values))
        return
    result.accepted += 1
    if change.operation == "delete":
        result.deleted += 1
    elif change.operation == "create" or (change.operation == "upsert" and _is_made(change, answer)):
        result.created += 1
    else:
        result.updated += 1


def _is_made(change: Change, answer: Result) -> bool:
    return change.is_new if answer.created is None else answer.created


def _ended(spec: SyncSpec, ledger: SyncLedger, result: SyncResult, at: datetime) -> SyncResult:
    lost = result.rejected + result.invalid
    unusual = rejections(lost, result.considered, spec.guard)
    if unusual:
        result.deviations.append(unusual)
    is_over = lost > 0 and exceeds(lost, result.considered, spec.tolerate)
    ledger.finish("rejected" if is_over else "succeeded", (result.rows, result.sent), result, at)
    if is_over:
        sample = masked({"status": each.status, "reason": each.reason, **each.record} for each in result.rejects)
        raise SyncRejected(
            f"{spec.name}: {lost} of {result.considered} records did not arrive ({result.rejected} rejected,"
            f" {result.invalid} invalid), tolerated: {spec.tolerate:g}; the first: {result.rejects[0].reason}",
            sample=sample,
        )
    return result


def _stopped(result: SyncResult) -> str:
    reasons = "; ".join(each.message for each in result.deviations if each.severity == "stop")
    return f"{result.name} was stopped, and nothing was sent: {reasons}"

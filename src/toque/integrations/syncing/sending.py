"""Sending: batches to the destination, a line in the log before each record and one after its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from toque.data.syncs.diff import Change
from toque.errors import TransientError, UserError
from toque.integrations.patience import Patience, Unanswered
from toque.integrations.syncing.ledger import LogLine, SyncLedger
from toque.integrations.syncing.planning import Plan, record_of
from toque.ports.destinations import Destination, Finds, Operation, Record, Result, Sizes

Answer = Callable[[Change, Result], None]


@dataclass
class Sender:
    """Sends the changes of a plan. `answered` hears of each record, after it stands in the log."""

    destination: Destination
    ledger: SyncLedger
    patience: Patience
    now: Callable[[], datetime]
    answered: Answer

    def send(self, plan: Plan) -> None:
        """All of them. What the destination raises ends the sync; what was answered stays acknowledged."""
        size = self.destination.batch_size
        if isinstance(self.destination, Sizes):
            size = self.destination.size_for(sum(plan.operations.values()))
        for operation, batch in batches(plan.changes(), size):
            self._batch(operation, batch)

    def _batch(self, operation: Operation, batch: list[Change]) -> None:
        if operation == "create":
            batch = self._without_found(batch)
        if not batch:
            return
        records = [record_of(change) for change in batch]
        is_open = False

        def ask() -> Sequence[Result]:
            nonlocal is_open
            # Again after a try without an answer: that one may still take effect, and the log has to show it.
            self.ledger.append([_line(change, "sent") for change in batch], self.now())
            is_open = True
            try:
                results = self.destination.send(operation, records)
            except Unanswered:
                raise
            except TransientError:
                self.ledger.append([_line(change, "unsent") for change in batch], self.now())
                raise
            return results

        results = self.patience.ask(ask, is_repeatable=operation != "create")
        if len(results) != len(records):
            raise UserError(
                f"the destination {self.destination.name} gave {len(results)} results for {len(records)} records",
                fix="one Result for each record, in their order",
            )
        self._answered(batch, results)

    def _answered(self, batch: Sequence[Change], results: Sequence[Result]) -> None:
        lines = [
            LogLine(
                change.key,
                change.operation,
                "accepted" if result.accepted else "rejected",
                change.digest,
                result.reason,
                result.id,
                record_of(change).values,
            )
            for change, result in zip(batch, results, strict=True)
        ]
        self.ledger.append(lines, self.now())
        for change, result in zip(batch, results, strict=True):
            self.answered(change, result)

    def _without_found(self, batch: list[Change]) -> list[Change]:
        """What an earlier try without an answer has made is not made again."""
        doubtful = [change for change in batch if change.is_doubtful]
        if not doubtful or not isinstance(self.destination, Finds):
            return batch
        finder = self.destination
        ids = self.patience.ask(lambda: finder.find([change.record for change in doubtful]))
        found = {change.key: each for change, each in zip(doubtful, ids, strict=True) if each is not None}
        made = [change for change in doubtful if change.key in found]
        why = "an earlier try, whose answer was lost, had created it"
        self._answered(made, [Result(reason=why, id=found[change.key]) for change in made])
        return [change for change in batch if change.key not in found]


def batches(changes: Iterable[Change], size: int) -> Iterator[tuple[Operation, list[Change]]]:
    """Consecutive changes of one operation, at most `size` of them."""
    batch: list[Change] = []
    for change in changes:
        if batch and (len(batch) == size or batch[0].operation != change.operation):
            yield batch[0].operation, batch
            batch = []
        batch.append(change)
    if batch:
        yield batch[0].operation, batch


def found_before(destination: Finds, records: Sequence[Record], size: int = 200) -> int:
    """How many of the records exist already."""
    count = 0
    for start in range(0, len(records), size):
        ids = destination.find([record.key for record in records[start : start + size]])
        count += sum(each is not None for each in ids)
    return count


def _line(change: Change, status: str) -> LogLine:
    return LogLine(change.key, change.operation, "sent" if status == "sent" else "unsent", change.digest)

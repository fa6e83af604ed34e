"""What task runs told of data, in a few words: rows that they made, moved or set aside, and checks that do not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from toque.engine.assets import AnyAssetEvent, Checked, Materialized

LOADED = {"inserted": "inserted", "updated": "updated", "deleted": "deleted", "set_aside": "set aside"}
SENT = {"sent": "sent", "deleted": "deleted", "rejected": "rejected", "invalid": "invalid"}
REPLAYED = {"replayed": "replayed", "still_bad": "still bad"}
SHOWN_CHECKS = 3


class DataTold:
    """Sums over the task runs of one node. What a retry moves comes to what was moved before it."""

    def __init__(self, events: Iterable[AnyAssetEvent] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self.rows: dict[tuple[str, str], int] = {}
        """By asset and partition, as told last."""
        self._moved = False
        self._checks: dict[tuple[str, str, str], Checked] = {}
        self.add(events)

    def add(self, events: Iterable[AnyAssetEvent]) -> None:
        """The next ones, in order."""
        for event in events:
            match event:
                case Materialized(metadata=metadata):
                    self._made(event, metadata)
                case Checked():
                    self._checks[event.asset, event.partition, event.check] = event
                case _:
                    pass

    def _made(self, event: Materialized, metadata: dict[str, Any]) -> None:
        told = next((each for each in (LOADED, SENT, REPLAYED) if next(iter(each)) in metadata), None)
        if told is not None:
            self._moved = True
            self.counts.update({words: _number(metadata.get(name)) for name, words in told.items()})
        elif isinstance(loaded := metadata.get("loaded"), dict):
            self._moved = True
            self.counts["loaded"] += sum(map(_number, loaded.values()))
        else:
            self.counts["set aside"] += _number(metadata.get("set_aside"))
            if event.rows is not None:
                self.rows[event.asset, event.partition] = event.rows

    @property
    def failing(self) -> list[Checked]:
        """Checks that do not hold, by their last outcome."""
        return [each for each in self._checks.values() if not each.passed]

    def as_json(self) -> dict[str, Any]:
        """Empty if nothing was told."""
        rows = {"rows": sum(self.rows.values())} if self.rows else {}
        counts = {words.replace(" ", "_"): count for words, count in self.counts.items() if count or self._moved}
        checks = [
            {"asset": each.asset, "partition": each.partition, "check": each.check, "failed_rows": each.failed_rows}
            for each in self.failing
        ]
        return {**rows, **counts, **({"failing_checks": checks} if checks else {})}

    def __str__(self) -> str:
        """`3 inserted, 1 set aside, fails not_null(city) (1 row)`; "" if nothing was told."""
        parts = [_rows(sum(self.rows.values()))] if self.rows else []
        parts += [f"{count:,} {words}" for words, count in self.counts.items() if count]
        if self._moved and not parts:
            parts.append("no rows moved")
        names: Counter[str] = Counter()
        for each in self.failing:
            names[each.check] += each.failed_rows if each.total_rows else 0  # others count no rows
        parts += [f"fails {name}" + (f" ({_rows(bad)})" if bad else "") for name, bad in names.items()][:SHOWN_CHECKS]
        if len(names) > SHOWN_CHECKS:
            parts.append(f"and {len(names) - SHOWN_CHECKS} more checks")
        return ", ".join(parts)


def _number(value: Any) -> int:
    """Metadata is JSON that anybody may have written."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")

"""The attempts in the hands of the executor, and the last word about each."""

from __future__ import annotations

import time
from collections.abc import Iterable

from toque.engine.inputs import AnyReport
from toque.engine.values import Token
from toque.executors import reports
from toque.executors.process.placement import Placement
from toque.executors.process.worker import Held
from toque.ports.executor import Sink

MAX_UNACKNOWLEDGED = 100_000


def now_us() -> int:
    """Microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


class Ledger:
    """Knows every attempt by its token until its end is acknowledged."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._held: dict[Token, Held] = {}
        self._unacknowledged: dict[Token, None] = {}
        self._has_room = False
        self.sink: Sink

    def __len__(self) -> int:
        return len(self._held)

    def take_in(self, held: Held) -> bool:
        """A new attempt; False if it is known already (`submit` is idempotent)."""
        token = held.spec.token
        if token in self._held or token in self._unacknowledged:
            return False
        self._held[token] = held
        self._placement.count(held, 1)
        return True

    def get(self, token: Token) -> Held | None:
        """It, if it has not ended."""
        return self._held.get(token)

    def all(self) -> list[Held]:
        """All that have not ended."""
        return list(self._held.values())

    def acknowledge(self, token: Token) -> None:
        """Its end is committed."""
        self._unacknowledged.pop(token, None)

    def take_back(self, tokens: Iterable[Token]) -> list[Held]:
        """Those of `tokens` that have not begun: no worker holds them and they wait no more. Others that were taken
        back with them wait again."""
        found = [held for token in tokens if (held := self._held.get(token)) is not None and not held.started_us]
        for worker in {held.worker for held in found if held.worker is not None}:
            self._placement.put_back(worker.take_back())
        free = [held for held in found if held.worker is None]
        for held in free:
            self._placement.remove(held)
        return free

    def end(self, held: Held, report: AnyReport) -> None:
        """The last word about an attempt."""
        if self._held.pop(held.spec.token, None) is None:
            return
        if len(self._unacknowledged) >= MAX_UNACKNOWLEDGED:
            del self._unacknowledged[next(iter(self._unacknowledged))]
        self._unacknowledged[held.spec.token] = None
        self._placement.count(held, -1)
        self._has_room = True
        self.sink.report(report)

    def give_back(self, helds: Iterable[Held]) -> None:
        """They were not started, and are the runtime's again."""
        for held in helds:
            self.end(held, reports.returned(held.spec))

    def end_doomed(self, held: Held) -> None:
        """It was ended for a reason of ours, and is gone."""
        self.end(held, doomed(held))

    def tell_capacity(self) -> None:
        """Tell the sink once if anything has ended since the last time."""
        if self._has_room:
            self._has_room = False
            self.sink.capacity_changed()


def doomed(held: Held) -> AnyReport:
    """The report about an attempt that was ended for a reason of ours."""
    match held.doom:
        case "timeout":
            return reports.timed_out(held.spec, now_us(), held.started_us)
        case "memory":
            return reports.out_of_memory(held.spec, now_us(), held.started_us)
        case _:
            return reports.cancelled(held.spec, now_us(), held.started_us)

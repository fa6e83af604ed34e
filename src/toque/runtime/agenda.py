"""The agenda of a server: which schedule is to be looked at when. Kept in memory, made again from the rows."""

from __future__ import annotations

import heapq
import logging
from collections import deque
from itertools import count

import msgspec

from toque.errors import ToqueError
from toque.ports.triggers import ScheduleRow
from toque.runtime import ticking

log = logging.getLogger("toque.schedules")


class Agenda:
    """Schedules by the time at which they are due."""

    def __init__(self) -> None:
        self._plans: dict[str, ticking.Planned] = {}
        self._heap: list[tuple[int, int, str]] = []
        """(due, tie, id); an entry counts if the plan of the schedule still says so."""
        self._ties = count()
        self._ahead: deque[str] = deque()
        """Schedules whose tick after the next is not known yet."""

    @property
    def next_due_us(self) -> int | None:
        """When to look again; None: nothing is planned."""
        return self._heap[0][0] if self._heap else None

    def is_due(self, now_us: int) -> bool:
        """Whether to look now."""
        return bool(self._heap) and self._heap[0][0] <= now_us

    def read(self, row: ScheduleRow) -> None:
        """Plan a schedule as the store has it."""
        try:
            self.keep(ticking.plan(row))
        except (msgspec.ValidationError, ToqueError) as problem:
            self.forget(row.id)
            log.error("the schedule %s stands still, this Toque cannot read it: %s", row.id, problem)

    def keep(self, planned: ticking.Planned) -> None:
        """In place of what was planned for the schedule before."""
        name = planned.row.id
        if planned.row.retired:
            self.forget(name)
            return
        self._plans[name] = planned
        if planned.due_us:
            heapq.heappush(self._heap, (planned.due_us, next(self._ties), name))
            self._ahead.append(name)

    def forget(self, schedule: str) -> None:
        """Plan nothing for it."""
        self._plans.pop(schedule, None)

    def take_due(self, now_us: int, at_most: int) -> list[ticking.Planned]:
        """Schedules that are due; they are back when they are kept again."""
        taken: dict[str, ticking.Planned] = {}
        while self._heap and self._heap[0][0] <= now_us and len(taken) < at_most:
            due_us, _, name = heapq.heappop(self._heap)
            planned = self._plans.get(name)
            if planned is not None and planned.due_us == due_us:
                taken[name] = planned
        return [*taken.values()]

    def look_ahead(self, at_most: int) -> bool:
        """Compute what follows the next tick of some schedules, so that a thousand at once are soon decided; says
        whether there are more."""
        for _ in range(min(at_most, len(self._ahead))):
            name = self._ahead.popleft()
            if name in self._plans:
                self._plans[name] = ticking.looked_ahead(self._plans[name])
        return bool(self._ahead)

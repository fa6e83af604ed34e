"""The agenda of a server: which schedule is to be looked at when. Kept in memory, made again from the rows.

A row says when its schedule is due, so that a start needs no rule of what is due much later: that is planned when its
time comes near. Not only then, since the rules of a zone may have changed since the row was written, by an hour or two.
"""

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

LEAD_US = 3 * 3_600_000_000
"""So long before the time that its row says a schedule is planned."""


class Agenda:
    """Schedules by the time at which they are due."""

    def __init__(self) -> None:
        self._plans: dict[str, ticking.Planned] = {}
        self._heap: list[tuple[int, int, str]] = []
        """(due, tie, id); an entry counts if the plan of the schedule still says so."""
        self._ties = count()
        self._far: dict[str, ScheduleRow] = {}
        """Schedules that are not planned yet,"""
        self._far_heap: list[tuple[int, int, str]] = []
        """by the time at which they are due."""
        self._ahead: deque[str] = deque()
        """Schedules whose tick after the next is not known yet."""

    @property
    def next_due_us(self) -> int | None:
        """When to look again; None: nothing is planned."""
        times = [self._heap[0][0]] if self._heap else []
        times += [self._far_heap[0][0] - LEAD_US] if self._far_heap else []
        return min(times, default=None)

    def is_due(self, now_us: int) -> bool:
        """Whether to look now."""
        return any(heap and heap[0][0] <= now_us for heap in (self._heap, self._far_heap))

    def read(self, row: ScheduleRow, now_us: int) -> None:
        """Take in a schedule as the store has it."""
        is_idle = row.retired or row.paused or row.resumed_us > row.cursor_us
        if is_idle or row.next_due_us - LEAD_US <= now_us:
            self._plan(row)
            return
        self.forget(row.id)
        self._far[row.id] = row
        heapq.heappush(self._far_heap, (row.next_due_us, next(self._ties), row.id))

    def _plan(self, row: ScheduleRow) -> None:
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
        self._far.pop(name, None)
        if planned.due_us:
            heapq.heappush(self._heap, (planned.due_us, next(self._ties), name))
            self._ahead.append(name)

    def forget(self, schedule: str) -> None:
        """Plan nothing for it."""
        self._plans.pop(schedule, None)
        self._far.pop(schedule, None)

    def take_due(self, now_us: int, at_most: int) -> list[ticking.Planned]:
        """Schedules that are due; they are back when they are kept again."""
        taken: dict[str, ticking.Planned] = {}
        self._come_near(now_us, at_most)
        while self._heap and self._heap[0][0] <= now_us and len(taken) < at_most:
            due_us, _, name = heapq.heappop(self._heap)
            planned = self._plans.get(name)
            if planned is not None and planned.due_us == due_us:
                taken[name] = planned
        return [*taken.values()]

    def _come_near(self, until_us: int, at_most: int) -> bool:
        """Plan some of what is due by then; says whether there is more."""
        for _ in range(at_most):
            if not self._far_heap or self._far_heap[0][0] > until_us:
                return False
            due_us, _, name = heapq.heappop(self._far_heap)
            row = self._far.get(name)
            if row is not None and row.next_due_us == due_us:
                self._plan(row)
        return bool(self._far_heap) and self._far_heap[0][0] <= until_us

    def look_ahead(self, now_us: int, at_most: int) -> bool:
        """Plan what comes near, then compute what follows the next tick of some schedules, so that a thousand at once
        are soon decided; says whether there are more."""
        if self._come_near(now_us + LEAD_US, at_most):
            return True
        for _ in range(min(at_most, len(self._ahead))):
            name = self._ahead.popleft()
            if name in self._plans:
                self._plans[name] = ticking.looked_ahead(self._plans[name])
        return bool(self._ahead)

"""What runs next: the ticks to come of many schedules, in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from toque.graph.schedules import Schedule
from toque.ports.triggers import ScheduleRow
from toque.schedule.ticks import Tick, ticks

_decode = msgspec.json.Decoder(Schedule).decode


def upcoming(rows: Iterable[ScheduleRow], *, until_us: int, limit: int) -> list[tuple[ScheduleRow, Tick]]:
    """The first `limit` ticks of `rows` that are due by `until_us` and not decided yet, by when they are due.

    `rows` as `list_schedules(ScheduleFilter(due_before_us=…, limit=limit))` gives them: the first `limit` schedules by
    their next tick hold the first `limit` ticks, so that ten thousand schedules cost no more than a page.
    """
    chosen = [row for row in rows if row.next_due_us]
    merged = heapq.merge(*(_of(row, until_us) for row in chosen), key=lambda pair: (pair[1].due_us, pair[0].id))
    return list(islice(merged, limit))


def _of(row: ScheduleRow, until_us: int) -> Iterator[tuple[ScheduleRow, Tick]]:
    after_us = max(row.cursor_us, row.resumed_us)
    for tick in ticks(_decode(row.definition), row.pipeline, after_us, until_us):
        if tick.due_us > until_us:
            return
        yield row, tick

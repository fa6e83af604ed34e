"""Schedules and ticks as the wire has them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from toque.api.plain import plain
from toque.api.wire.schedules import ScheduleSummary, Tick
from toque.durations import text as duration_text
from toque.graph.schedules import BusinessDaysRule, CronRule, IntervalRule, RRuleRule, Schedule
from toque.ports.triggers import ScheduleRow, TickSeen
from toque.schedule.ticks import Tick as PlannedTick
from toque.schedule.words import describe

_decode = msgspec.json.Decoder(Schedule).decode


def schedule(row: ScheduleRow) -> ScheduleSummary:
    """A schedule with its next tick. One of a newer Toque is shown by its name."""
    next_us = 0 if row.paused or row.retired else row.next_at_us
    try:
        found, words = _read(row.definition)
    except msgspec.MsgspecError:
        return _summary(row, rule="(of a newer Toque)", words="", next_us=next_us)
    return _summary(
        row,
        rule=rule_text(found),
        words=words,
        tz=found.tz,
        next_us=next_us,
        catchup=found.catchup,
        parameters={name: plain(value) for name, value in found.parameters.items()},
    )


@lru_cache(maxsize=20_000)
def _read(definition: bytes) -> tuple[Schedule, str]:
    """Thousands are listed again and again, and to find the words takes longer than to find the row."""
    found = _decode(definition)
    return found, describe(found)


def _summary(row: ScheduleRow, *, rule: str, words: str, next_us: int, **fields: Any) -> ScheduleSummary:
    known: dict[str, Any] = {"tz": "UTC", "catchup": "latest", "parameters": {}, **fields}
    return ScheduleSummary(
        id=row.id,
        pipeline=row.pipeline,
        name=row.name,
        rule=rule,
        words=words,
        paused=row.paused,
        next_us=next_us,
        last_us=row.cursor_us if row.cursor_us > 0 else 0,
        version=row.version,
        changed_us=row.changed_us,
        actor=row.actor,
        **known,
    )


def rule_text(found: Schedule) -> str:
    """The rule as it is written."""
    match found.rule:
        case CronRule(text=text) | RRuleRule(text=text):
            return text
        case IntervalRule(every_s=every_s):
            return f"every {duration_text(every_s)}"
        case BusinessDaysRule(at=at, nth=nth):
            which = f" {','.join(map(str, nth))}" if nth else ""
            return f"business days{which} at {', '.join(at)}"


def tick(schedule_id: str, planned: PlannedTick) -> Tick:
    """A tick that has not fired."""
    return Tick(
        schedule=schedule_id,
        at_us=planned.at_us,
        start_us=planned.start_us,
        end_us=planned.end_us,
        due_us=planned.due_us,
        outcome="planned",
        reason="",
        run_id="",
    )


def next_tick(row: ScheduleRow) -> Tick:
    """The next tick of a schedule that was changed. One at 0: there is none, and `reason` says why."""
    idle = "retired" if row.retired else "paused" if row.paused else ""
    return Tick(
        schedule=row.id,
        at_us=0 if idle else row.next_at_us,
        start_us=0,
        end_us=0,
        due_us=0 if idle else row.next_due_us,
        outcome="planned",
        reason=idle,
        run_id="",
    )


def seen_tick(seen: TickSeen) -> Tick:
    """A tick with what became of it, and of its run."""
    row = seen.tick
    return Tick(
        schedule=row.schedule,
        at_us=row.at_us,
        start_us=row.start_us,
        end_us=row.end_us,
        due_us=row.due_us,
        outcome=row.outcome.value,
        reason=row.reason if seen.was_admitted else seen.run_reason or row.reason,
        run_id=row.run_id,
        run_state=seen.run_state,
        count=row.count,
        first_us=row.first_us,
    )

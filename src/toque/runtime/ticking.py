"""Ticking: what becomes of the ticks of one schedule. Values in, values out; nothing here waits, reads or writes.

A tick that is decided within its grace was on time. What fell due earlier was missed, and the schedule's catch-up
says what becomes of it. Ticks of a pause, or of a rule that was replaced before they were decided, are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import msgspec

from toque.engine.rows import RunRow
from toque.engine.states import RunState, TickOutcome
from toque.graph.schedules import Schedule
from toque.ports.triggers import BY_PAUSE, Change, ScheduleRow, TickRow
from toque.runtime.ids import new_run_id
from toque.schedule.catchup import COUNTED, CatchUp, missed
from toque.schedule.ticks import Tick, instants, next_tick

GRACE_US = 60_000_000
"""So late a tick is on time, or as late as the next one of its schedule is due, if that is sooner: a restart of the
server is no outage."""

_decode = msgspec.json.Decoder(Schedule).decode


@dataclass(frozen=True)
class Planned:
    """A schedule as the store has it, with its next tick."""

    row: ScheduleRow
    schedule: Schedule
    tick: Tick | None
    ahead: tuple[Tick | None] | None = None
    """The tick behind the next one, once somebody had time to look for it."""

    @property
    def due_us(self) -> int:
        """When something is to be decided; 0: never."""
        if self.row.retired or self.row.paused:
            return 0
        if self.row.resumed_us > self.row.cursor_us:
            return self.row.resumed_us
        return self.tick.due_us if self.tick is not None else 0


@dataclass
class Fate:
    """What becomes of the ticks that are due."""

    cursor_us: int
    starts: list[Tick] = field(default_factory=list)
    ticks: list[TickRow] = field(default_factory=list)
    """Those that start no run."""
    next: Tick | None = None
    grace_us: int = GRACE_US
    """What is later than this was missed."""
    late: int = 0
    """How many of `starts` were missed and are caught up."""

    @property
    def missed(self) -> int:
        """How many ticks nobody could start in time."""
        return self.late + sum(tick.count for tick in self.ticks)


def plan(row: ScheduleRow) -> Planned:
    """What `row` waits for. Raises `msgspec.ValidationError` for a definition of a newer Toque."""
    schedule = _decode(row.definition)
    if row.retired or row.paused:
        return Planned(row, schedule, None)
    return Planned(row, schedule, next_tick(schedule, row.pipeline, max(row.cursor_us, row.resumed_us)))


def looked_ahead(planned: Planned) -> Planned:
    """The same, knowing what follows its next tick: the costly part of a decision, made before its time."""
    if planned.tick is None or planned.ahead is not None:
        return planned
    following = next_tick(planned.schedule, planned.row.pipeline, planned.tick.at_us)
    return replace(planned, ahead=(following,))


def with_next(row: ScheduleRow, tick: Tick | None) -> ScheduleRow:
    """The row, saying when its next tick is."""
    return msgspec.structs.replace(row, next_at_us=tick.at_us if tick else 0, next_due_us=tick.due_us if tick else 0)


def decide(planned: Planned, now_us: int) -> Fate:
    """The fate of every tick that is due by now and has none."""
    row, schedule, tick = planned.row, planned.schedule, planned.tick
    if row.resumed_us > row.cursor_us:
        fate = Fate(cursor_us=row.resumed_us)
        fate.ticks += together(schedule, row, row.resumed_us, BY_PAUSE, now_us)
        fate.next = tick
        return fate
    if tick is None or tick.due_us > now_us:
        return Fate(cursor_us=row.cursor_us, next=tick)
    [following] = looked_ahead(planned).ahead or (None,)
    grace_us = min(GRACE_US, following.at_us - tick.at_us) if following is not None else GRACE_US
    if now_us - tick.due_us <= grace_us and (following is None or following.due_us > now_us):
        return Fate(cursor_us=tick.at_us, starts=[tick], next=following)
    caught = missed(schedule, row.pipeline, row.cursor_us, now_us, grace_us)
    fate = Fate(cursor_us=max(caught.last_us, row.cursor_us), starts=[*caught.start], grace_us=grace_us)
    fate.late = sum(now_us - each.due_us > grace_us for each in caught.start)
    fate.ticks = _rows_of(caught, row.id, now_us)
    fate.next = next_tick(schedule, row.pipeline, fate.cursor_us)
    return fate


def _rows_of(caught: CatchUp, id: str, now_us: int) -> list[TickRow]:  # noqa: A002
    rows = [_row(tick, id, TickOutcome.COALESCED, reason, now_us) for tick, reason in caught.coalesced]
    rows += [_row(tick, id, TickOutcome.SKIPPED, reason, now_us) for tick, reason in caught.skipped]
    if caught.skipped_beyond:
        more = " (and more)" if caught.beyond_at_least else ""
        rows.append(
            TickRow(
                schedule=id,
                at_us=caught.beyond_until_us,
                first_us=caught.beyond_from_us,
                count=caught.skipped_beyond,
                outcome=TickOutcome.SKIPPED,
                reason=caught.beyond_reason + more,
                recorded_us=now_us,
                due_us=caught.beyond_until_us,
            )
        )
    return rows


def _row(tick: Tick, id: str, outcome: TickOutcome, reason: str, now_us: int) -> TickRow:  # noqa: A002
    return TickRow(
        schedule=id,
        at_us=tick.at_us,
        start_us=tick.start_us,
        end_us=tick.end_us,
        due_us=tick.due_us,
        outcome=outcome,
        reason=reason,
        recorded_us=now_us,
    )


def together(schedule: Schedule, row: ScheduleRow, until_us: int, reason: str, now_us: int) -> list[TickRow]:
    """The ticks after the cursor and up to `until_us`, skipped for one reason: one row for all of them, or none."""
    found = list(islice(instants(schedule, row.cursor_us, until_us), COUNTED + 1))
    if not found:
        return []
    more = len(found) > COUNTED
    count = min(len(found), COUNTED)
    at_us = until_us if more else found[-1]
    return [
        TickRow(
            schedule=row.id,
            at_us=at_us,
            first_us=found[0] if count > 1 else 0,
            count=count,
            outcome=TickOutcome.SKIPPED,
            reason=f"{reason} (and more)" if more else reason,
            recorded_us=now_us,
            due_us=at_us,
        )
    ]


def cannot_start(planned: Planned, fate: Fate, reason: str, now_us: int) -> Fate:
    """The code is not here: what was to start is skipped, and says so."""
    row_id = planned.row.id
    skipped = [_row(tick, row_id, TickOutcome.SKIPPED, reason, now_us) for tick in fate.starts]
    return Fate(cursor_us=fate.cursor_us, ticks=[*fate.ticks, *skipped], next=fate.next)


def change_of(planned: Planned, fate: Fate, instance: str, now_us: int) -> Change:
    """What is to be written: the runs are queued, and owned by `instance` from their first row."""
    row = planned.row
    runs = [run_of(row, planned.schedule, tick, instance, now_us, at) for at, tick in enumerate(fate.starts)]
    started = [
        msgspec.structs.replace(
            _row(tick, row.id, TickOutcome.STARTED, _lateness(tick, fate, now_us), now_us), run_id=run.run_id
        )
        for tick, run in zip(fate.starts, runs, strict=True)
    ]
    after = with_next(msgspec.structs.replace(row, cursor_us=fate.cursor_us), fate.next)
    return Change(before=row, after=after, ticks=[*fate.ticks, *started], runs=runs)


def _lateness(tick: Tick, fate: Fate, now_us: int) -> str:
    return "caught up" if now_us - tick.due_us > fate.grace_us else ""


def run_of(row: ScheduleRow, schedule: Schedule, tick: Tick, instance: str, now_us: int, position: int) -> RunRow:
    """The run of a tick. `position`: among those that start at once; their ids sort in the order of their ticks."""
    return RunRow(
        run_id=new_run_id(now_us + position * 1000),
        pipeline=row.pipeline,
        version=row.version,
        state=RunState.QUEUED,
        parameters=dict(schedule.parameters),
        created_us=now_us,
        actor=row.id,
        trigger="schedule",
        logical_us=tick.at_us,
        interval_start_us=tick.start_us,
        interval_end_us=tick.end_us,
        owner=instance,
    )


# -- what people and new versions change


def paused(row: ScheduleRow, actor: str, now_us: int) -> ScheduleRow:
    """No tick of it is started from now on."""
    return with_next(msgspec.structs.replace(row, paused=True, actor=actor, changed_us=now_us), None)


def resumed(row: ScheduleRow, actor: str, now_us: int) -> ScheduleRow:
    """Ticks up to now are skipped, those after it are started."""
    after = msgspec.structs.replace(row, paused=False, actor=actor, changed_us=now_us, resumed_us=now_us)
    return with_next(after, plan(after).tick)


def changes_for(
    pipeline: str, version: str, schedules: Sequence[Schedule], rows: Sequence[ScheduleRow], now_us: int
) -> list[Change]:
    """What makes `rows`, all of the pipeline, those of `version`. Rows that are so already are left alone."""
    known = {row.name: row for row in rows}
    live = [row for row in rows if not row.retired]
    all_paused = bool(live) and all(row.paused for row in live)
    changes = []
    for schedule in schedules:
        row = known.pop(schedule.name, None)
        if row is None:
            row = _first(pipeline, version, schedule, now_us, paused=all_paused or schedule.paused)
            changes.append(Change(before=None, after=row, tell=True))
        elif row.retired or row.version != version or row.definition != encode(schedule):
            changes.append(_replaced(row, version, schedule, now_us))
    changes += [_retired(row, now_us) for row in known.values() if not row.retired]
    return changes


def encode(schedule: Schedule) -> bytes:
    """As rows keep it."""
    return msgspec.json.encode(schedule, order="deterministic")


def _first(pipeline: str, version: str, schedule: Schedule, now_us: int, *, paused: bool) -> ScheduleRow:
    """It begins now: its past is for a backfill."""
    row = ScheduleRow(
        id=f"{pipeline}/{schedule.name}",
        pipeline=pipeline,
        name=schedule.name,
        version=version,
        cursor_us=now_us,
        paused=paused,
        changed_us=now_us,
        definition=encode(schedule),
    )
    return with_next(row, plan(row).tick)


def _replaced(row: ScheduleRow, version: str, schedule: Schedule, now_us: int) -> Change:
    """The same schedule of another version. Where its instants change, it begins anew: the new rule has no past."""
    after = msgspec.structs.replace(row, version=version, definition=encode(schedule), retired=False, changed_us=now_us)
    ticks: list[TickRow] = []
    old = _decode(row.definition)
    if row.retired:
        after.cursor_us = max(row.cursor_us, now_us)
    elif _timing(old) != _timing(schedule):
        reason = BY_PAUSE if row.paused else "the schedule was changed before it was decided"
        ticks = together(old, row, now_us, reason, now_us)
        after.cursor_us = max(row.cursor_us, now_us)
    return Change(before=row, after=with_next(after, plan(after).tick), ticks=ticks, tell=True)


def _retired(row: ScheduleRow, now_us: int) -> Change:
    """No version has it any more."""
    reason = BY_PAUSE if row.paused else "the schedule was removed before it was decided"
    ticks = together(_decode(row.definition), row, now_us, reason, now_us)
    after = msgspec.structs.replace(row, retired=True, cursor_us=max(row.cursor_us, now_us), changed_us=now_us)
    return Change(before=row, after=with_next(after, None), ticks=ticks, tell=True)


def _timing(schedule: Schedule) -> tuple[object, ...]:
    """What decides when its ticks are."""
    holidays = schedule.calendar.holidays if schedule.calendar is not None else ()
    return schedule.rule, schedule.tz, schedule.start_us, schedule.end_us, holidays

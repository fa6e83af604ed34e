"""The fate of ticks: in time, late, missed, paused, of a rule that was replaced. Values only, no clock."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from toque.engine.states import RunState, TickOutcome
from toque.graph.schedules import Calendar, CronRule, IntervalRule, Schedule
from toque.ports.triggers import ScheduleRow
from toque.runtime import ticking
from toque.runtime.ticking import GRACE_US, changes_for, decide, plan

SECOND = 1_000_000
HOUR = 3600 * SECOND
T0 = 1_800_000_000 * SECOND
"""A full hour: 2027-01-15 08:00 UTC."""


def hourly(**fields: Any) -> Schedule:
    return Schedule(name="s", rule=IntervalRule(every_s=3600), **fields)


def row(schedule: Schedule | None = None, **fields: Any) -> ScheduleRow:
    given: dict[str, Any] = {
        "id": "p/s",
        "pipeline": "p",
        "name": "s",
        "version": "v1",
        "cursor_us": T0,
        "definition": ticking.encode(schedule or hourly()),
    }
    return ScheduleRow(**{**given, **fields})


def test_a_tick_in_time_is_started_and_the_next_one_is_planned() -> None:
    fate = decide(plan(row()), T0 + HOUR + 5)
    assert [tick.at_us for tick in fate.starts] == [T0 + HOUR]
    assert (fate.cursor_us, fate.ticks, fate.missed) == (T0 + HOUR, [], 0)
    assert fate.next is not None
    assert fate.next.at_us == T0 + 2 * HOUR


def test_before_its_time_nothing_is_decided() -> None:
    planned = plan(row())
    assert planned.due_us == T0 + HOUR
    fate = decide(planned, T0 + HOUR - 1)
    assert (fate.starts, fate.ticks, fate.cursor_us) == ([], [], T0)


@pytest.mark.parametrize("catchup", ["skip", "latest", "all"])
def test_a_tick_within_its_grace_is_in_time_whatever_the_catchup_is(catchup: Any) -> None:
    fate = decide(plan(row(hourly(catchup=catchup))), T0 + HOUR + GRACE_US)
    assert ([tick.at_us for tick in fate.starts], fate.missed) == ([T0 + HOUR], 0)


@pytest.mark.parametrize(
    ("catchup", "started", "others"),
    [
        ("skip", [], TickOutcome.SKIPPED),
        ("latest", [3], TickOutcome.COALESCED),
        ("all", [1, 2, 3], TickOutcome.COALESCED),
    ],
)
def test_what_was_missed_is_caught_up_as_the_schedule_says(
    catchup: Any, started: list[int], others: TickOutcome
) -> None:
    planned = plan(row(hourly(catchup=catchup)))
    now_us = T0 + 3 * HOUR + GRACE_US + 1
    fate = decide(planned, now_us)
    assert [(tick.at_us - T0) // HOUR for tick in fate.starts] == started
    assert {tick.outcome for tick in fate.ticks} <= {others}
    decided = [*(tick.at_us for tick in fate.starts), *(tick.at_us for tick in fate.ticks)]
    assert sorted(decided) == [T0 + n * HOUR for n in (1, 2, 3)]
    assert (fate.cursor_us, fate.missed) == (T0 + 3 * HOUR, 3)
    change = ticking.change_of(planned, fate, "me", now_us)
    assert len(change.runs) == len(started)
    assert all(tick.reason for tick in change.ticks)


def test_the_grace_of_a_quick_schedule_is_its_own_pace() -> None:
    """Thirty seconds away, a schedule of every second has missed ticks; one of every hour has not."""
    quick = Schedule(name="s", rule=IntervalRule(every_s=1), catchup="skip")
    fate = decide(plan(row(quick)), T0 + 30 * SECOND)
    assert 1 <= len(fate.starts) <= 2
    assert len(fate.starts) + len(fate.ticks) == 30


def test_a_very_long_gap_is_one_row_beside_the_newest_ticks() -> None:
    quick = Schedule(name="s", rule=IntervalRule(every_s=60), catchup="skip")
    fate = decide(plan(row(quick)), T0 + 24 * HOUR * 10)
    assert sum(tick.count for tick in fate.ticks) + len(fate.starts) > 10_000
    assert len(fate.ticks) <= 1_001
    [far] = [tick for tick in fate.ticks if tick.count > 1]
    assert far.first_us == T0 + 60 * SECOND
    assert "and more" in far.reason
    assert fate.cursor_us == T0 + 24 * HOUR * 10


def test_a_paused_or_retired_schedule_is_never_due() -> None:
    assert plan(row(paused=True)).due_us == 0
    assert plan(row(retired=True)).due_us == 0


def test_the_ticks_of_a_pause_are_skipped_as_one_row_when_it_ends() -> None:
    asleep = ticking.paused(row(), "ann", T0 + 10)
    assert (asleep.paused, asleep.next_due_us, asleep.actor) == (True, 0, "ann")
    awake = ticking.resumed(asleep, "bob", T0 + 3 * HOUR + 10)
    assert (awake.paused, awake.next_at_us, awake.actor) == (False, T0 + 4 * HOUR, "bob")
    planned = plan(awake)
    assert planned.due_us == T0 + 3 * HOUR + 10
    fate = decide(planned, T0 + 3 * HOUR + 20)
    [tick] = fate.ticks
    assert (tick.outcome, tick.reason, tick.count) == (TickOutcome.SKIPPED, "paused", 3)
    assert (tick.first_us, tick.at_us) == (T0 + HOUR, T0 + 3 * HOUR)
    assert (fate.starts, fate.cursor_us) == ([], awake.resumed_us)
    after = ticking.change_of(planned, fate, "me", T0 + 3 * HOUR + 20).after
    assert plan(after).due_us == T0 + 4 * HOUR


def test_a_pause_without_ticks_leaves_none() -> None:
    awake = ticking.resumed(ticking.paused(row(), "ann", T0 + 10), "ann", T0 + 20)
    fate = decide(plan(awake), T0 + 30)
    assert (fate.ticks, fate.starts, fate.cursor_us) == ([], [], T0 + 20)


def test_what_was_missed_after_a_pause_is_caught_up() -> None:
    awake = ticking.resumed(ticking.paused(row(hourly(catchup="all")), "ann", T0), "ann", T0 + HOUR + 1)
    first = ticking.change_of(plan(awake), decide(plan(awake), T0 + 3 * HOUR), "me", T0 + 3 * HOUR)
    fate = decide(plan(first.after), T0 + 3 * HOUR)
    assert [tick.at_us for tick in fate.starts] == [T0 + 2 * HOUR, T0 + 3 * HOUR]


def test_the_run_of_a_tick_knows_its_interval_and_takes_the_parameters_of_the_schedule() -> None:
    planned = plan(row(hourly(parameters={"region": "eu", "n": 3})))
    now_us = T0 + HOUR + 7
    change = ticking.change_of(planned, decide(planned, now_us), "me", now_us)
    [run], [tick] = change.runs, change.ticks
    assert (run.state, run.trigger, run.owner, run.actor) == (RunState.QUEUED, "schedule", "me", "p/s")
    assert (run.pipeline, run.version, run.parameters) == ("p", "v1", {"region": "eu", "n": 3})
    assert (run.interval_start_us, run.interval_end_us, run.logical_us) == (T0, T0 + HOUR, T0 + HOUR)
    assert (tick.outcome, tick.run_id, tick.at_us) == (TickOutcome.STARTED, run.run_id, T0 + HOUR)
    assert (change.after.cursor_us, change.after.next_at_us) == (T0 + HOUR, T0 + 2 * HOUR)


def test_runs_that_are_caught_up_sort_as_their_ticks_do() -> None:
    planned = plan(row(hourly(catchup="all")))
    now_us = T0 + 50 * HOUR
    runs = ticking.change_of(planned, decide(planned, now_us), "me", now_us).runs
    assert len(runs) == 50
    assert sorted(runs, key=lambda run: run.run_id) == sorted(runs, key=lambda run: run.logical_us)


def test_a_tick_whose_code_is_not_here_is_skipped_and_says_so() -> None:
    planned = plan(row())
    fate = ticking.cannot_start(planned, decide(planned, T0 + HOUR), "the code is elsewhere", T0 + HOUR)
    assert fate.starts == []
    assert [(tick.outcome, tick.reason) for tick in fate.ticks] == [(TickOutcome.SKIPPED, "the code is elsewhere")]
    assert fate.cursor_us == T0 + HOUR


def test_a_schedule_that_is_first_seen_begins_now() -> None:
    [change] = changes_for("p", "v1", [hourly(catchup="all")], [], T0 + 5)
    assert (change.before, change.after.cursor_us, change.after.next_at_us) == (None, T0 + 5, T0 + HOUR)
    assert (change.after.paused, change.tell) == (False, True)


def test_a_schedule_may_be_paused_from_the_start() -> None:
    [change] = changes_for("p", "v1", [hourly(paused=True)], [], T0)
    assert (change.after.paused, change.after.next_due_us) == (True, 0)


def test_people_decide_about_a_pause_from_then_on() -> None:
    [change] = changes_for("p", "v2", [hourly(paused=True)], [row()], T0)
    assert not change.after.paused


def test_a_new_schedule_of_a_pipeline_that_is_paused_as_a_whole_is_paused_too() -> None:
    other = Schedule(name="other", rule=IntervalRule(every_s=60))
    changes = changes_for("p", "v2", [hourly(), other], [row(paused=True)], T0)
    assert {change.after.name: change.after.paused for change in changes} == {"s": True, "other": True}
    changes = changes_for("p", "v2", [other], [row(paused=True, retired=True)], T0)
    assert [change.after.paused for change in changes] == [False]


def test_what_is_so_already_is_left_alone() -> None:
    assert changes_for("p", "v1", [hourly()], [row()], T0 + 9 * HOUR) == []


def test_another_version_with_the_same_rule_goes_on_where_the_last_one_was() -> None:
    [change] = changes_for("p", "v2", [hourly(parameters={"n": 1}, catchup="all")], [row()], T0 + 9 * HOUR)
    assert (change.after.cursor_us, change.after.version, change.ticks) == (T0, "v2", [])
    assert len(decide(plan(change.after), T0 + 9 * HOUR).starts) == 9


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(name="s", rule=IntervalRule(every_s=1800)),
        Schedule(name="s", rule=CronRule(text="0 * * * *"), tz="Europe/Madrid"),
        hourly(start_us=T0 + HOUR),
        hourly(calendar=Calendar(holidays=("2027-12-25",))),
    ],
)
def test_where_the_rule_changes_the_new_one_has_no_past_and_the_ticks_of_the_old_one_an_outcome(
    schedule: Schedule,
) -> None:
    [change] = changes_for("p", "v2", [schedule], [row(hourly(catchup="all"))], T0 + 2 * HOUR + 5)
    [tick] = change.ticks
    assert (tick.outcome, tick.count, tick.at_us) == (TickOutcome.SKIPPED, 2, T0 + 2 * HOUR)
    assert "changed before it was decided" in tick.reason
    assert change.after.cursor_us == T0 + 2 * HOUR + 5
    assert change.after.next_at_us > change.after.cursor_us


def test_a_schedule_that_is_gone_is_retired_and_comes_back_as_paused_as_it_was() -> None:
    [gone] = changes_for("p", "v2", [], [row(paused=True)], T0 + 2 * HOUR)
    assert (gone.after.retired, gone.after.next_due_us) == (True, 0)
    assert [tick.reason for tick in gone.ticks] == ["paused"]
    assert changes_for("p", "v2", [], [gone.after], T0 + 3 * HOUR) == []
    [back] = changes_for("p", "v1", [hourly()], [gone.after], T0 + 9 * HOUR)
    assert (back.after.retired, back.after.paused, back.after.cursor_us) == (False, True, T0 + 9 * HOUR)
    assert back.ticks == []


def test_a_definition_that_this_toque_cannot_read_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        plan(row(definition=b'{"name":"s","rule":{"kind":"moon"}}'))

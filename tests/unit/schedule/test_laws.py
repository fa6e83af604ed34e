"""Laws of ticks that hold for every schedule, zone and span."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.schedule.making import us
from toque.graph.schedules import AnyRule, BusinessDaysRule, Calendar, CronRule, IntervalRule, RRuleRule, Schedule
from toque.schedule import walls
from toque.schedule.checks import validate
from toque.schedule.ticks import Tick, instants, jitter_us, next_tick, ticks
from toque.schedule.words import describe

_MINUTE_US = 60_000_000
ZONES = [
    *("Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"),
    *("America/Havana", "Asia/Beirut", "America/St_Johns", "UTC"),  # two of them change at midnight
]
CHANGES = [us("2026-03-29T01:00Z"), us("2026-10-25T01:00Z"), us("2026-03-08T07:00Z"), us("2026-10-03T15:30Z")]


def crons() -> st.SearchStrategy[AnyRule]:
    minutes = st.sampled_from(["0", "30", "*/15", "5,59", "0-3", "*/7"])
    hours = st.sampled_from(["*", "2", "1-3", "*/6", "0", "0-23", "23,0,1"])
    days = st.sampled_from(["* * *", "* * 1-5", "* * SUN", "1,15 * *", "L * *"])
    return st.tuples(minutes, hours, days).map(lambda parts: CronRule(text=" ".join(parts)))


def recurrences() -> st.SearchStrategy[AnyRule]:
    texts = st.sampled_from(
        [
            *("FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO", "FREQ=HOURLY;INTERVAL=5"),
            *(
                "FREQ=MINUTELY;INTERVAL=40",
                "FREQ=MINUTELY;INTERVAL=90",
                "FREQ=MONTHLY;BYDAY=-1SU",
                "FREQ=DAILY;COUNT=2300",
            ),
            *("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        ]
    )
    starts = st.sampled_from(["2020-01-31T02:30:00", "2026-03-28T01:15:00", "2025-12-29T23:59:59"])
    untils = st.sampled_from(["", "", "2026-10-25T02:45:00"])
    return st.builds(lambda text, start, until: RRuleRule(text=text, dtstart=start, until=until), texts, starts, untils)


def rules() -> st.SearchStrategy[AnyRule]:
    intervals = st.builds(
        IntervalRule, every_s=st.sampled_from([60.5, 900, 86_400, 5400]), anchor_us=st.integers(0, 10**15)
    )
    times = st.sampled_from([("02:30",), ("00:00", "12:00:30")])
    nth = st.sampled_from([(), (1, -1), (5,)])
    business = st.builds(BusinessDaysRule, at=times, nth=nth)
    return st.one_of(crons(), recurrences(), intervals, business)


def fires(schedule: Schedule) -> bool:
    """Not with its last day on a holiday: such a schedule is refused, and has no ticks to be tried."""
    rule = schedule.rule
    return isinstance(rule, IntervalRule) or walls.ever(rule, schedule.calendar, datetime.fromisoformat("2019-01-01"))


schedules = st.builds(
    Schedule,
    name=st.just("s"),
    rule=rules(),
    tz=st.sampled_from(ZONES),
    jitter_s=st.sampled_from([0, 0, 90.0]),
    start_us=st.sampled_from([0, 0, CHANGES[0], CHANGES[1] - 3_600_000_000]),
    end_us=st.sampled_from([0, 0, CHANGES[1] + 3_600_000_000]),
    calendar=st.sampled_from([None, None, Calendar(holidays=("2026-03-29", "2026-10-26"))]),
).filter(fires)
moments = st.builds(lambda change, away: change + away, st.sampled_from(CHANGES), st.integers(-2 * 10**11, 2 * 10**11))
lengths = st.integers(0, 3 * 86_400 * 10**6)


def listed(schedule: Schedule, after_us: int, until_us: int) -> list[Tick]:
    return list(ticks(schedule, "p", after_us, until_us))


@settings(deadline=None)
@given(schedules, moments, lengths, lengths)
def test_where_one_stops_and_goes_on_changes_nothing(schedule: Schedule, a: int, first: int, second: int) -> None:
    """ticks(a, c) = ticks(a, b) + ticks(b, c)."""
    b, c = a + first, a + first + second
    assert listed(schedule, a, c) == listed(schedule, a, b) + listed(schedule, b, c)


@settings(deadline=None)
@given(schedules, moments, st.integers(0, 5))
def test_nor_does_it_at_the_instant_of_a_tick(schedule: Schedule, a: int, position: int) -> None:
    c = a + 3 * 86_400 * 10**6
    whole = listed(schedule, a, c)
    if whole:
        b = whole[position % len(whole)].at_us
        assert whole == listed(schedule, a, b) + listed(schedule, b, c)


@settings(deadline=None)
@given(schedules, moments)
def test_the_next_tick_is_the_first_of_the_ticks(schedule: Schedule, a: int) -> None:
    c = a + 3 * 86_400 * 10**6
    found, following = listed(schedule, a, c), next_tick(schedule, "p", a)
    if found:
        assert following == found[0]
    else:
        assert following is None or following.at_us > c


@settings(deadline=None)
@given(schedules, moments, lengths)
def test_ticks_ascend_within_their_bounds(schedule: Schedule, a: int, length: int) -> None:
    found = listed(schedule, a, a + length)
    assert all(before.at_us < after.at_us for before, after in pairwise(found))
    assert all(a < tick.at_us <= a + length for tick in found)
    assert all(tick.at_us >= schedule.start_us for tick in found)
    assert not schedule.end_us or all(tick.at_us < schedule.end_us for tick in found)
    assert [tick.at_us for tick in found] == list(instants(schedule, a, a + length))


@settings(deadline=None)
@given(schedules, moments, lengths)
def test_data_intervals_tile_time(schedule: Schedule, a: int, length: int) -> None:
    """Each begins where the one before ended; nothing of the rule lies within one, not even before `start`."""
    found = listed(schedule, a, a + length)
    assert all(after.start_us == before.end_us for before, after in pairwise(found))
    assert all(tick.start_us <= tick.end_us == tick.at_us for tick in found)
    if found:
        unbounded = Schedule(name="s", rule=schedule.rule, tz=schedule.tz, calendar=schedule.calendar)
        assert not list(instants(unbounded, found[0].start_us, found[0].at_us - 1))


@settings(deadline=None)
@given(schedules, moments, lengths)
def test_jitter_delays_all_ticks_alike(schedule: Schedule, a: int, length: int) -> None:
    late_us = jitter_us(schedule, "p")
    assert 0 <= late_us <= schedule.jitter_s * 10**6
    assert all(tick.due_us == tick.at_us + late_us for tick in listed(schedule, a, a + length))


@settings(deadline=None, max_examples=50)
@given(schedules)
def test_what_the_laws_are_tried_on_is_valid(schedule: Schedule) -> None:
    validate(schedule)


@settings(deadline=None, max_examples=50)
@given(schedules)
def test_every_schedule_can_be_said_in_one_line(schedule: Schedule) -> None:
    words = describe(schedule)
    assert words == words.strip()
    assert "\n" not in words
    assert words.startswith(("every ", "at ", "on "))

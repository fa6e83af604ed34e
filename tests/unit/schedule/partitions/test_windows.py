"""Windows of time: their keys sort as they do, and their spans tile time in every zone."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.errors import UserError
from toque.graph.partitions import Every, TimeWindows
from toque.schedule import zones
from toque.schedule.partitions import windows

EVERY: list[Every] = ["hour", "day", "week", "month", "year"]
ZONES = ["UTC", "Europe/Madrid", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut"]
walls = st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2090-12-31"))


def us(text: str) -> int:
    return zones.instant_us(datetime.fromisoformat(text))


@given(st.sampled_from(EVERY), walls)
def test_a_window_holds_the_times_that_it_is_the_key_of(every: Every, wall: datetime) -> None:
    key = windows.key_at(every, wall)
    start = windows.begin(every, key)
    assert start <= wall < windows.later(every, start)
    assert windows.kind_of(key) == every


@given(st.sampled_from(EVERY), walls, st.integers(1, 400))
def test_keys_sort_as_their_windows_do(every: Every, wall: datetime, count: int) -> None:
    start = windows.begin(every, windows.key_at(every, wall))
    later = windows.later(every, start, count)
    assert windows.key_at(every, start) < windows.key_at(every, later)
    assert windows.later(every, later, -count) == start


@given(st.sampled_from(EVERY), st.sampled_from(ZONES), walls)
def test_spans_tile_time(every: Every, tz: str, wall: datetime) -> None:
    found = TimeWindows(every=every, start=windows.key_at(every, wall), tz="UTC" if every == "hour" else tz)
    start = windows.begin(every, found.start)
    following = windows.key_at(every, windows.later(every, start))
    begin_us, end_us = windows.span(found, found.start)
    assert begin_us < end_us == windows.span(found, following)[0]


@pytest.mark.parametrize(
    ("tz", "key", "begins", "ends"),
    [
        ("Europe/Madrid", "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),  # 23 hours
        ("Europe/Madrid", "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),  # 25 hours
        ("America/Havana", "2026-03-08", "2026-03-08T05:00Z", "2026-03-09T04:00Z"),  # there is no midnight
        ("America/Havana", "2025-11-02", "2025-11-02T04:00Z", "2025-11-03T05:00Z"),  # midnight comes twice
    ],
)
def test_a_day_begins_with_its_midnight_or_the_leap_over_it(tz: str, key: str, begins: str, ends: str) -> None:
    days = TimeWindows(every="day", start="2025-01-01", tz=tz)
    assert windows.span(days, key) == (us(begins.replace("Z", "+00:00")), us(ends.replace("Z", "+00:00")))


def test_weeks_are_those_of_iso_8601() -> None:
    assert windows.key_at("week", datetime.fromisoformat("2025-12-29")) == "2026-W01"
    assert windows.begin("week", "2026-W53") == datetime.fromisoformat("2026-12-28")
    assert list(windows.walk(TimeWindows(every="week", start="2026-W52"), "2026-W52", "2027-W01")) == [
        "2026-W52",
        "2026-W53",
        "2027-W01",
    ]


@pytest.mark.parametrize(
    ("every", "key"),
    [("day", "2026-02-30"), ("month", "2026-13"), ("week", "2025-W53"), ("hour", "2026-01-01T24"), ("year", "26")],
)
def test_what_is_no_window_is_refused_with_an_example(every: Every, key: str) -> None:
    with pytest.raises(UserError, match=rf"{key}.* is not an? {every}") as refused:
        windows.begin(every, key)
    assert windows.EXAMPLES[every] in str(refused.value)
    assert windows.kind_of(key) != every


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-01-01T00:00", ""),
        ("2026-01-01T23:59", ""),
        ("2026-01-02T00:00", "2026-01-01"),
        ("2026-01-20T00:00", "2026-01-05"),
    ],
)
def test_a_window_exists_once_it_is_over(now: str, last: str) -> None:
    days = TimeWindows(every="day", start="2026-01-01", end="2026-01-05")
    assert windows.last_complete(days, us(now + "+00:00")) == last


def test_it_is_over_by_the_clock_of_its_zone() -> None:
    days = TimeWindows(every="day", start="2026-01-01", tz="Europe/Madrid")
    assert windows.last_complete(days, us("2026-01-02T22:59+00:00")) == "2026-01-01"
    assert windows.last_complete(days, us("2026-01-02T23:00+00:00")) == "2026-01-02"

"""Windows of time: each has a key that people can read, and that sorts as the windows do.

| every | key |
|---|---|
| hour | `2026-01-05T13` (UTC) |
| day | `2026-01-05` |
| week | `2026-W02` (ISO 8601: from Monday; the year is that of its Thursday) |
| month | `2026-01` |
| year | `2026` |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, assert_never

from toque.errors import UserError
from toque.graph.partitions import Every, TimeWindows
from toque.schedule import zones

_FORMS: Final[dict[Every, re.Pattern[str]]] = {
    "hour": re.compile(r"\d{4}-\d\d-\d\dT\d\d"),
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
    "week": re.compile(r"\d{4}-W\d\d"),
    "month": re.compile(r"\d{4}-\d\d"),
    "year": re.compile(r"\d{4}"),
}
EXAMPLES: Final[dict[Every, str]] = {
    "hour": "2026-01-05T13",
    "day": "2026-01-05",
    "week": "2026-W02",
    "month": "2026-01",
    "year": "2026",
}
_FIRST: Final = datetime.fromisoformat("1900-01-01")


def kind_of(key: str) -> Every | None:
    """What a key is a window of; None when it is none."""
    return next((every for every, form in _FORMS.items() if form.fullmatch(key) and _begin(every, key)), None)


def begin(every: Every, key: str) -> datetime:
    """The naive wall-clock time at which a window begins. Raises `UserError` for what is no key."""
    found = _begin(every, key) if _FORMS[every].fullmatch(key) else None
    if found is None:
        raise UserError(f"{key!r} is not {_article(every)} {every}.", fix=f"a key such as {EXAMPLES[every]}")
    return found


def key_at(every: Every, wall: datetime) -> str:
    """The key of the window that holds a naive wall-clock time."""
    match every:
        case "hour":
            return wall.strftime("%Y-%m-%dT%H")
        case "day":
            return wall.strftime("%Y-%m-%d")
        case "week":
            year, week, _ = wall.isocalendar()
            return f"{year:04}-W{week:02}"
        case "month":
            return wall.strftime("%Y-%m")
        case "year":
            return wall.strftime("%Y")
        case _:
            assert_never(every)


def later(every: Every, start: datetime, count: int = 1) -> datetime:
    """The begin of the window `count` windows after the one that begins at `start`."""
    match every:
        case "hour":
            return start + timedelta(hours=count)
        case "day":
            return start + timedelta(days=count)
        case "week":
            return start + timedelta(weeks=count)
        case "month":
            months = start.year * 12 + start.month - 1 + count
            return start.replace(year=months // 12, month=months % 12 + 1)
        case "year":
            return start.replace(year=start.year + count)
        case _:
            assert_never(every)


def span(windows: TimeWindows, key: str) -> tuple[int, int]:
    """Start and end (exclusive) of a window, as instants in microseconds.

    A window begins when the wall clock of its zone first shows that time, or leaps over it."""
    start = begin(windows.every, key)
    return _instant(windows, start), _instant(windows, later(windows.every, start))


def walk(windows: TimeWindows, first: str, last: str) -> Iterator[str]:
    """The keys from one window to another, both inclusive; nothing when the last comes before the first."""
    start, end = begin(windows.every, first), begin(windows.every, last)
    while start <= end:
        yield key_at(windows.every, start)
        start = later(windows.every, start)


def count(windows: TimeWindows, first: str, last: str) -> int:
    """How many there are from one window to another, both inclusive, however many."""
    start, end = begin(windows.every, first), begin(windows.every, last)
    match windows.every:
        case "hour" | "day" | "week":
            return max(0, (end - start) // (later(windows.every, start) - start) + 1)
        case "month":
            return max(0, (end.year - start.year) * 12 + end.month - start.month + 1)
        case "year":
            return max(0, end.year - start.year + 1)
        case _:
            assert_never(windows.every)


def last_complete(windows: TimeWindows, now_us: int) -> str:
    """The newest window that is over; "" when none is."""
    start = begin(windows.every, key_at(windows.every, _wall(windows, now_us)))
    if start <= _FIRST:
        return ""
    before = key_at(windows.every, later(windows.every, start, -1))
    if windows.end and before > windows.end:
        before = windows.end
    return before if before >= windows.start else ""


def _instant(windows: TimeWindows, wall: datetime) -> int:
    if windows.every == "hour" or windows.tz == "UTC":
        return zones.instant_us(wall.replace(tzinfo=UTC))
    zone = zones.zone(windows.tz)
    first = wall.replace(tzinfo=zone, fold=0)
    at_us = zones.instant_us(first)
    shown = zones.local(windows.tz, at_us).replace(tzinfo=None)
    if shown == wall:
        return at_us
    # Leapt over: the window begins at the leap. Before it the clock showed less, after it more.
    return next(
        segment.start_us
        for segment in zones.segments(windows.tz, at_us - 86_400_000_000)
        if zones.wall_us(wall) < segment.start_us + segment.offset_us
    )


def _wall(windows: TimeWindows, at_us: int) -> datetime:
    tz = "UTC" if windows.every == "hour" else windows.tz
    return zones.local(tz, at_us).replace(tzinfo=None)


def _begin(every: Every, key: str) -> datetime | None:
    try:
        match every:
            case "hour":
                return datetime.strptime(key, "%Y-%m-%dT%H")  # noqa: DTZ007 (a wall clock)
            case "week":
                year, week = key.split("-W")
                return datetime.combine(date.fromisocalendar(int(year), int(week), 1), datetime.min.time())
            case "day":
                return datetime.fromisoformat(key)
            case "month":
                return datetime.fromisoformat(f"{key}-01")
            case "year":
                return datetime.fromisoformat(f"{key}-01-01")
            case _:
                assert_never(every)
    except ValueError:
        return None


def _article(every: Every) -> str:
    return "an" if every == "hour" else "a"

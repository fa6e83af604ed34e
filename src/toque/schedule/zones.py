"""Zones: when the clocks of a place change, from the `tzdata` package alone.

The rules are a constant of the installation: the release of `tzdata` that Toque is installed with, never the
operating system's files, so that two servers of one version agree on every tick. They are read once for each zone
and kept. Instants are integer microseconds since 1970 in UTC; wall-clock times are the same of the naive local time.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND_US: Final = 1_000_000
_DAY_US: Final = 86_400 * _SECOND_US
LAST_YEAR: Final = 2200
"""Nobody looks further ahead."""


class Segment(NamedTuple):
    """A span of time in which the offset of a zone is constant."""

    start_us: int
    end_us: int
    """Exclusive."""
    offset_us: int
    """Local minus UTC."""
    before_us: int
    """The offset just before: smaller after a gap, larger after an overlap, else the same."""


def segments(tz: str, after_us: int) -> Iterator[Segment]:
    """The segments that end after an instant, in order, up to the end of `LAST_YEAR`."""
    first = max(1, min(LAST_YEAR, utc(after_us).year))
    for year in range(first, LAST_YEAR + 1):
        for segment in _of_year(tz, year):
            if segment.end_us > after_us:
                yield segment


def offset_us(tz: str, at_us: int) -> int:
    """Local minus UTC at an instant."""
    found = utc(at_us).astimezone(zone(tz)).utcoffset()
    assert found is not None
    return found // timedelta(microseconds=1)


def utc(at_us: int) -> datetime:
    """An instant as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at_us)


def local(tz: str, at_us: int) -> datetime:
    """An instant as the wall clock of a zone shows it, aware."""
    return utc(at_us).astimezone(zone(tz))


def instant_us(moment: datetime) -> int:
    """An aware datetime as an instant."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def wall_us(wall: datetime) -> int:
    """A naive wall-clock time as a number."""
    return (wall.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def wall(number_us: int) -> datetime:
    """The naive wall-clock time of a number."""
    return utc(number_us).replace(tzinfo=None)


@lru_cache(maxsize=1024)
def zone(tz: str) -> ZoneInfo:
    """The rules of a zone. Raises `KeyError` for a name that does not exist."""
    if tz not in names():
        raise KeyError(tz)
    with resources.files("tzdata").joinpath("zoneinfo", *tz.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=tz)


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """All zones that exist."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def nearest(tz: str) -> str:
    """The zone that a wrong name was probably meant to be; "" when nothing is near."""
    by_folded = {name.casefold(): name for name in names()}
    wanted = tz.strip().replace(" ", "_").casefold()
    by_city = {name.casefold().rpartition("/")[2]: name for name in sorted(names(), reverse=True)}
    city = wanted.rpartition("/")[2]
    if city in by_city and wanted not in by_folded:
        return by_city[city]
    near = difflib.get_close_matches(wanted, by_folded, n=1, cutoff=0.5)
    if near:
        return by_folded[near[0]]
    near = difflib.get_close_matches(city, by_city, n=1, cutoff=0.7)
    return by_city[near[0]] if near else ""


@lru_cache(maxsize=4096)
def _of_year(tz: str, year: int) -> tuple[Segment, ...]:
    """The segments of one year in UTC. The zone is looked at once a day: no place changed back within one."""
    start, end = (instant_us(datetime(each, 1, 1, tzinfo=UTC)) for each in (year, year + 1))
    found: list[Segment] = []
    before = offset_us(tz, start - _SECOND_US)
    opened, offset = start, offset_us(tz, start)
    for probe in range(start + _DAY_US, end + 1, _DAY_US):
        last = min(probe, end - _SECOND_US)
        if (now := offset_us(tz, last)) != offset:
            change = _change(tz, last - _DAY_US, last)
            found.append(Segment(opened, change, offset, before))
            opened, before, offset = change, offset, now
    found.append(Segment(opened, end, offset, before))
    return tuple(found)


def _change(tz: str, low_us: int, high_us: int) -> int:
    """The first second at which the offset is that of `high_us`; that of `low_us` is another one."""
    old = offset_us(tz, low_us)
    while high_us - low_us > _SECOND_US:
        middle = (low_us + high_us) // 2 // _SECOND_US * _SECOND_US
        if offset_us(tz, middle) == old:
            low_us = middle
        else:
            high_us = middle
    return high_us

"""Zones: offsets and changes are those of the pinned database, and found to the second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.unit.schedule.making import shown, us
from toque.schedule import zones

HOUR_US = 3_600_000_000


def changes(tz: str, begin: str, end: str) -> list[tuple[str, float, float]]:
    """The changes of a zone: when, and the offsets before and after in hours."""
    found = []
    for segment in zones.segments(tz, us(begin)):
        if segment.start_us >= us(end):
            return found
        if segment.before_us != segment.offset_us:
            found.append((shown(segment.start_us), segment.before_us / HOUR_US, segment.offset_us / HOUR_US))
    raise AssertionError("the segments ended")


@pytest.mark.parametrize(
    ("tz", "expected"),
    [
        ("Europe/Madrid", [("2026-03-29T01:00Z", 1.0, 2.0), ("2026-10-25T01:00Z", 2.0, 1.0)]),
        ("America/New_York", [("2026-03-08T07:00Z", -5.0, -4.0), ("2026-11-01T06:00Z", -4.0, -5.0)]),
        ("Australia/Lord_Howe", [("2026-04-04T15:00Z", 11.0, 10.5), ("2026-10-03T15:30Z", 10.5, 11.0)]),
        ("Asia/Kathmandu", []),
        ("UTC", []),
    ],
)
def test_changes_are_found_to_the_second(tz: str, expected: list[tuple[str, float, float]]) -> None:
    assert changes(tz, "2026-01-01T00:00Z", "2027-01-01T00:00Z") == expected


def test_a_change_at_the_turn_of_a_year() -> None:
    assert changes("Asia/Kathmandu", "1985-06-01T00:00Z", "1986-06-01T00:00Z") == [("1985-12-31T18:30Z", 5.5, 5.75)]


@pytest.mark.parametrize("tz", ["Europe/Madrid", "Africa/Casablanca", "America/St_Johns"])
def test_segments_tile_time_with_the_offsets_of_the_zone(tz: str) -> None:
    found = list(islice(zones.segments(tz, us("2024-05-05T00:00Z")), 30))
    assert found[0].start_us <= us("2024-05-05T00:00Z") < found[0].end_us
    for before, after in pairwise(found):
        assert (before.end_us, before.offset_us) == (after.start_us, after.before_us)
    for segment in found:
        for at_us in (segment.start_us, (segment.start_us + segment.end_us) // 2, segment.end_us - 1_000_000):
            assert zones.offset_us(tz, at_us) == segment.offset_us


def test_the_rules_are_those_of_the_package_and_not_of_the_system() -> None:
    with resources.files("tzdata").joinpath("zoneinfo", "Africa", "Casablanca").open("rb") as file:
        packaged = ZoneInfo.from_file(file)
    moments = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(730)]
    mine = zones.zone("Africa/Casablanca")
    assert [each.astimezone(mine).utcoffset() for each in moments] == [
        each.astimezone(packaged).utcoffset() for each in moments
    ]


def test_walls_and_instants_are_numbers_both_ways() -> None:
    assert zones.wall(zones.wall_us(datetime.fromisoformat("2026-03-29T02:30:00"))).isoformat() == "2026-03-29T02:30:00"
    assert zones.instant_us(zones.utc(1_774_746_000_000_001)) == 1_774_746_000_000_001
    assert zones.local("Europe/Madrid", us("2026-07-01T00:00Z")).isoformat() == "2026-07-01T02:00:00+02:00"


def test_a_zone_that_does_not_exist() -> None:
    with pytest.raises(KeyError):
        zones.zone("Europe/Atlantis")
    with pytest.raises(KeyError):
        zones.zone("../../etc/passwd")
    assert zones.nearest("Europe/Berlinn") == "Europe/Berlin"

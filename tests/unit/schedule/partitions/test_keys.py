"""Keys of partitionings, and what is wrong with those that cannot be."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.errors import UserError
from toque.graph.partitions import AnyPartitioning, DynamicKeys, Every, Grid, StaticKeys, TimeWindows
from toque.schedule import zones
from toque.schedule.partitions import Known, check, count, has_key, keys, windows

NOW = zones.instant_us(datetime.fromisoformat("2026-03-10T12:00+00:00"))
KNOWN = Known(NOW, {"customers": ("ada", "bob")})
DAYS = TimeWindows(every="day", start="2026-03-07")
REGIONS = StaticKeys(keys=("eu", "us"))
CUSTOMERS = DynamicKeys(name="customers")
GRID = Grid(rows=DAYS, columns=REGIONS, names=("day", "region"))


@pytest.mark.parametrize(
    ("partitioning", "expected"),
    [
        (DAYS, ["2026-03-07", "2026-03-08", "2026-03-09"]),
        (TimeWindows(every="month", start="2025-12"), ["2025-12", "2026-01", "2026-02"]),
        (TimeWindows(every="year", start="2026"), []),
        (REGIONS, ["eu", "us"]),
        (CUSTOMERS, ["ada", "bob"]),
        (DynamicKeys(name="nobody"), []),
        (
            GRID,
            [
                "2026-03-07|eu",
                "2026-03-07|us",
                "2026-03-08|eu",
                "2026-03-08|us",
                "2026-03-09|eu",
                "2026-03-09|us",
            ],
        ),
    ],
)
def test_the_keys_there_are(partitioning: AnyPartitioning, expected: list[str]) -> None:
    check(partitioning)
    assert list(keys(partitioning, KNOWN)) == expected
    assert all(has_key(partitioning, key, KNOWN) for key in expected)


@given(st.text(max_size=14) | st.sampled_from(["2026-03-06", "2026-03-10", "2026-03", "eu|us", "2026-03-08|"]))
def test_no_other_key_is_there(key: str) -> None:
    for partitioning in (DAYS, REGIONS, CUSTOMERS, GRID):
        assert has_key(partitioning, key, KNOWN) == (key in keys(partitioning, KNOWN))


@pytest.mark.parametrize(
    ("partitioning", "message"),
    [
        (StaticKeys(keys=()), "no key"),
        (StaticKeys(keys=("eu", "us", "eu")), "'eu' is given twice"),
        (StaticKeys(keys=("a|b",)), "cannot be the key"),
        (StaticKeys(keys=("a..b",)), "cannot be the key"),
        (StaticKeys(keys=(" a",)), "cannot be the key"),
        (DynamicKeys(name=""), "no name"),
        (TimeWindows(every="day", start="2026-01"), "is not a day"),
        (TimeWindows(every="day", start="2026-01-02", end="2026-01-01"), "before they begin"),
        (TimeWindows(every="hour", start="2026-01-02T00", tz="Europe/Madrid"), "Hours of Europe/Madrid"),
        (TimeWindows(every="day", start="2026-01-02", tz="Europe/Madird"), "no time zone"),
        (Grid(rows=DAYS, columns=REGIONS, names=("day", "day")), "one name"),
        (Grid(rows=DAYS, columns=StaticKeys(keys=()), names=("day", "region")), "no key"),
    ],
)
def test_what_cannot_be_is_refused(partitioning: AnyPartitioning, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(partitioning)


@pytest.mark.parametrize("every", ["hour", "day", "week", "month", "year"])
@given(months=st.integers(0, 30))
def test_they_are_counted_as_they_are_listed(every: Every, months: int) -> None:
    first = windows.key_at(every, datetime(2023 + months // 12, 1 + months % 12, 17, 5))  # noqa: DTZ001 (a wall clock)
    found = TimeWindows(every=every, start=first, tz="UTC" if every == "hour" else "Europe/Madrid")
    assert count(found, KNOWN) == len(keys(found, KNOWN))


@pytest.mark.parametrize("partitioning", [DAYS, REGIONS, CUSTOMERS, GRID, TimeWindows(every="day", start="2099-01-01")])
def test_of_all_kinds(partitioning: AnyPartitioning) -> None:
    assert count(partitioning, KNOWN) == len(keys(partitioning, KNOWN))


def test_what_is_too_many_to_list_is_counted() -> None:
    assert count(TimeWindows(every="hour", start="1990-01-01T00"), KNOWN) > 300_000


def test_more_keys_than_anybody_fills_are_refused() -> None:
    with pytest.raises(UserError, match="more than 100,000"):
        keys(TimeWindows(every="hour", start="1990-01-01T00"), KNOWN)

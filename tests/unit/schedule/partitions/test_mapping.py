"""Which slices upstream a slice reads."""

from __future__ import annotations

import pytest

from tests.unit.schedule.partitions.test_keys import DAYS, GRID, KNOWN, REGIONS
from toque.errors import UserError
from toque.graph.partitions import (
    AllKeys,
    AnyMapping,
    AnyPartitioning,
    FixedKeys,
    Grid,
    LastKey,
    Matching,
    StaticKeys,
    TimeWindows,
    TrailingWindows,
)
from toque.schedule.partitions import upstream_keys
from toque.schedule.partitions.mapping import check_mapping

HOURS = TimeWindows(every="hour", start="2026-03-07T00")
WEEKS = TimeWindows(every="week", start="2026-W08")
MONTHS = TimeWindows(every="month", start="2025-12")
LONG_DAYS = TimeWindows(every="day", start="2026-02-01")
COLOURS = StaticKeys(keys=("red", "blue"))


@pytest.mark.parametrize(
    ("mapping", "ours", "theirs", "key", "expected"),
    [
        (Matching(), DAYS, DAYS, "2026-03-08", ["2026-03-08"]),
        (Matching(), MONTHS, LONG_DAYS, "2026-02", [f"2026-02-{day:02}" for day in range(1, 29)]),
        (Matching(), LONG_DAYS, MONTHS, "2026-02-11", ["2026-02"]),
        (Matching(), DAYS, MONTHS, "2026-03-08", []),  # March is not over
        (Matching(), DAYS, HOURS, "2026-03-08", [f"2026-03-08T{hour:02}" for hour in range(24)]),
        (Matching(), WEEKS, LONG_DAYS, "2026-W09", [f"2026-02-{day}" for day in range(23, 29)] + ["2026-03-01"]),
        (Matching(), DAYS, None, "2026-03-08", [""]),
        (Matching(), None, REGIONS, "", ["eu", "us"]),
        (Matching(), REGIONS, REGIONS, "eu", ["eu"]),
        (Matching(), GRID, DAYS, "2026-03-08|us", ["2026-03-08"]),
        (Matching(), GRID, REGIONS, "2026-03-08|us", ["us"]),
        (Matching(), GRID, GRID, "2026-03-08|us", ["2026-03-08|us"]),
        (Matching(), DAYS, GRID, "2026-03-08", ["2026-03-08|eu", "2026-03-08|us"]),
        (AllKeys(), DAYS, REGIONS, "2026-03-08", ["eu", "us"]),
        (LastKey(), None, DAYS, "", ["2026-03-09"]),
        (FixedKeys(keys=("eu",)), DAYS, REGIONS, "2026-03-08", ["eu"]),
        (TrailingWindows(count=3), DAYS, LONG_DAYS, "2026-03-08", ["2026-03-06", "2026-03-07", "2026-03-08"]),
        (TrailingWindows(count=3), DAYS, DAYS, "2026-03-08", ["2026-03-07", "2026-03-08"]),  # there is no earlier one
        (TrailingWindows(count=2), DAYS, GRID, "2026-03-08", ["2026-03-07|eu", "2026-03-07|us", "2026-03-08|eu"]),
    ],
)
def test_the_slices_that_a_slice_reads(
    mapping: AnyMapping,
    ours: AnyPartitioning | None,
    theirs: AnyPartitioning | None,
    key: str,
    expected: list[str],
) -> None:
    check_mapping(mapping, ours, theirs)
    found = upstream_keys(mapping, ours, theirs, key, KNOWN)
    assert list(found)[: len(expected)] == expected
    assert len(found) == len(expected) or isinstance(theirs, Grid)


@pytest.mark.parametrize(
    ("mapping", "ours", "theirs", "message"),
    [
        (Matching(), REGIONS, COLOURS, "nothing in common"),
        (Matching(), DAYS, REGIONS, "nothing in common"),
        (TrailingWindows(count=3), REGIONS, DAYS, "windows of time on both sides"),
        (TrailingWindows(count=3), None, DAYS, "windows of time on both sides"),
        (TrailingWindows(count=0), DAYS, DAYS, "reads nothing"),
    ],
)
def test_a_mapping_that_finds_nothing_is_refused(
    mapping: AnyMapping, ours: AnyPartitioning | None, theirs: AnyPartitioning | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        check_mapping(mapping, ours, theirs)

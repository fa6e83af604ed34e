"""Runs of several partitions: what lies side by side is one run, and its keys are found again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.errors import UserError
from toque.graph.partitions import AnyPartitioning, DynamicKeys, Grid, StaticKeys, TimeWindows
from toque.schedule.partitions import Known, dynamic_names, keys, keys_of, selected, span
from toque.schedule.partitions.ranges import Strategy, grouped, read_strategy, span_of

DAYS = TimeWindows(every="day", start="2026-02-20", end="2026-03-10", tz="Europe/Madrid")
HOUSES = StaticKeys(keys=("apes", "birds", "cats", "dogs"))
NOW = Known(1_800_000_000_000_000)
BOTH = Grid(rows=DAYS, columns=HOUSES, names=("day", "house"))


@given(st.sets(st.integers(0, 18)), st.integers(0, 9), st.sampled_from([DAYS, HOUSES]))
def test_runs_hold_the_chosen_keys_each_once_in_order(
    places: set[int], size: int, partitioning: AnyPartitioning
) -> None:
    every = keys(partitioning, NOW)
    chosen = [key for place, key in enumerate(every) if place in places]
    runs = grouped(partitioning, chosen, Strategy(size))
    held = [key for partition, _ in runs for key in keys_of(partitioning, partition)]
    assert held == chosen
    assert [count for _, count in runs] == [len(keys_of(partitioning, partition)) for partition, _ in runs]
    assert all(count <= size for _, count in runs) or not size


def test_a_gap_begins_another_run() -> None:
    chosen = selected(DAYS, "2026-02-27..2026-03-02,2026-03-05", NOW)
    assert grouped(DAYS, chosen, Strategy(0)) == [("2026-02-27..2026-03-02", 4), ("2026-03-05", 1)]
    assert grouped(DAYS, chosen, Strategy(3))[:2] == [("2026-02-27..2026-03-01", 3), ("2026-03-02", 1)]
    assert grouped(HOUSES, ("apes", "cats", "dogs"), Strategy(0)) == [("apes", 1), ("cats..dogs", 2)]


def test_the_time_of_a_run_is_that_of_all_its_partitions() -> None:
    begin, end = span_of(DAYS, "2026-02-27..2026-03-02")
    assert (begin, end) == (span(DAYS, "2026-02-27")[0], span(DAYS, "2026-03-02")[1])
    assert span_of(DAYS, "2026-02-27") == span(DAYS, "2026-02-27")
    assert span_of(BOTH, "2026-02-27|apes") == span(DAYS, "2026-02-27")
    assert span_of(HOUSES, "apes..cats") == (0, 0)
    assert span_of(None, "") == (0, 0)


def test_a_run_of_what_is_not_cut_is_of_the_whole() -> None:
    assert keys_of(None, "") == ("",)
    assert keys_of(DynamicKeys(name="customers"), "c1") == ("c1",)


@pytest.mark.parametrize(
    ("partitioning", "partition", "message"),
    [
        (DAYS, "2026-02-27..tomorrow", "'tomorrow' is not a day"),
        (DAYS, "2026-01-01..2026-02-27", "no partition '2026-01-01'"),
        (HOUSES, "apes..zebras", "no partition 'zebras'"),
        (DynamicKeys(name="customers"), "a..b", "Only windows of time and static keys have ranges"),
    ],
)
def test_what_names_no_range_is_refused(partitioning: AnyPartitioning, partition: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        keys_of(partitioning, partition)


def test_only_windows_and_static_keys_are_grouped() -> None:
    with pytest.raises(UserError, match="Only windows of time"):
        grouped(BOTH, ("2026-02-27|apes", "2026-02-27|birds"), Strategy(2))
    assert grouped(BOTH, ("2026-02-27|apes",), Strategy(1)) == [("2026-02-27|apes", 1)]


def test_a_strategy_is_read_as_it_is_written() -> None:
    assert [read_strategy(text) for text in ("", "per_key", "single_run", "ranges(30)")] == [
        *(Strategy(1), Strategy(1), Strategy(0), Strategy(30))
    ]
    for text in ("ranges(1)", "ranges(x)", "weekly"):
        with pytest.raises(UserError, match="no way to make partitions"):
            read_strategy(text)


def test_dynamic_partitions_are_found_in_both_dimensions() -> None:
    grid = Grid(rows=DynamicKeys(name="a"), columns=DynamicKeys(name="b"), names=("x", "y"))
    assert dynamic_names([None, DAYS, grid, DynamicKeys(name="a")]) == ("a", "b")

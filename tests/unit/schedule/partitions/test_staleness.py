"""Staleness: code that is another one, sources that changed, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

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
from toque.schedule.partitions import Known, keys, upstream_keys
from toque.schedule.partitions.staleness import CODE, NEVER, Source, Standing, stale_slices, why_stale

KNOWN = Known(int(datetime(2026, 2, 1, tzinfo=UTC).timestamp()) * 1_000_000)
DAYS = TimeWindows(every="day", start="2026-01-01", end="2026-01-20")
MONTHS = TimeWindows(every="month", start="2026-01")
REGIONS = StaticKeys(keys=("eu", "us"))
GRID = Grid(rows=DAYS, columns=REGIONS, names=("day", "region"))


def stale(
    ours: AnyPartitioning | None,
    theirs: AnyPartitioning | None,
    changed: str,
    mapping: AnyMapping | None = None,
) -> set[str]:
    """Our slices, all made at 10, that are stale once the slice `changed` of the source became another one at 20."""
    mine = keys(ours, KNOWN) if ours is not None else ("",)
    there = keys(theirs, KNOWN) if theirs is not None else ("",)
    slices = {key: Standing(made_us=10) for key in mine}
    sources = {key: Standing(made_us=20, changed_us=20 if key == changed else 5) for key in there}
    source = Source("raw", mapping or Matching(), theirs, sources)
    found = stale_slices(ours, "", slices, [source], KNOWN)
    assert set(found.values()) <= {("raw changed since",)}
    # What is asked for all at once is what each slice reads.
    slow = {key for key in mine if changed in upstream_keys(mapping or Matching(), ours, theirs, key, KNOWN)}
    assert set(found) == slow
    return set(found)


def test_what_was_never_made_says_only_that() -> None:
    assert why_stale(None, "v2", [("raw", 50)]) == (NEVER,)
    assert why_stale(Standing(changed_us=3, code_version="v1"), "v2", []) == (NEVER,)


def test_other_code_is_a_reason_and_unknown_code_is_none() -> None:
    assert why_stale(Standing(10, 10, "v1"), "v2", []) == (CODE,)
    assert why_stale(Standing(10, 10, "v2"), "v2", []) == ()
    assert why_stale(Standing(10, 10, ""), "v2", []) == ()
    assert why_stale(Standing(10, 10, "v1"), "", []) == ()


def test_a_source_that_changed_later_is_a_reason_and_one_that_changed_before_is_none() -> None:
    assert why_stale(Standing(10), "", [("raw", 11), ("rates", 9), ("raw", 12)]) == ("raw changed since",)
    assert why_stale(Standing(10, 10, "v1"), "v2", [("raw", 11)]) == (CODE, "raw changed since")


def test_a_source_that_was_made_again_with_equal_content_is_no_reason() -> None:
    source = Source("raw", Matching(), None, {"": Standing(made_us=30, changed_us=5)})
    assert stale_slices(None, "", {"": Standing(made_us=10)}, [source], KNOWN) == {}


def test_slices_that_match_go_stale_alone() -> None:
    assert stale(DAYS, DAYS, "2026-01-05") == {"2026-01-05"}
    assert stale(MONTHS, DAYS, "2026-01-05") == {"2026-01"}
    assert len(stale(DAYS, MONTHS, "2026-01")) == 20
    assert stale(GRID, DAYS, "2026-01-05") == {"2026-01-05|eu", "2026-01-05|us"}
    assert stale(DAYS, GRID, "2026-01-05|us") == {"2026-01-05"}


def test_windows_that_trail_go_stale_behind_a_change() -> None:
    expected = {"2026-01-05", "2026-01-06", "2026-01-07"}
    assert stale(DAYS, DAYS, "2026-01-05", TrailingWindows(count=3)) == expected
    assert stale(MONTHS, DAYS, "2026-01-20", TrailingWindows(count=5)) == set()


def test_the_whole_goes_stale_by_any_slice_that_it_reads() -> None:
    assert stale(None, DAYS, "2026-01-05") == {""}
    assert stale(None, DAYS, "2026-01-05", AllKeys()) == {""}
    assert stale(None, DAYS, "2026-01-05", LastKey()) == set()
    assert stale(None, DAYS, "2026-01-20", LastKey()) == {""}
    assert len(stale(DAYS, REGIONS, "us", FixedKeys(keys=("us",)))) == 20
    assert stale(DAYS, REGIONS, "us", FixedKeys(keys=("eu",))) == set()


def test_all_slices_go_stale_by_a_source_that_is_not_cut() -> None:
    assert len(stale(DAYS, None, "")) == 20
    assert stale(None, None, "") == {""}


def test_a_source_that_was_never_made_makes_nothing_stale() -> None:
    source = Source("raw", Matching(), DAYS, {})
    slices = {key: Standing(made_us=1) for key in keys(DAYS, KNOWN)}
    assert stale_slices(DAYS, "", slices, [source], KNOWN) == {}


def test_only_slices_that_were_made_are_judged() -> None:
    assert stale_slices(DAYS, "v2", {"2026-01-01": Standing(changed_us=3)}, [], KNOWN) == {}

"""Five daily assets on the flights data: two days fail, and are retried alone. `benchmarks.backfill` does a year."""

from __future__ import annotations

from benchmarks.backfill import main


def test_two_days_that_failed_are_retried_alone() -> None:
    figures = main("2013-01-02..2013-01-06")
    assert figures["days"] == 5

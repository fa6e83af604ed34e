"""Days of five assets of the flights example: two fail, and are retried alone. `benchmarks.backfill` does a year."""

from __future__ import annotations

from benchmarks.backfill import main
from tests.examples.conftest import ROOT, blocks


def test_two_days_that_failed_are_retried_alone_as_the_page_about_backfills_shows() -> None:
    (shown,) = blocks(ROOT / "docs" / "how-to" / "backfills.md", "console")
    command, *lines = shown.splitlines()
    partitions = command.removeprefix("$ toque materialize '+summary' --partitions ")
    figures = main(partitions)
    assert figures.days == 3
    assert figures.lines == lines

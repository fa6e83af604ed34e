"""What a text selects."""

from __future__ import annotations

import pytest

from tests.unit.schedule.partitions.test_keys import CUSTOMERS, DAYS, GRID, KNOWN, REGIONS
from toque.errors import UserError
from toque.graph.partitions import AnyPartitioning, TimeWindows
from toque.schedule.partitions import keys, selected

YEAR = TimeWindows(every="day", start="2025-01-01")
WEEKS = TimeWindows(every="week", start="2025-W01")


@pytest.mark.parametrize(
    ("partitioning", "text", "expected"),
    [
        (DAYS, "all", ["2026-03-07", "2026-03-08", "2026-03-09"]),
        (DAYS, "2026-03-08", ["2026-03-08"]),
        (DAYS, "2026-03-09, 2026-03-07", ["2026-03-07", "2026-03-09"]),
        (DAYS, "2026-03-08..2026-03-09", ["2026-03-08", "2026-03-09"]),
        (DAYS, "..2026-03-08", ["2026-03-07", "2026-03-08"]),
        (DAYS, "2026-03-08..", ["2026-03-08", "2026-03-09"]),
        (DAYS, "2026-03", ["2026-03-07", "2026-03-08", "2026-03-09"]),
        (DAYS, "2026", ["2026-03-07", "2026-03-08", "2026-03-09"]),
        (REGIONS, "us", ["us"]),
        (REGIONS, "eu..us", ["eu", "us"]),
        (CUSTOMERS, "bob", ["bob"]),
        (GRID, "2026-03-08|eu", ["2026-03-08|eu"]),
        (GRID, "2026-03-08", ["2026-03-08|eu", "2026-03-08|us"]),
        (GRID, "*|us", ["2026-03-07|us", "2026-03-08|us", "2026-03-09|us"]),
        (GRID, "2026-03-08..|us", ["2026-03-08|us", "2026-03-09|us"]),
        (WEEKS, "2025-01", ["2025-W01", "2025-W02", "2025-W03", "2025-W04", "2025-W05"]),
    ],
)
def test_a_selection(partitioning: AnyPartitioning, text: str, expected: list[str]) -> None:
    assert list(selected(partitioning, text, KNOWN)) == expected


def test_months_select_their_days() -> None:
    found = selected(YEAR, "2025-01..2025-03", KNOWN)
    assert (found[0], found[-1], len(found)) == ("2025-01-01", "2025-03-31", 90)
    assert found == tuple(key for key in keys(YEAR, KNOWN) if key[:7] in ("2025-01", "2025-02", "2025-03"))


@pytest.mark.parametrize(
    ("partitioning", "text", "message"),
    [
        (DAYS, "2026-03-20", "no partition '2026-03-20'"),
        (DAYS, "2024", "selects no partition"),
        (DAYS, "yesterday", "is not a day"),
        (DAYS, "soon..2026", "is not a time"),
        (DAYS, "2026-03-08,", "is empty"),
        (REGIONS, "uss", "no partition 'uss'"),
        (REGIONS, "eu..ap", "no partition 'ap'"),
        (GRID, "2026-03-08|ap", "no partition 'ap'"),
    ],
)
def test_what_selects_nothing_says_what_there_is(partitioning: AnyPartitioning, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        selected(partitioning, text, KNOWN)
    assert refused.value.fix

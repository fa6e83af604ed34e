"""What can be a key at all, whether or not its window is over yet."""

from __future__ import annotations

import pytest

from tests.unit.schedule.partitions.test_keys import CUSTOMERS, DAYS, GRID, REGIONS
from toque.errors import UserError
from toque.graph.partitions import AnyPartitioning, TimeWindows
from toque.schedule.partitions.keys import check_key, parts, windows_of


@pytest.mark.parametrize(
    ("partitioning", "key"),
    [(DAYS, "2099-01-01"), (REGIONS, "eu"), (CUSTOMERS, "anybody"), (GRID, "2099-01-01|us")],
)
def test_what_can_be_a_key(partitioning: AnyPartitioning, key: str) -> None:
    check_key(partitioning, key)


@pytest.mark.parametrize(
    ("partitioning", "key", "fix"),
    [
        (DAYS, "2026-03-06", "2026-03-07 on"),
        (TimeWindows(every="day", start="2026-03-07", end="2026-03-09"), "2026-03-10", "2026-03-07 to 2026-03-09"),
        (DAYS, "2026-03", "2026-01-05"),
        (REGIONS, "ap", "eu, us"),
        (CUSTOMERS, "a|b", "without |"),
        (GRID, "2026-03-08|ap", "eu, us"),
        (GRID, "2026-03-08", "eu, us"),
    ],
)
def test_what_cannot_says_what_can(partitioning: AnyPartitioning, key: str, fix: str) -> None:
    with pytest.raises(UserError) as refused:
        check_key(partitioning, key)
    assert fix in refused.value.fix


def test_the_parts_of_a_key() -> None:
    assert parts(DAYS, "2026-03-08") == ((DAYS, "2026-03-08"),)
    assert parts(GRID, "2026-03-08|eu") == ((DAYS, "2026-03-08"), (REGIONS, "eu"))
    assert windows_of(GRID) == windows_of(DAYS) == DAYS
    assert windows_of(REGIONS) is windows_of(CUSTOMERS) is None

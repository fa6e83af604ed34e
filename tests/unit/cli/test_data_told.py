"""What a load, a sync, an asset and its checks come to in one line."""

from __future__ import annotations

import pytest

from toque.cli.data_told import SHOWN_CHECKS, DataTold
from toque.engine.assets import Checked, Materialized, Observed


def made(asset: str = "lake.orders", *, partition: str = "", rows: int | None = 15, **metadata: object) -> Materialized:
    return Materialized(asset=asset, partition=partition, data_version="v", rows=rows, metadata=metadata)


def checked(check: str, *, passed: bool = False, bad: int = 1, partition: str = "") -> Checked:
    return Checked(
        asset="lake.orders", check=check, passed=passed, failed_rows=bad, total_rows=bad and 9, partition=partition
    )


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (made(read=4, inserted=3, updated=0, deleted=0, set_aside=1), "3 inserted, 1 set aside"),
        (made(read=0, inserted=0, updated=0, deleted=0), "no rows moved"),
        (made(sent=1200, accepted=1190, rejected=10, invalid=0, unchanged=7), "1,200 sent, 10 rejected"),
        (made(sent=0, accepted=0, unchanged=7), "no rows moved"),
        (made(loaded={"orders": 3, "orders__lines": 5}), "8 loaded"),
        (made(replayed=2, still_bad=1), "2 replayed, 1 still bad"),
        (made(), "15 rows"),
        (made(rows=1, set_aside=2), "1 row, 2 set aside"),
        (made(rows=None), ""),
        (made(rows=None, set_aside="many"), ""),
        (Observed(asset="crm.orders", rows=15), ""),
    ],
)
def test_a_line_says_what_was_moved_and_of_other_data_how_much_there_is(
    event: Materialized | Observed, said: str
) -> None:
    assert str(DataTold([event])) == said


def test_what_batches_and_attempts_moved_is_summed_and_slices_count_once() -> None:
    assert str(DataTold([made(inserted=3), made(inserted=4)])) == "7 inserted"
    assert (
        str(DataTold([made(partition="a", rows=1), made(partition="a", rows=2), made(partition="b", rows=3)]))
        == "5 rows"
    )


def test_checks_that_do_not_hold_are_named_once_with_their_rows() -> None:
    told = DataTold(
        [checked("unique", partition="a"), checked("unique", partition="b", bad=2), checked("fresh", bad=0)]
    )
    assert str(told) == "fails unique (3 rows), fails fresh"
    told.add([checked("unique", passed=True, partition="a"), checked("unique", passed=True, partition="b")])
    assert [each.check for each in told.failing] == ["fresh"]


def test_a_check_that_counts_no_rows_is_not_said_to_fail_for_one() -> None:
    assert str(DataTold([Checked(asset="a", check="row_count", passed=False, failed_rows=1)])) == "fails row_count"


def test_of_many_checks_the_first_are_named() -> None:
    told = DataTold([checked(f"c{number}", bad=0) for number in range(SHOWN_CHECKS + 2)])
    assert str(told).endswith("fails c2, and 2 more checks")


def test_json_says_the_same_and_nothing_of_nothing() -> None:
    told = DataTold([made(inserted=3, updated=0, deleted=0, set_aside=1), checked("unique")])
    assert told.as_json() == {
        "inserted": 3,
        "updated": 0,
        "deleted": 0,
        "set_aside": 1,
        "failing_checks": [{"asset": "lake.orders", "partition": "", "check": "unique", "failed_rows": 1}],
    }
    assert DataTold([Observed(asset="x")]).as_json() == {}

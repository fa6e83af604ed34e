"""What is unusual is said, or stops a sync before it sends anything; what is usual is not."""

from __future__ import annotations

import msgspec
import pytest

from toque.data.syncs.deviations import Past, exceeds, foreseen, rejections
from toque.data.syncs.diff import Counts
from toque.graph.loads import TableName
from toque.graph.syncs import Guard, Mirror, SyncSpec

USUAL = [Past(100, 100, "m"), Past(100, 3, "m"), Past(102, 5, "m"), Past(101, 2, "m")]


def kinds(counts: Counts, past: list[Past] | None = None, guard: Guard | None = None, mapping: str = "m") -> list[str]:
    found = foreseen(counts, USUAL if past is None else past, guard or Guard(), mapping)
    return [f"{each.kind} {each.severity}" for each in found]


def test_a_usual_sync_has_nothing_to_say() -> None:
    assert kinds(Counts(rows=101, changed=4, new=2, gone=3, acknowledged=102)) == []


def test_a_first_sync_has_nothing_to_compare_with() -> None:
    assert kinds(Counts(rows=1_000, new=1_000), past=[]) == []


def test_many_deletes_stop_it() -> None:
    many = Counts(rows=70, gone=30, acknowledged=100, unchanged=70)
    assert kinds(many) == ["deletes stop"]
    assert kinds(many, guard=Guard(deletes=0.5)) == []
    assert kinds(many, guard=Guard(deletes=29)) == ["deletes stop"]
    assert kinds(Counts(rows=1, gone=9, acknowledged=10), past=[]) == []


def test_another_number_of_rows_is_said_when_there_is_a_usual_one() -> None:
    assert kinds(Counts(rows=160, unchanged=160, acknowledged=100)) == ["rows warn"]
    assert kinds(Counts(rows=160, unchanged=160, acknowledged=100), past=USUAL[:2]) == []


def test_a_full_sync_is_said_but_after_a_change_of_the_mapping() -> None:
    full = Counts(rows=100, changed=95, acknowledged=100)
    assert kinds(full) == ["full_sync warn"]
    assert kinds(full, guard=Guard(full_sync="stop")) == ["full_sync stop"]
    assert kinds(full, guard=Guard(full_sync="ignore")) == []
    assert kinds(full, mapping="another") == []
    assert kinds(full, past=[Past(100, 99, "m")] * 4) == []


@pytest.mark.parametrize(
    ("count", "of", "limit", "expected"), [(3, 100, 0.02, True), (2, 100, 0.02, False), (3, 9, 3, False)]
)
def test_a_limit_is_a_share_or_a_count(count: int, of: int, limit: float, expected: bool) -> None:
    assert exceeds(count, of, limit) is expected


def test_rejections_are_said_above_their_limit() -> None:
    assert rejections(0, 0, Guard(rejected=0)) is None
    assert rejections(5, 100, Guard()) is None
    found = rejections(6, 100, Guard())
    assert found is not None
    assert found.message == "6 of 100 records were rejected (6.0%)"


def test_a_spec_survives_json_and_says_what_a_delete_does() -> None:
    spec = SyncSpec(name="s", source=TableName.parse("a.b"), mode=Mirror(key=("a", "b")), fields={"x": "Y"})
    assert spec.deletes == "delete"
    assert msgspec.json.decode(msgspec.json.encode(spec), type=SyncSpec) == spec
    assert spec.mode.keys == ("a", "b")

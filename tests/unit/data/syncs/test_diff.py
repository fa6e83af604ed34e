"""What is compared, what is invalid, what is refused, and how a mapping finds its columns."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.data.syncs.canonical import digest, key_text, key_values
from toque.data.syncs.diff import UNKNOWN, Change, Diff, DuplicateKeys, Invalid
from toque.data.syncs.mapping import Mapped, mapped
from toque.errors import UserError
from toque.graph.loads import TableName, Upsert
from toque.graph.syncs import AnySyncMode, Create, Mirror, SyncSpec, Update


def spec_of(mode: AnySyncMode | None = None, **more: Any) -> SyncSpec:
    given = {"name": "s", "source": TableName.parse("marts.s"), "fields": {"score": "Score__c"}} | more
    return SyncSpec(mode=mode or Upsert(key="id"), **given)


def diff_of(spec: SyncSpec, known: dict[str, str] | None = None) -> Diff:
    return Diff(spec, mapped(spec, ["id", "score"]), known or {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, Decimal("1.00")),
        (0.1, Decimal("0.1")),
        (Decimal("1E+2"), 100),
        ([1.0], [1]),
        ({"a": 2.0}, {"a": 2}),
    ],
)
def test_a_number_is_the_same_in_every_type(one: Any, other: Any) -> None:
    assert digest({"v": one}) == digest({"v": other})
    assert key_text([one]) == key_text([other])


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text() | st.dates() | st.uuids(), max_size=4))
def test_a_key_comes_back_from_its_text(values: list[Any]) -> None:
    assert key_values(key_text(values)) == values


def test_different_values_have_different_texts() -> None:
    values = [
        None,
        "",
        "1",
        1,
        True,
        "true",
        1.5,
        "1.5",
        date(2026, 1, 1),
        "2026-01-01",
        datetime(2026, 1, 1, tzinfo=UTC),
    ]
    values += [UUID(int=1), b"1", float("nan"), Decimal("7.50")]
    assert len({digest({"v": value}) for value in values}) == len(values)


def test_a_new_a_changed_and_an_equal_row() -> None:
    known = {key_text([1]): digest({"Score__c": 5}), key_text([2]): digest({"Score__c": 5})}
    diff = diff_of(spec_of(), known)
    found = [diff.row({"id": number, "score": score}) for number, score in ((1, 5), (2, 6), (3, 7))]
    assert found[0] is None
    assert [(each.record["id"], each.is_new) for each in found[1:] if isinstance(each, Change)] == [
        (2, False),
        (3, True),
    ]
    assert list(diff.gone()) == []
    assert (diff.counts.unchanged, diff.counts.changed, diff.counts.new, diff.counts.to_send) == (1, 1, 1, 2)


@pytest.mark.parametrize(
    ("mode", "operation"),
    [
        (Upsert(key="id"), "upsert"),
        (Update(key="id"), "update"),
        (Create(key="id"), "create"),
        (Mirror(key="id"), "upsert"),
    ],
)
def test_each_mode_has_its_operation(mode: AnySyncMode, operation: str) -> None:
    change = diff_of(spec_of(mode)).row({"id": 1, "score": 1})
    assert isinstance(change, Change)
    assert change.operation == operation


def test_create_leaves_what_it_made_and_asks_again_about_what_it_may_have_made() -> None:
    diff = diff_of(spec_of(Create(key="id")), {key_text([1]): "other", key_text([2]): UNKNOWN})
    assert diff.row({"id": 1, "score": 9}) is None
    doubtful = diff.row({"id": 2, "score": 9})
    assert isinstance(doubtful, Change)
    assert doubtful.is_doubtful


@pytest.mark.parametrize(
    ("on_delete", "operation", "fields"), [("delete", "delete", {}), ("clear", "update", {"Score__c": None})]
)
def test_what_is_gone_is_deleted_or_emptied_once(on_delete: Any, operation: str, fields: dict[str, Any]) -> None:
    known = {key_text([1]): digest({"Score__c": 5}), key_text([2]): digest({"Score__c": None})}
    found = list(diff_of(spec_of(on_delete=on_delete), known).gone())
    assert (found[0].operation, found[0].fields) == (operation, fields)
    assert len(found) == (2 if on_delete == "delete" else 1)
    assert found[0].record == {"id": 1}


def test_an_empty_key_is_invalid_and_says_which() -> None:
    diff = diff_of(spec_of())
    for empty in (None, ""):
        found = diff.row({"id": empty, "score": 1})
        assert isinstance(found, Invalid)
        assert found.reason == "the key id is empty"
    assert isinstance(diff.row({"id": 1, "score": object()}), Invalid)
    assert diff.counts.invalid == 3


def test_a_key_that_stands_twice_stops_everything() -> None:
    diff = diff_of(spec_of())
    for _ in range(3):
        diff.row({"id": 7, "score": 1})
    diff.row({"id": 8, "score": 1})
    with pytest.raises(DuplicateKeys, match=r"id=7 in 3\. Nothing was sent") as caught:
        list(diff.gone())
    assert caught.value.sample == [{"id": 7, "rows": 3}]


def test_a_mapping_finds_columns_in_any_case_and_keys_under_either_name() -> None:
    spec = spec_of(Upsert(key="Id"), fields={"contact_id": "Id", "lead_score": "Score__c"})
    assert mapped(spec, ["CONTACT_ID", "LEAD_SCORE"]) == Mapped((("CONTACT_ID", "Id"),), (("LEAD_SCORE", "Score__c"),))
    plain = mapped(spec_of(Upsert(key="Id")), ["id", "score", "other"])
    assert (plain.columns, plain.key) == (["id", "score"], (("id", "Id"),))
    assert plain.key_of({"id": 1, "score": 2}) == {"Id": 1}


def test_a_mapping_that_cannot_be_says_what_may_be_meant() -> None:
    with pytest.raises(UserError, match="'score'") as caught:
        mapped(spec_of(fields={"scoer": "Score__c"}), ["id", "score"])
    assert caught.value.fix == "'score'?"
    with pytest.raises(UserError, match="one of a, b"):
        mapped(spec_of(fields={"nothing": "X"}), ["a", "b"])
    with pytest.raises(UserError, match="two columns"):
        mapped(spec_of(fields={"score": "X", "other": "X"}), ["id", "score", "other"])
    with pytest.raises(UserError, match="has no key"):
        mapped(spec_of(Upsert(key=())), ["id", "score"])


def test_another_mapping_has_another_version() -> None:
    one, other = (mapped(spec_of(fields={"score": field}), ["id", "score"]) for field in ("A", "B"))
    assert one.version != other.version
    assert Mapped((("x", "id"),), (("y", "A"),)).version == one.version

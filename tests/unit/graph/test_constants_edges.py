"""Tagged JSON at its edges: what looks as if it came back, and what would not."""

from __future__ import annotations

import enum
import json
import math
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.graph import constants


def round_trip(value: Any) -> Any:
    return constants.decode(json.loads(json.dumps(constants.encode(value))))


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Size(enum.StrEnum):
    SMALL = "s"


class Level(enum.IntEnum):
    LOW = 1
    LOWEST = 1


class Outer:
    class Inner(enum.Enum):
        ONE = (1, "one")


class Aliased(pydantic.BaseModel):
    count: int = pydantic.Field(alias="n")


class OneWay(pydantic.BaseModel):
    count: int = pydantic.Field(validation_alias="in", serialization_alias="out")


class Loose(pydantic.BaseModel):
    anything: Any = None


class Tree(pydantic.BaseModel):
    name: str
    price: Decimal
    day: date
    children: list[Tree] = []


class Binary(pydantic.BaseModel):
    data: bytes


@pydantic.dataclasses.dataclass
class Checked:
    n: int


class MyPath(PurePosixPath):
    pass


class MyStr(str):
    __slots__ = ()


class FixedZone(tzinfo):
    """A zone that is nothing that could be named."""

    def utcoffset(self, at: datetime | None) -> timedelta:
        return timedelta(hours=1)

    def dst(self, at: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, at: datetime | None) -> str:
        return "mine"


@pytest.mark.parametrize("member", [Access.READ, Size.SMALL, Level.LOW, Level.LOWEST, Outer.Inner.ONE], ids=repr)
def test_members_of_enums_come_back_as_the_same_object(member: enum.Enum) -> None:
    assert round_trip(member) is member


def test_flags_that_are_combined_have_no_name_and_are_refused_rather_than_lost() -> None:
    with pytest.raises(constants.NotTagged, match="Access"):
        constants.encode(Access.READ | Access.WRITE)


@pytest.mark.parametrize("path", [Path("a/b"), PurePosixPath("a/b"), PureWindowsPath(r"C:\a\b")], ids=repr)
def test_paths_keep_their_flavour(path: Any) -> None:
    back = round_trip(path)
    assert back == path
    assert type(back) is type(path)


def test_a_class_of_paths_of_somebody_else_is_refused() -> None:
    with pytest.raises(constants.NotTagged, match="MyPath"):
        constants.encode(MyPath("a"))


@pytest.mark.parametrize(
    "value", [MyStr("x"), Checked(n=1), 1j, bytearray(b"x"), Ellipsis, iter([])], ids=lambda value: type(value).__name__
)
def test_what_only_resembles_plain_data_is_refused(value: Any) -> None:
    with pytest.raises(constants.NotTagged, match="a value of type"):
        constants.encode([{"deep": (value,)}])


def test_models_whose_fields_have_another_name_outside_come_back() -> None:
    assert round_trip(Aliased(n=3)) == Aliased(n=3)


def test_nested_models_come_back_with_the_types_of_their_fields() -> None:
    leaf = Tree(name="leaf", price=Decimal("1.10"), day=date(2026, 1, 2))
    tree = Tree(name="root", price=Decimal("2.00"), day=date(2026, 1, 1), children=[leaf, leaf])
    back = round_trip(tree)
    assert back == tree
    assert (type(back.children[1].price), str(back.price)) == (Decimal, "2.00")


@pytest.mark.parametrize(
    "model",
    [OneWay(**{"in": 1}), Loose(anything=(1, 2)), Loose(anything={1: 2}), Binary(data=b"\xff\xfe")],
    ids=repr,
)
def test_a_model_that_its_own_json_does_not_bring_back_is_refused(model: pydantic.BaseModel) -> None:
    with pytest.raises(constants.NotTagged, match=type(model).__name__):
        constants.encode(model)


def test_classes_inside_of_functions_cannot_be_found_again_and_are_refused() -> None:
    class Local(enum.Enum):
        ONE = 1

    class Model(pydantic.BaseModel):
        n: int = 1

    for value in (Local.ONE, Model()):
        with pytest.raises(constants.NotTagged, match="local type"):
            constants.encode(value)


def test_a_set_that_cannot_be_sorted_comes_back() -> None:
    for value in ({1, "a", None}, {(1,), "b"}, frozenset({Level.LOW, "x"})):
        assert round_trip(value) == value
    back = round_trip({Decimal("NaN"), Decimal(1)})
    assert {str(item) for item in back} == {"NaN", "1"}


def test_equal_sets_have_one_form_whatever_order_they_were_filled_in() -> None:
    numbers = list(range(0, 4000, 37))
    backwards = numbers[::-1]
    assert constants.encode(set(numbers)) == constants.encode(set(backwards))
    names = [f"name {n}" for n in numbers]
    assert constants.encode(frozenset(names)) == constants.encode(frozenset(names[::-1]))


def test_a_time_in_a_zone_that_has_no_name_is_refused() -> None:
    with pytest.raises(constants.NotTagged, match="FixedZone"):
        constants.encode(datetime(2026, 1, 1, tzinfo=FixedZone()))


@pytest.mark.parametrize("fold", [0, 1])
def test_the_hour_that_is_there_twice_stays_the_one_it_was(fold: int) -> None:
    at = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Madrid"), fold=fold)
    back = round_trip(at)
    assert (back, back.fold, back.utcoffset()) == (at, fold, at.utcoffset())
    assert str(back.tzinfo) == "Europe/Madrid"
    bare = at.replace(tzinfo=None)
    assert round_trip(bare).fold == fold
    assert round_trip(bare.time()).fold == fold


@pytest.mark.parametrize("value", [2**53 - 1, 2**53, -(2**53) + 1, -(2**53), 10**40], ids=str)
def test_integers_that_a_double_cannot_hold_are_written_as_text(value: int) -> None:
    encoded = constants.encode(value)
    assert isinstance(encoded, int) == (abs(value) < 2**53)
    assert round_trip(value) == value
    assert round_trip({value: True}) == {value: True}


def test_keys_that_differ_in_their_type_alone_stay_apart() -> None:
    value = {1: "int", "1": "str", (1,): "tuple", Decimal("1.5"): "decimal"}
    assert round_trip(value) == value
    assert list(round_trip(value)) == list(value)


def test_bytes_are_written_up_to_a_limit() -> None:
    assert round_trip(bytes(4096)) == bytes(4096)
    with pytest.raises(constants.NotTagged):
        constants.encode(bytes(4097))


times = (
    st.datetimes(timezones=st.none() | st.timezones(no_cache=False), allow_imaginary=False)
    | st.dates()
    | st.times()
    | st.timedeltas()
)
hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5) | st.dates() | st.uuids(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)
anything = st.recursive(
    hashable | times | st.decimals(allow_nan=False) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(hashable | st.just("$"), inner, max_size=4)
        | st.sets(hashable, max_size=4)
    ),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Equal, and of one type at every depth that has an order."""
    if type(left) is not type(right) or left != right:
        return False
    if isinstance(left, list | tuple):
        return all(map(same, left, right))
    if isinstance(left, dict):
        return all(same(left[key], right[key]) for key in left)
    return True


@given(anything)
def test_whatever_is_encoded_comes_back_with_its_types(value: Any) -> None:
    assert same(round_trip(value), value)


@given(anything)
def test_the_form_holds_nothing_but_json(value: Any) -> None:
    encoded = constants.encode(value)
    assert json.loads(json.dumps(encoded, allow_nan=False)) == encoded


@given(times)
def test_times_come_back_with_their_offset(value: datetime | date | time | timedelta) -> None:
    back = round_trip(value)
    assert back == value
    if isinstance(value, datetime):
        assert (back.utcoffset(), back.fold) == (value.utcoffset(), value.fold)


@given(st.floats())
def test_floats_come_back_to_the_bit(value: float) -> None:
    back = round_trip(value)
    assert math.isnan(back) if math.isnan(value) else repr(back) == repr(value)

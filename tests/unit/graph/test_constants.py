"""Tagged JSON: what goes in comes out, with its type."""

from __future__ import annotations

import enum
import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from toque.graph import constants


class Color(enum.Enum):
    RED = "red"


class Window(BaseModel):
    start: date
    days: int = 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        2**80,
        -(2**53),
        1.5,
        math.inf,
        "text",
        [1, [2]],
        (1, (2, [3])),
        {"a": 1},
        {1: "a", (1, 2): "b"},
        {"$": "a dict that looks like a tag"},
        range(1, 13, 2),
        {1, 2},
        frozenset({"a"}),
        date(2026, 3, 29),
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Madrid"), fold=1),
        datetime(2026, 3, 29, 0, 30, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 3, 29, 0, 30),  # noqa: DTZ001
        time(3, 4, 5),
        timedelta(days=1, microseconds=3),
        Decimal("1.10"),
        UUID(int=3),
        b"\x00\xff",
        Path("a/b"),
        Color.RED,
        Window(start=date(2026, 1, 1), days=3),
    ],
)
def test_a_value_comes_back_with_its_type(value: Any) -> None:
    back = constants.decode(json.loads(json.dumps(constants.encode(value))))
    assert back == value
    assert type(back) is type(value)
    assert getattr(back, "fold", 0) == getattr(value, "fold", 0)


def test_not_a_number_stays_none() -> None:
    assert math.isnan(constants.decode(constants.encode(math.nan)))


@pytest.mark.parametrize("value", [object(), print, b"x" * 5000, type("Local", (), {})()])
def test_what_would_not_come_back_is_refused(value: Any) -> None:
    with pytest.raises(constants.NotTagged, match="a value of type"):
        constants.encode(value)


def test_a_tag_of_a_newer_version_is_named() -> None:
    with pytest.raises(ValueError, match="unknown type tag 'tensor'"):
        constants.decode({"$": "tensor", "v": []})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(values)
def test_any_nesting_comes_back(value: Any) -> None:
    back = constants.decode(json.loads(json.dumps(constants.encode(value))))
    assert back == value
    assert repr(back) == repr(value)

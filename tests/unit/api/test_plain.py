"""Tagged JSON for people: whatever the worker could write down, a browser can read."""

from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.api.plain import MAX_TEXT, plain, plain_parameters
from toque.graph import constants

MOMENT = datetime.datetime(2026, 3, 29, 1, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2**60, str(2**60)),
        (1.5, 1.5),
        (math.inf, "inf"),
        ("text", "text"),
        ((1, 2), [1, 2]),
        ({3, 1}, [1, 3]),
        (range(1, 9, 2), "range(1, 9, 2)"),
        ({1: "a", (2, 3): "b"}, {"1": "a", "[2, 3]": "b"}),
        ({"$": "looks like a tag"}, {"$": "looks like a tag"}),
        (MOMENT, "2026-03-29T01:30:00+00:00"),
        (MOMENT.replace(tzinfo=ZoneInfo("Europe/Madrid")), "2026-03-29T01:30:00 Europe/Madrid"),
        (datetime.date(2026, 3, 29), "2026-03-29"),
        (datetime.timedelta(minutes=90), "5400 s"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x89PNG", "4 bytes: 89504e47"),
        (PurePosixPath("a/b"), "a/b"),
        ({"nested": [(1, {"x": Decimal(2)})]}, {"nested": [[1, {"x": "2"}]]}),
    ],
)
def test_each_kind_of_value_is_shown(value: Any, shown: Any) -> None:
    assert plain(constants.encode(value)) == shown


def test_text_without_end_is_cut_and_says_so() -> None:
    shown = plain("x" * (MAX_TEXT + 1))
    assert shown.endswith(f"({MAX_TEXT + 1:,} characters)")


def test_what_no_utf8_can_carry_is_replaced() -> None:
    assert plain("\ud800") == "?"


def test_models_and_enums_are_shown_without_their_class() -> None:
    assert plain({"$": "model", "c": "nowhere:Model", "v": {"x": 1}}) == {"x": 1}
    assert plain({"$": "enum", "c": "nowhere:Colour", "v": "RED"}) == "RED"


def test_parameters_keep_their_names() -> None:
    assert plain_parameters({"day": constants.encode(datetime.date(2026, 1, 1))}) == {"day": "2026-01-01"}


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.decimals()
    | st.binary(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(json_like)
def test_whatever_can_be_tagged_can_be_sent(value: Any) -> None:
    try:
        tagged = constants.encode(value)
    except constants.NotTagged:
        return
    json.dumps(plain(tagged), allow_nan=False).encode()

"""Durations as people write them."""

from __future__ import annotations

import doctest
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque import durations


@pytest.mark.parametrize(
    ("written", "wanted_s"),
    [
        ("5m", 300),
        ("1h30m", 5400),
        (" 1 h 30 m ", 5400),
        ("250ms", 0.25),
        ("1.5d", 129600),
        ("2w", 1209600),
        ("0s", 0),
        (90, 90),
        (0.5, 0.5),
        (timedelta(hours=2), 7200),
    ],
)
def test_what_is_a_duration(written: Any, wanted_s: float) -> None:
    assert durations.seconds(written) == wanted_s


@pytest.mark.parametrize(
    "written", ["", "5", "5 parsecs", "m5", "5m!", "-5m", -1, float("nan"), float("inf"), True, None]
)
def test_what_is_none(written: Any) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        durations.seconds(written)


@given(st.integers(0, 10**15))
def test_the_shortest_way_to_write_it_says_the_same(us: int) -> None:
    assert round(durations.seconds(durations.text(us / 1e6)) * 1e6) == us


def test_the_examples_in_the_documentation() -> None:
    assert doctest.testmod(durations).failed == 0

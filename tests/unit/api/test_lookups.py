"""Cursors are opaque, and what was made up is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.api.lookups import cursor_of, position_of
from toque.errors import UserError


@given(st.lists(st.text() | st.integers(-(2**53), 2**53) | st.lists(st.integers(0, 9))))
def test_a_cursor_comes_back_as_it_was(position: list[Any]) -> None:
    kinds = [type(part) for part in position]
    assert position_of(cursor_of(position), *kinds) == (position if position else position_of(cursor_of([])))


def test_no_cursor_is_the_first_page() -> None:
    assert position_of("", str) is None


@pytest.mark.parametrize("cursor", ["x", "!!!", "W10", cursor_of([1, 2]), cursor_of(["x", 1]), "Ä" * 10, "=" * 7])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UserError, match="no cursor"):
        position_of(cursor, str)


@given(st.text(min_size=1))
def test_no_text_breaks_it(text: str) -> None:
    try:
        position_of(text, str)
    except UserError:
        return

"""The cursor: survives a header and a URL; what was not made here is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.api.stream.cursor import Cursor, Place, from_text, to_text

PLACES = st.builds(Place, st.integers(0, 2**53), st.integers(0, 2**53))


@given(st.integers(0, 2**31), st.dictionaries(st.text(max_size=30), PLACES, max_size=5))
def test_it_comes_back_as_it_was(boot: int, topics: dict[str, Place]) -> None:
    cursor = Cursor(boot, topics)
    text = to_text(cursor).decode("ascii")
    assert not set(text) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert from_text(text) == cursor


@pytest.mark.parametrize("text", ["", "0", "nonsense", "é", "gqFh", "////", "a" * 999])
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert from_text(text) is None


@given(st.text(max_size=100))
def test_no_text_breaks_it(text: str) -> None:
    found = from_text(text)
    assert found is None or isinstance(found, Cursor)

"""Errors: their message is for people, and an error about data never fails because of that data."""

from __future__ import annotations

import pickle
from typing import Any

import pandas
import pyarrow
import pytest

from toque.errors import DataError, UserError

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]


@pytest.mark.parametrize(
    "sample",
    [ROWS, tuple(ROWS), iter(ROWS), pandas.DataFrame(ROWS), pyarrow.Table.from_pylist(ROWS)],
    ids=["list", "tuple", "iterator", "pandas", "arrow"],
)
def test_a_sample_may_be_rows_or_a_frame(sample: Any) -> None:
    assert DataError("bad", sample=sample).sample == ROWS


def test_rows_that_are_no_mappings_are_shown_as_they_are() -> None:
    assert DataError("bad", sample=[(1, "a"), 7]).sample == [{"value": (1, "a")}, {"value": 7}]


def test_a_sample_that_cannot_be_read_does_not_hide_the_message() -> None:
    error = DataError("bad", sample=5)  # type: ignore[arg-type]
    assert str(error) == "bad"
    assert error.sample == [{"value": "the sample cannot be shown: TypeError"}]


def test_at_most_twenty_rows_are_kept() -> None:
    assert len(DataError("bad", sample=[{"id": n} for n in range(100)]).sample) == 20
    assert len(DataError("bad", sample=pandas.DataFrame({"id": range(100)})).sample) == 20


def test_a_user_error_says_where_and_what_to_do() -> None:
    error = UserError("no items", file="flow.py", line=3, source="x = f()", fix="each(x)")
    assert str(error) == "flow.py:3  x = f()\n  no items\n  Fix: each(x)"
    assert str(UserError("no items", fix="each(x)")) == "no items\n  Fix: each(x)"
    assert str(UserError("no items", file="flow.py")) == "flow.py\n  no items"


def test_a_user_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(UserError("m", file="f.py", line=1, source="s", fix="x")))
    assert (error.message, error.file, error.line, error.source, error.fix) == ("m", "f.py", 1, "s", "x")

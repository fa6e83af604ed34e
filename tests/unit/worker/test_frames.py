"""Tables of whatever library."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from toque.errors import UserError
from toque.worker import frames

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
TABLES = [pa.Table.from_pylist(ROWS), pd.DataFrame(ROWS), pl.DataFrame(ROWS), ROWS]


@pytest.mark.parametrize("value", TABLES, ids=["arrow", "pandas", "polars", "dicts"])
def test_any_table_is_an_arrow_table(value: Any) -> None:
    found = frames.to_arrow(value)
    assert found.to_pylist() == ROWS
    assert frames.rows(value) == 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(pd.DataFrame, pd.DataFrame), (pl.DataFrame, pl.DataFrame), (list, list), (list[dict[str, Any]], list)],
)
def test_a_table_becomes_what_the_reader_asks_for(kind: Any, expected: type) -> None:
    assert type(frames.from_arrow(pa.Table.from_pylist(ROWS), kind)) is expected


@pytest.mark.parametrize("kind", [None, pa.Table, object])
def test_and_stays_what_it_is_otherwise(kind: Any) -> None:
    assert isinstance(frames.from_arrow(pa.Table.from_pylist(ROWS), kind), pa.Table)


@pytest.mark.parametrize("value", [3, "text", [1, 2], [{"a": 1}, 2]])
def test_what_is_no_table_is_refused(value: Any) -> None:
    with pytest.raises(UserError, match="is no table"):
        frames.to_arrow(value)


def test_tables_of_different_libraries_are_not_joined() -> None:
    assert frames.joined([pa.table({"n": [1]}), pl.DataFrame({"n": [1]})]) is None
    assert frames.joined([1, 2]) is None


def test_a_column_that_only_some_slices_have_is_there_for_all() -> None:
    joined = frames.joined([pa.table({"n": [1]}), pa.table({"n": [2], "m": ["x"]})])
    assert joined is not None
    assert joined.to_pylist() == [{"n": 1, "m": None}, {"n": 2, "m": "x"}]

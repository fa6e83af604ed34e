"""Outputs beside known-good datasets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toque.errors import UserError
from toque.testing import Mismatch, compare

ROWS: list[dict[str, Any]] = [{"id": 1, "delay": 1.5}, {"id": 2, "delay": None}, {"id": 3, "delay": 3.0}]


def differences(output: Any, known: Any, **options: Any) -> list[str]:
    with pytest.raises(Mismatch) as caught:
        compare(output, known, **options)
    return caught.value.differences


FORMS: dict[str, Any] = {
    "dicts": lambda rows: rows,
    "arrow": pa.Table.from_pylist,
    "pandas": lambda rows: pd.DataFrame(rows, columns=["id", "delay"]),
    "duckdb": lambda rows: duckdb.from_arrow(pa.Table.from_pylist(rows)),
}


@pytest.mark.parametrize("one", FORMS)
@pytest.mark.parametrize("other", FORMS)
def test_the_same_rows_are_equal_in_any_form(one: str, other: str) -> None:
    compare(FORMS[one](ROWS), FORMS[other](ROWS))
    compare(FORMS[one](ROWS), FORMS[other](ROWS[::-1]))
    assert differences(FORMS[one](ROWS), FORMS[other](ROWS[:2]))


def test_files_are_read_by_their_ending(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "known.parquet")
    (tmp_path / "known.json").write_text(json.dumps(ROWS))
    (tmp_path / "known.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "known.csv").write_text("id,delay\n1,1.5\n2,\n3,3.0\n")
    for name in ("known.parquet", "known.json", "known.jsonl", "known.csv"):
        compare(ROWS, tmp_path / name)
        compare(ROWS, str(tmp_path / name), ordered=True)
        assert differences(ROWS[1:], tmp_path / name)


def test_rows_are_told_by_what_is_missing_and_what_is_new() -> None:
    assert differences([{"id": 1}, {"id": 4}, {"id": 4}], [{"id": 1}, {"id": 2}]) == [
        "3 rows instead of 2",
        "- (2,)",
        "+ (4,)  (2 times)",
    ]


def test_with_a_key_each_differing_cell_is_named() -> None:
    output = [{"id": 1, "delay": 1.0, "x": "a"}, {"id": 4, "delay": 2.0, "x": "b"}]
    known = [{"id": 1, "delay": 1.5, "x": "b"}, {"id": 2, "delay": 2.0, "x": "b"}]
    assert differences(output, known, key="id") == [
        "id=1: delay is 1.0 instead of 1.5",
        "id=1: x is 'a' instead of 'b'",
        "- id=2: missing",
        "+ id=4: not expected",
    ]


def test_a_key_that_is_not_unique_is_named() -> None:
    rows = [{"id": 1}, {"id": 1}]
    assert differences(rows, [{"id": 1}], key=["id"]) == ["the key id is not unique in the output"]
    with pytest.raises(UserError, match="key='no' is not a column"):
        compare(rows, rows, key="no")


def test_columns_are_compared_by_name() -> None:
    compare([{"a": 1, "b": 2}], [{"b": 2, "a": 1}])
    assert differences([{"a": 1, "c": 2}], [{"a": 1, "b": 2}]) == [
        "column 'b' is missing",
        "column 'c' is not expected",
    ]


def test_floats_may_differ_by_the_tolerance() -> None:
    compare([{"x": 1.0}], [{"x": 1.0000001}], tolerance=1e-6)
    compare([{"x": 1}], [{"x": 1.0}])
    assert differences([{"x": 1.0}], [{"x": 1.1}], tolerance=1e-6) == ["row 0: x is 1.0 instead of 1.1"]


def test_the_order_counts_if_asked_for() -> None:
    assert differences(ROWS, ROWS[::-1], ordered=True)[0] == "row 0: id is 1 instead of 3"


def test_values_that_are_no_tables() -> None:
    compare({"a": [1, 2.0]}, {"a": [1, 2.0]})
    compare(float("nan"), float("nan"))
    assert differences({"a": 1}, {"a": 2}) == ["{'a': 1} is not {'a': 2}"]
    assert differences(ROWS, 3) == ["a list cannot be compared with a int"]


def test_empty_tables() -> None:
    compare([], [])
    assert differences([], [{"a": 1}]) == ["column 'a' is missing"]


def test_a_long_list_of_differences_is_cut_in_the_message_only() -> None:
    with pytest.raises(Mismatch, match="… and 11 more") as caught:
        compare([{"a": -1}], [{"a": number} for number in range(19)])
    assert len(caught.value.differences) == 21


@pytest.mark.parametrize(("name", "text"), [("known.xls", "cannot be compared"), ("no.parquet", "does not exist")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, text: str) -> None:
    if name == "known.xls":
        (tmp_path / name).write_text("")
    with pytest.raises(UserError, match=text):
        compare(ROWS, tmp_path / name)

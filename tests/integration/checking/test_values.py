"""Values in memory: tables of three libraries are checked, and keep their kind, types and order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pandera.pandas as pa_pandas
import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa
import pytest

from tests.integration.checking.conftest import LOOK
from toque.authoring.data_checks import (
    expression,
    in_range,
    not_null,
    python_check,
    recent,
    relationships,
    row_count,
    unique,
)
from toque.errors import DataError
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.values import check_value
from toque.testing import compare

SCORES = replace(LOOK, table=TableName.parse("scores"))
ROWS = [
    {"id": 3, "email": "cid@x.y", "score": 0.5},
    {"id": 1, "email": None, "score": 0.25},
    {"id": 2, "email": "bob@x.y", "score": -0.5},
]
KINDS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.Table.from_pylist,
    "list": list,
}


def nothing_below_zero(data: Any) -> Any:
    return [row for row in rows(data) if row["score"] < 0]


def three_rows(data: Any) -> bool:
    return len(data) == 3


def asserts(data: Any) -> None:
    if len(data) != 4:
        raise AssertionError("three are too few")


def complains(data: Any) -> None:
    raise DataError("two of them", sample=[{"id": 1, "email": "a@x.y"}, {"id": 2, "email": "b@x.y"}])


KNOWN_GOOD = [{"id": 3, "email": "cid@x.y", "score": 0.5000001}, {"id": 1, "email": "a@x.y", "score": 7.0}, {"id": 9}]


def as_known(data: Any) -> None:
    compare(data, KNOWN_GOOD, key="id", tolerance=1e-6)


def as_known_without_key(data: Any) -> None:
    compare(data, KNOWN_GOOD)


class PandasScores(pa_pandas.DataFrameModel):
    id: int = pa_pandas.Field(unique=True)
    score: float = pa_pandas.Field(ge=0)


class PolarsScores(pa_polars.DataFrameModel):
    id: int
    score: float = pa_polars.Field(ge=0)


def rows(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return value
    if isinstance(value, pd.DataFrame):
        return value.to_dict("records")
    return value.to_dicts() if isinstance(value, pl.DataFrame) else value.to_pylist()


@pytest.mark.parametrize("kind", KINDS)
def test_good_rows_go_on_in_their_order_and_kind(kind: str) -> None:
    given = KINDS[kind](ROWS)
    checks = [not_null("email").quarantine(), in_range("score", max=1), row_count(min=2)]
    checked = check_value(given, SCORES, checks, batch_id="b1")
    assert type(checked.value) is type(given)
    assert [row["id"] for row in rows(checked.value)] == [3, 2]
    assert (checked.report.set_aside, checked.report.rows, checked.report.table) == (1, 3, "scores")
    (reject,) = checked.rejects.to_pylist()
    assert (reject["batch_id"], reject["rule"], reject["column"], reject["value"]) == (
        "b1",
        "not_null(email)",
        "email",
        None,
    )


def test_a_value_without_bad_rows_is_the_value_itself() -> None:
    given = pd.DataFrame(ROWS)
    checked = check_value(given, SCORES, [unique("id")], batch_id="b1")
    assert checked.value is given
    assert checked.rejects is None


def test_what_blocks_shows_masked_samples() -> None:
    with pytest.raises(DataError, match=r"scores: its check does not hold(.|\n)*score is below 0") as caught:
        check_value(pl.DataFrame(ROWS), SCORES, [in_range("score", min=0)], batch_id="b1")
    assert caught.value.sample == [{"check": "in_range(score)", "id": 2, "email": "***", "score": -0.5}]


def test_a_list_without_rows_has_no_columns_and_is_judged_all_the_same() -> None:
    checks = [not_null("id").quarantine(), unique("id"), row_count(max=3), recent("at", "1d").warn()]
    checked = check_value([], SCORES, checks, batch_id="b1")
    assert [verdict.outcome for verdict in checked.report.verdicts] == ["passed", "passed", "passed", "warned"]
    with pytest.raises(DataError, match="0 rows instead of at least 1"):
        check_value([], SCORES, [not_null("id"), row_count(min=1)], batch_id="b1")


def test_other_tables_can_be_referred_to() -> None:
    given = pa.Table.from_pylist([{"id": 1, "account": 7}, {"id": 2, "account": 8}])
    accounts = pd.DataFrame([{"id": 7}])
    checks = [relationships("account", "raw.account").quarantine()]
    checked = check_value(given, SCORES, checks, batch_id="b1", others={"raw.account": accounts})
    assert checked.value.to_pylist() == [{"id": 1, "account": 7}]


@pytest.mark.parametrize(
    ("check", "bad", "message"),
    [
        (python_check(nothing_below_zero), 1, "1 row found wrong"),
        (python_check(asserts), 1, "three are too few"),
        (python_check(complains), 2, "two of them"),
        (python_check(PandasScores), 1, "1 failures: score: greater_than_or_equal_to(0)"),
        (python_check(PolarsScores), 1, "1 failures: score: greater_than_or_equal_to(0)"),
    ],
    ids=lambda given: given.code.qualname if hasattr(given, "code") else None,
)
@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_functions_and_pandera_models_are_checks_too(kind: str, check: AnyCheck, bad: int, message: str) -> None:
    checked = check_value(KINDS[kind](ROWS), SCORES, [row_count(min=1), check.warn(), not_null("id")], batch_id="b1")
    verdict = checked.report.verdicts[1]
    assert (verdict.outcome, verdict.bad, verdict.message) == ("warned", bad, message)
    assert [each.outcome for each in checked.report.verdicts] == ["passed", "warned", "passed"]
    assert all(row.get("email") in (None, "***") for row in verdict.samples)
    with pytest.raises(DataError, match="blocks: "):
        check_value(KINDS[kind](ROWS), SCORES, [check], batch_id="b1")


def test_a_known_good_dataset_is_compared_by_key_and_shows_no_personal_data() -> None:
    checked = check_value(pl.DataFrame(ROWS), SCORES, [python_check(as_known).warn()], batch_id="b1")
    (verdict,) = checked.report.verdicts
    assert (verdict.message, verdict.bad) == ("4 differences from the known-good dataset", 4)
    assert [sample["difference"] for sample in verdict.samples] == [
        "***",  # the e-mail of 1
        "id=1: score is 0.25 instead of 7.0",
        "- id=9: missing",
        "+ id=2: not expected",
    ]


def test_differences_that_nobody_can_attribute_are_not_shown() -> None:
    checked = check_value(ROWS, SCORES, [python_check(as_known_without_key).warn()], batch_id="b1")
    assert {sample["difference"] for sample in checked.report.verdicts[0].samples} == {"***"}


def test_a_function_may_say_that_all_is_well() -> None:
    assert check_value(pd.DataFrame(ROWS), SCORES, [python_check(three_rows)], batch_id="b1").report.passed


def test_a_rule_about_rows_sees_the_types_of_the_library() -> None:
    given = pd.DataFrame({"seen": pd.to_datetime(["2026-01-01", "2025-01-01"], utc=True), "n": [1.5, None]})
    checks = [expression("seen >= TIMESTAMPTZ '2026-01-01 00:00:00+00'").quarantine(), not_null("n").warn()]
    checked = check_value(given, SCORES, checks, batch_id="b1")
    assert len(checked.value) == 1
    assert checked.value.dtypes.equals(given.dtypes)
    assert checked.report.passed

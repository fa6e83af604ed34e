"""A table against a known-good one, in every warehouse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.checking.conftest import LOOK
from toque.authoring.data_checks import matches
from toque.data.checks.dialects import Sql
from toque.data.checks.verdicts import Verdict
from toque.errors import UserError
from toque.graph.checks import Matches
from toque.integrations.checking.running import run_checks
from toque.integrations.checking.sessions import Desk


@pytest.fixture
def golden(everywhere: Desk) -> Desk:
    """`raw.golden` is a copy of `raw.contact`."""
    everywhere.execute(Sql("CREATE TABLE raw.golden AS SELECT id, stage, score FROM raw.contact"))
    return everywhere


def verdict(desk: Desk, check: Matches) -> Verdict:
    (found,) = run_checks(desk, LOOK, [check]).verdicts
    return found


def shown(found: Verdict) -> list[dict[str, Any]]:
    rows = [{name.lower(): value for name, value in row.items()} for row in found.samples]
    return sorted(rows, key=repr)


COLUMNS = ["stage", "SCORE"]


def test_what_is_missing_extra_and_different_is_told(golden: Desk) -> None:
    keyed = matches("raw.golden", key="id", columns=COLUMNS)
    assert verdict(golden, keyed).message == "all 3 rows are those of raw.golden"
    golden.execute(
        Sql("UPDATE raw.golden SET score = 51, stage = 'lead' WHERE id = 2"),
        Sql("UPDATE raw.golden SET id = 4 WHERE id = 3"),
    )
    found = verdict(golden, keyed)
    assert (found.check, found.outcome, found.message) == (
        "matches(raw.golden)",
        "blocked",
        "3 differences from raw.golden",
    )
    assert [{name: str(value) for name, value in row.items()} for row in shown(found)] == [
        {
            "difference": "differs",
            "id": "2",
            "score": "50.500",
            "score (expected)": "51.000",
            "stage": "customer",
            "stage (expected)": "lead",
        },
        {"difference": "missing", "id": "4"},
        {"difference": "not expected", "id": "3"},
    ]


def test_without_a_key_rows_are_counted(golden: Desk) -> None:
    bag = matches("raw.golden", columns=["id", "stage"]).warn()
    assert verdict(golden, bag).passed
    golden.execute(Sql("INSERT INTO raw.golden SELECT id, stage, score FROM raw.contact WHERE id = 1"))
    golden.execute(Sql("INSERT INTO raw.golden SELECT id, stage, score FROM raw.contact WHERE id = 1"))
    found = verdict(golden, bag)
    assert (found.outcome, found.bad) == ("warned", 1)
    assert shown(found) == [{"difference": "missing, 2 times", "id": 1, "stage": "lead"}]
    unique = verdict(golden, matches("raw.golden", key="id", columns=["stage"]))
    assert shown(unique) == [{"difference": "the key is not unique", "id": 1}] * 3


def test_numbers_may_be_near_each_other(golden: Desk) -> None:
    golden.execute(Sql("UPDATE raw.golden SET score = score + 0.4 WHERE id = 2"))
    near, exact = (matches("raw.golden", key="id", columns=["score"], tolerance=each) for each in (0.01, 0.001))
    assert verdict(golden, near).passed
    assert verdict(golden, exact).bad == 1


def test_other_columns_are_told_before_rows_are_compared(desk: Desk) -> None:
    desk.execute(Sql("CREATE TABLE raw.golden AS SELECT CAST(id AS varchar(9)) AS id, 1 AS tier FROM raw.contact"))
    found = verdict(desk, matches("raw.golden", columns=["id", "tier", "stage"]))
    assert found.message == (
        "column 'id' is int32 instead of text; column 'tier' is missing; column 'stage' is not expected"
    )
    whole = verdict(desk, matches("raw.golden"))
    assert "column 'account_id' is not expected" in whole.message


def test_the_values_of_sensitive_columns_are_hidden_on_both_sides(desk: Desk) -> None:
    desk.execute(Sql("CREATE TABLE raw.golden AS SELECT id, 'x@y.z' AS email FROM raw.contact WHERE id = 1"))
    found = verdict(desk, matches("raw.golden", key="id", columns=["Email"]))
    differs = next(row for row in found.samples if row["difference"] == "differs")
    assert (differs["Email"], differs["Email (expected)"]) == ("***", "***")


def test_a_table_or_column_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(UserError, match=r"There is no table raw\.golden, which a check compares with"):
        verdict(desk, matches("raw.golden"))
    desk.execute(Sql("CREATE TABLE raw.golden AS SELECT id FROM raw.contact"))
    with pytest.raises(UserError, match="has no column 'nr', which is a key"):
        verdict(desk, matches("raw.golden", key="nr", columns=["id"]))
    with pytest.raises(UserError, match="has no column 'x', which a check compares"):
        verdict(desk, matches("raw.golden", columns=["x"]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"to": ""}, "names no table"),
        ({"to": "t", "tolerance": 0.1}, "without a key"),
        ({"to": "t", "tolerance": -1.0, "key": "id"}, "can never hold"),
        ({"to": "t", "columns": "id"}, "columns is one string"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        matches(**given)

"""A table against a known-good one: what is compared, in the SQL of each warehouse, and how differences read."""

from __future__ import annotations

import pytest
import sqlglot

from toque.data.checks.matching import Match, match_of
from toque.data.checks.predicates import Rows
from toque.data.loads.columns import Column, ColumnType
from toque.data.loads.dialects import DUCKDB, POSTGRESQL, SNOWFLAKE, Dialect
from toque.errors import UserError
from toque.graph.checks import Matches
from toque.graph.loads import TableName

INT, TEXT = ColumnType("int64"), ColumnType("text")
OURS = [
    Column("ID", INT),
    Column("Plan", TEXT),
    Column("mrr", ColumnType("decimal", 12, 2)),
    Column("_TOQUE_ORDER", INT),
]
GOOD = [Column("id", ColumnType("int32")), Column("plan", TEXT), Column("mrr", ColumnType("float64"))]


def match(check: Matches, dialect: Dialect = DUCKDB, good: list[Column] = GOOD) -> Match:
    return match_of(check, Rows(TableName.parse("raw.users"), dialect, where="mrr > 0"), OURS, good)


KEYED = Matches(to="golden.users", key=("Id",), tolerance=0.01)


@pytest.mark.parametrize("dialect", [DUCKDB, POSTGRESQL, SNOWFLAKE], ids=lambda each: each.name)
@pytest.mark.parametrize("check", [KEYED, Matches(to="golden.users")], ids=["keyed", "counted"])
def test_its_sql_is_one_query_of_each_dialect(check: Matches, dialect: Dialect) -> None:
    found = match(check, dialect)
    read = {"postgresql": "postgres"}.get(dialect.name, dialect.name)
    for sql in (found.count(), found.sample()):
        text, values = sql.rendered()
        (parsed,) = sqlglot.parse(text, read=read)
        assert parsed is not None
        assert text.count("?") == len(values) == (1 if check.key else 0)
        assert "_TOQUE_ORDER" not in text
        assert "mrr > 0" in text


def test_columns_are_found_in_any_case_and_numbers_of_any_kind_compared() -> None:
    found = match(KEYED)
    assert found.differences == ()
    assert [(pair.ours, pair.theirs) for pair in found.pairs] == [("ID", "id"), ("Plan", "plan"), ("mrr", "mrr")]
    assert [pair.is_number for pair in found.pairs] == [True, False, True]
    assert [pair.ours for pair in found.keys] == ["ID"]


def test_differences_of_columns_are_told_once() -> None:
    other = [Column("id", TEXT), Column("tier", INT), Column("mrr", INT)]
    assert match(Matches(to="golden.users"), good=other).differences == (
        "column 'ID' is int64 instead of text",
        "column 'tier' is missing",
        "column 'Plan' is not expected",
    )


def test_of_a_row_that_differs_only_the_cells_that_do_are_shown() -> None:
    rows = [
        ("differs", 1, "team", "trial", 9, 9),
        ("missing", 2, None, "team", None, 5),
        ("not expected", 3, "team", None, 5, None),
    ]
    assert list(match(KEYED).shown(rows)) == [
        {"difference": "differs", "ID": 1, "Plan": "team", "Plan (expected)": "trial"},
        {"difference": "missing", "ID": 2},
        {"difference": "not expected", "ID": 3},
    ]


def test_without_a_key_the_whole_row_is_shown_and_how_often() -> None:
    rows = [(-1, 1, "team", 9), (2, 3, "trial", 5)]
    assert list(match(Matches(to="golden.users")).shown(rows)) == [
        {"difference": "missing", "ID": 1, "Plan": "team", "mrr": 9},
        {"difference": "not expected, 2 times", "ID": 3, "Plan": "trial", "mrr": 5},
    ]


def test_what_is_sensitive_is_so_on_both_sides() -> None:
    assert match(KEYED).sensitive(["Plan"]) == ("Plan", "Plan (expected)")


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (Matches(to="golden.users", key=("nr",)), "no column 'nr', which is a key"),
        (Matches(to="golden.users", columns=("nr",)), "no column 'nr', which a check compares"),
    ],
)
def test_what_is_not_there_is_named(check: Matches, message: str) -> None:
    with pytest.raises(UserError, match=message):
        match(check)
    with pytest.raises(UserError, match=r"There is no table golden\.users"):
        match(KEYED, good=[])

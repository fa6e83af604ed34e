"""Schema drift: what is altered, what is left out, what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from toque.data.loads.columns import Column, ColumnType
from toque.data.loads.dialects import DUCKDB, POSTGRESQL, SNOWFLAKE
from toque.data.loads.drift import Loaded, Shape, decide
from toque.errors import DataError, UserError
from toque.graph.loads import Append, Merge, Scd2, TableName

TABLE = TableName.parse("raw.contact")
TEXT, INT, WIDE, DOUBLE = ColumnType("text"), ColumnType("int32"), ColumnType("int64"), ColumnType("float64")
THERE = [Column("id", TEXT), Column("n", INT), Column("_toque_order", WIDE)]


def shape(incoming: dict[str, ColumnType], existing: Any = THERE, **options: Any) -> Shape:
    given = {"mode": Merge("Id"), "on_drift": "evolve", "dialect": DUCKDB, **options}
    return decide(TABLE, existing, [Column(*each) for each in incoming.items()], **given)


def test_a_new_table_gets_the_columns_by_names_of_its_dialect() -> None:
    made = shape({"Id": TEXT, "n": INT}, None, dialect=POSTGRESQL)
    assert made == Shape(
        (Loaded("Id", "id", TEXT), Loaded("n", "n", INT)), added=(Column("id", TEXT), Column("n", INT))
    )
    assert made.keys(Merge("ID")) == ("id",)


def test_columns_are_matched_whatever_their_case_and_narrow_values_need_nothing() -> None:
    made = shape({"ID": TEXT, "N": ColumnType("int16")})
    assert made == Shape((Loaded("ID", "id", TEXT), Loaded("N", "n", INT)))


def test_the_table_follows_the_source() -> None:
    made = shape({"id": TEXT, "n": DOUBLE, "city": TEXT})
    assert (made.added, made.altered) == ((Column("city", TEXT),), (Column("n", DOUBLE),))
    assert shape({"id": TEXT}).absent == ("n",)


def test_a_frozen_table_leaves_new_columns_out_but_not_values_that_do_not_fit() -> None:
    assert shape({"id": TEXT, "n": INT, "city": TEXT}, on_drift="freeze").left_out == ("city",)
    with pytest.raises(DataError, match=r'raw.contact.n is int32, and int64 arrived.*contract=Contract\("evolve"\)'):
        shape({"id": TEXT, "n": WIDE}, on_drift="freeze")


def test_a_strict_table_names_everything_that_differs() -> None:
    with pytest.raises(DataError) as raised:
        shape({"id": TEXT, "city": TEXT}, on_drift="reject")
    assert "city (text) is new; n is gone" in str(raised.value)
    with pytest.raises(DataError, match="n was int32 and is now int64"):
        shape({"id": TEXT, "n": WIDE}, on_drift="reject")
    assert shape({"id": TEXT, "n": INT}, on_drift="reject").added == ()


def test_what_no_rule_turns_into_the_other_is_refused() -> None:
    with pytest.raises(DataError, match="no rule turns one into the other"):
        shape({"id": TEXT, "n": TEXT})
    with pytest.raises(DataError, match="no rule turns one into the other"):
        shape({"id": TEXT, "n": DOUBLE}, [THERE[0], Column("n", ColumnType("decimal", 38, 0))], dialect=SNOWFLAKE)


@pytest.mark.parametrize(
    ("incoming", "mode", "words"),
    [
        ({"id": TEXT, "_toque_order": INT}, Append(), "names with _toque_ are Toque's own"),
        ({"id": TEXT, "Valid_To": TEXT}, Scd2("id"), "Scd2 writes a column of this name"),
        ({"id": TEXT, "ID": TEXT}, Append(), "differ in case only"),
        ({"n": INT}, Merge("id"), "the key 'id' of raw.contact is no column of the source; it has n"),
        ({"id": ColumnType("other", name="month_interval")}, Append(), "is a month_interval: no warehouse holds that"),
    ],
)
def test_columns_that_could_never_be_loaded_are_refused_at_once(incoming: Any, mode: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        shape(incoming, None, mode=mode)

"""Types of columns: what fits, what widens, and how dialects name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.data.loads.columns import Column, ColumnType, Kind, find, fits, wider
from toque.data.loads.dialects import DIALECTS, DUCKDB, POSTGRESQL, SNOWFLAKE, Dialect
from toque.graph.loads import TableName

KINDS: list[Kind] = [
    "bool",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
    "text",
    "json",
    "bytes",
    "date",
    "time",
    "timestamp",
    "timestamptz",
]
DECIMALS = st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: ColumnType("decimal", p, s)))
TYPES = st.one_of(st.sampled_from(KINDS).map(ColumnType), DECIMALS)


@given(TYPES)
def test_each_type_fits_itself_and_stays_as_it_is(kind: ColumnType) -> None:
    assert fits(kind, kind)
    assert wider(kind, kind) == kind


@given(TYPES, TYPES, TYPES)
def test_what_fits_fits_through_a_third(one: ColumnType, two: ColumnType, three: ColumnType) -> None:
    if fits(one, two) and fits(two, three):
        assert fits(one, three)


@given(TYPES, TYPES)
def test_a_wider_type_holds_what_the_column_has(column: ColumnType, value: ColumnType) -> None:
    new = wider(column, value)
    if new is not None and new.kind != "float64":
        assert fits(column, new)
        assert fits(value, new)


@pytest.mark.parametrize(
    ("column", "value", "new"),
    [
        ("int32", "int64", "int64"),
        ("int64", "int32", "int64"),
        ("int64", "float64", "float64"),
        ("float32", "float64", "float64"),
        ("date", "timestamp", "timestamp"),
        ("text", "int64", "text"),
        ("int64", "text", None),
        ("timestamp", "timestamptz", None),
        ("bool", "int64", None),
        ("text", "bytes", None),
    ],
)
def test_what_becomes_of_a_column(column: Kind, value: Kind, new: Kind | None) -> None:
    assert wider(ColumnType(column), ColumnType(value)) == (ColumnType(new) if new else None)


def test_decimals_grow_on_both_sides_of_the_point_until_there_is_no_more_room() -> None:
    def decimal(precision: int, scale: int) -> ColumnType:
        return ColumnType("decimal", precision, scale)

    assert wider(decimal(5, 2), decimal(6, 4)) == decimal(7, 4)
    assert wider(decimal(5, 2), ColumnType("int64")) == decimal(21, 2)
    assert wider(ColumnType("int32"), decimal(4, 3)) == decimal(13, 3)
    assert wider(decimal(38, 0), decimal(38, 38)) is None
    assert str(decimal(5, 2)) == "decimal(5, 2)"


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda each: each.name)
@given(kind=TYPES)
def test_what_a_dialect_writes_it_reads_and_it_holds_the_values(dialect: Dialect, kind: ColumnType) -> None:
    stored = dialect.stored(kind)
    assert stored.kind != "other"
    assert dialect.stored(stored) == stored
    assert fits(kind, stored) or (dialect.name, kind.kind) in [("snowflake", "float32")]


def test_names_are_written_so_that_sql_without_quotes_finds_them() -> None:
    assert [each.physical("Lead_Score__c") for each in (DUCKDB, POSTGRESQL, SNOWFLAKE)] == [
        "Lead_Score__c",
        "lead_score__c",
        "LEAD_SCORE__C",
    ]
    assert [each.physical("two words") for each in (DUCKDB, POSTGRESQL, SNOWFLAKE)] == ["two words"] * 3
    assert SNOWFLAKE.table(TableName.parse("lake.raw.contact")) == '"LAKE"."RAW"."CONTACT"'
    assert DUCKDB.quote('a"b') == '"a""b"'


def test_types_of_the_catalog_are_read_with_their_sizes() -> None:
    assert POSTGRESQL.column_type("numeric(10,2)") == ColumnType("decimal", 10, 2)
    assert POSTGRESQL.column_type("character varying(20)") == ColumnType("text")
    assert POSTGRESQL.column_type("timestamp(3) with time zone") == ColumnType("timestamptz")
    assert SNOWFLAKE.column_type("NUMBER(38,0)") == ColumnType("decimal", 38, 0)
    assert SNOWFLAKE.column_type("VARCHAR(16777216)") == ColumnType("text")
    assert str(DUCKDB.column_type("STRUCT(a INTEGER)")) == "STRUCT(a INTEGER)"


def test_snowflake_lets_numbers_have_more_digits_and_nothing_else() -> None:
    def decimal(precision: int, scale: int) -> ColumnType:
        return ColumnType("decimal", precision, scale)

    assert SNOWFLAKE.can_alter(decimal(5, 2), decimal(9, 2))
    assert not SNOWFLAKE.can_alter(decimal(5, 2), decimal(9, 4))
    assert not SNOWFLAKE.can_alter(ColumnType("date"), ColumnType("timestamp"))
    assert POSTGRESQL.can_alter(decimal(5, 2), decimal(9, 4))


def test_a_column_is_found_by_its_very_name_first() -> None:
    columns = [Column("id", ColumnType("text")), Column("Id", ColumnType("int64"))]
    assert find(columns, "Id") == columns[1]
    assert find(columns, "ID") == columns[0]
    assert find(columns, "x") is None

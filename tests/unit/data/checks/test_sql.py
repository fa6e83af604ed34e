"""The SQL of checks in three dialects: quoted names, values as parameters, and nothing that can be mistaken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

import toque
from toque.data.checks.columns import for_columns, typed
from toque.data.checks.dialects import Sql, joined, quoted, value
from toque.data.checks.predicates import Rows, bad_among, is_bad
from toque.data.checks.quarantine import bring_back, create_rejects, rejects_of, set_aside
from toque.data.checks.queries import counting, custom, samples
from toque.data.checks.schemas import type_name
from toque.data.loads.columns import Column, ColumnType
from toque.data.loads.dialects import DUCKDB, POSTGRESQL, SNOWFLAKE, Dialect
from toque.errors import UserError
from toque.graph.checks import AnyRowCheck
from toque.graph.loads import TableName

CONTACT = TableName.parse("raw.contact")
DIALECTS = {"duckdb": DUCKDB, "postgres": POSTGRESQL, "snowflake": SNOWFLAKE}
CHECKS: list[AnyRowCheck] = [
    toque.not_null("id"),
    toque.unique("id"),
    toque.unique("id", "day"),
    toque.accepted_values("stage", ["a'b", "c"]),
    toque.relationships("account_id", "raw.account", "id"),
    toque.in_range("score", min=0),
    toque.in_range("score", max=1.5),
    toque.in_range("score", min=0, max=9),
    toque.expression("a >= b"),
]


@pytest.mark.parametrize(
    ("check", "sql", "values"),
    [
        (toque.not_null("id"), '"contact"."id" IS NULL', ()),
        (
            toque.unique("id"),
            '("contact"."id") IN (SELECT "id" FROM "raw"."contact" WHERE "id" IS NOT NULL GROUP BY "id"'
            " HAVING COUNT(*) > 1)",
            (),
        ),
        (toque.accepted_values("stage", ["a'b", "c"]), '"contact"."stage" NOT IN (?, ?)', ("a'b", "c")),
        (
            toque.relationships("account_id", "raw.account"),
            '("contact"."account_id" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "raw"."account" AS "_parent"'
            ' WHERE "_parent"."id" = "contact"."account_id"))',
            (),
        ),
        (toque.in_range("score", min=0, max=9), '("contact"."score" < ? OR "contact"."score" > ?)', (0, 9)),
        (toque.expression('a"b" -- c'), 'NOT (a"b" -- c\n)', ()),
    ],
)
def test_a_row_check_is_a_condition_that_bad_rows_fulfil(
    check: AnyRowCheck, sql: str, values: Sequence[object]
) -> None:
    assert is_bad(check, Rows(CONTACT, DUCKDB)).rendered() == (sql, tuple(values))


@pytest.mark.parametrize("name", DIALECTS)
def test_every_statement_is_sql_of_its_dialect(name: str) -> None:
    dialect = DIALECTS[name]
    rows = Rows(CONTACT, dialect, where="stage = 'x' -- a comment", beside=TableName.parse("raw.live"))
    columns = [("id", "integer"), ("score", "decimal(18, 3)")]
    rejects, stage = rejects_of(CONTACT), TableName.parse("raw.stage")
    statements = [
        counting([*CHECKS, toque.recent("at", "1h"), toque.row_count(min=1)], rows).sql,
        *(samples(check, ["id"], rows) for check in CHECKS),
        *custom(toque.custom_sql("SELECT 1 AS a FROM {table} -- c", name="x"), rows),
        create_rejects(rejects, dialect),
        *set_aside(CHECKS, rows, rejects, columns, "b1"),
        *bring_back(rejects, stage, CONTACT, columns, "b1", dialect=dialect),
    ]
    for statement in statements:
        text, values = statement.rendered()
        parsed = sqlglot.parse_one(text, dialect=name)
        assert len(list(parsed.find_all(sqlglot.exp.Placeholder))) == len(values), text


def test_one_query_answers_for_all_that_can_be_counted() -> None:
    checks = [toque.not_null("id"), toque.row_count(min=1), toque.recent("at", "1h"), toque.schema(["id"])]
    counted = counting(checks, Rows(CONTACT, DUCKDB))
    assert counted.checks == (checks[0], checks[2])
    assert counted.sql.text == (
        'SELECT COUNT(*) AS "c0", COALESCE(SUM(CASE WHEN "contact"."id" IS NULL THEN 1 ELSE 0 END), 0) AS "c1",'
        ' MAX("contact"."at") AS "c2" FROM "raw"."contact"'
    )


def test_a_where_cannot_swallow_what_follows() -> None:
    rows = Rows(CONTACT, DUCKDB, where="true OR true -- all")
    text, _ = bad_among([toque.not_null("id")], rows).rendered()
    assert text == '"raw"."contact" WHERE (true OR true -- all\n) AND (("contact"."id" IS NULL))'


def test_nothing_to_set_aside_is_nothing_to_do() -> None:
    assert set_aside([], Rows(CONTACT, DUCKDB), rejects_of(CONTACT), [("id", "integer")], "b1") == []


def test_names_of_ours_are_stored_as_the_dialect_stores_plain_names() -> None:
    (create, _) = create_rejects(rejects_of(CONTACT), SNOWFLAKE).rendered()
    assert create.startswith('CREATE TABLE IF NOT EXISTS "RAW"."CONTACT__REJECTS" ("BATCH_ID" VARCHAR, "RULE" VARCHAR')


@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_a_quoted_name_is_one_name(name: str) -> None:
    text = quoted(name)
    assert text[0] == text[-1] == '"'
    assert text[1:-1].replace('""', "").count('"') == 0
    assert text[1:-1].replace('""', '"') == name


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        quoted(name)


@given(st.lists(st.integers()))
def test_values_stay_in_the_order_of_their_holes(values: list[int]) -> None:
    sql = "x IN (" + joined(", ", map(value, values)) + ") AND y = " + value("last")
    text, given_values = sql.rendered()
    assert text.count("?") == len(values) + 1
    assert given_values == (*values, "last")


def test_pieces_of_sql_are_joined_from_both_sides() -> None:
    assert "a " + Sql("b") + " c" == Sql("a b c")


COLUMNS = [
    Column("ID", ColumnType("int64")),
    Column("Score", ColumnType("decimal", 18, 3)),
    Column("tags", ColumnType("other", name="VARCHAR[]")),
]


def parent(table: TableName) -> list[Column]:
    return [Column("KEY", ColumnType("int64"))] if table.name == "account" else []


def test_columns_are_said_as_the_table_has_them_and_the_rule_as_it_was_written() -> None:
    check = for_columns(toque.relationships("id", "raw.account", "Key"), CONTACT, COLUMNS, parent)
    assert check == toque.relationships("ID", "raw.account", "KEY").named("relationships(id in raw.account.Key)")
    unique = for_columns(toque.unique("id", "SCORE"), CONTACT, COLUMNS, parent)
    assert unique == toque.unique("ID", "Score").named("unique(id, SCORE)")
    declared = for_columns(toque.schema({"id": "bigint", "gone": ""}), CONTACT, COLUMNS, parent)
    assert declared == toque.schema({"ID": "bigint", "gone": ""}).named("schema")
    assert for_columns(toque.recent("score", "1h"), CONTACT, COLUMNS, parent).name == "recent(score)"


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (toque.not_null("scor"), r"raw\.contact has no column 'scor'(.|\n)*Score"),
        (toque.relationships("id", "raw.account", "id"), r"raw\.account has no column 'id'(.|\n)*KEY"),
        (toque.relationships("id", "raw.nothing"), r"There is no table raw\.nothing"),
    ],
)
def test_columns_that_are_not_there_are_named(check: AnyRowCheck, message: str) -> None:
    with pytest.raises(UserError, match=message):
        for_columns(check, CONTACT, COLUMNS, parent)


def test_rows_that_wait_are_called_by_the_table_that_they_go_to() -> None:
    with pytest.raises(UserError, match=r"^contact has no column 'scor'(.|\n)*did you mean 'Score'\?"):
        for_columns(toque.not_null("scor"), TableName(name="_toque_staging_contact"), COLUMNS, parent)


@pytest.mark.parametrize(
    ("dialect", "types"),
    [
        (DUCKDB, ["BIGINT", "DECIMAL(18, 3)", "VARCHAR[]"]),
        (POSTGRESQL, ["bigint", "numeric(18, 3)", "VARCHAR[]"]),
        (SNOWFLAKE, ["NUMBER(38, 0)", "NUMBER(18, 3)", "VARCHAR[]"]),
    ],
)
def test_types_are_those_of_the_dialect(dialect: Dialect, types: list[str]) -> None:
    assert [kind for _, kind in typed(COLUMNS, dialect)] == types


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int8", "BIGINT"),
        ("character varying(20)", "text"),
        ("numeric(10, 2)", "DECIMAL(18,3)"),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE"),
        ("text[]", "VARCHAR[]"),
        ("double  precision", "DOUBLE"),
        ("STRUCT(a INTEGER)", "struct(a integer)"),
    ],
)
def test_types_have_one_name_in_all_dialects(one: str, other: str) -> None:
    assert type_name(one) == type_name(other)


@pytest.mark.parametrize(("one", "other"), [("int", "bigint"), ("text", "text[]"), ("timestamp", "timestamptz")])
def test_other_types_have_other_names(one: str, other: str) -> None:
    assert type_name(one) != type_name(other)

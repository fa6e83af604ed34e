"""Column lineage of SQL: what each form gives, and that nothing is guessed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from toque.data.lineage.catalog import Catalog
from toque.data.lineage.sql import Cache, lineage_of
from toque.data.lineage.steps import Step
from toque.errors import UserError

CATALOG = Catalog(
    {
        "wh.raw.contact": ["id", "Email", "account_id"],
        "wh.raw.events": {"user_id": "int", "at": "text", "kind": "text"},
    },
    connection="wh",
)


def one(sql: str, dialect: str = "duckdb") -> Step:
    (step,) = lineage_of(sql, CATALOG, dialect=dialect)
    return step


def read(step: Step) -> dict[str, str]:
    """Each column as text: `contact.id`, `f(contact.id)`, `agg(events.at)`."""
    short = {"identity": "{}", "transformation": "f({})", "aggregation": "agg({})"}
    return {
        column.name: " ".join(
            short[each.how].format(f"{each.table.removeprefix('wh.raw.')}.{each.column}") for each in column.sources
        )
        + (" ?" if column.unknown else "")
        for column in step.columns
    }


CASES: list[tuple[str, dict[str, str]]] = [
    ("SELECT * FROM raw.contact", {"id": "contact.id", "email": "contact.Email", "account_id": "contact.account_id"}),
    ("SELECT c.* EXCLUDE (id, email) FROM raw.contact c", {"account_id": "contact.account_id"}),
    ("SELECT upper(Email) || id AS k FROM raw.contact", {"k": "f(contact.Email) f(contact.id)"}),
    ("SELECT 1 AS one, count(*) AS n FROM raw.contact", {"one": "", "n": ""}),
    ("SELECT count(id) AS n, 1 + max(id) AS m FROM raw.contact", {"n": "agg(contact.id)", "m": "agg(contact.id)"}),
    (
        "SELECT kind, email FROM raw.contact JOIN raw.events ON id = user_id",
        {"kind": "events.kind", "email": "contact.Email"},
    ),
    ("SELECT x.i AS j FROM (SELECT id AS i FROM raw.contact) x", {"j": "contact.id"}),
    ("WITH contact AS (SELECT kind FROM raw.events) SELECT * FROM contact", {"kind": "events.kind"}),
    ("WITH a AS (SELECT * FROM raw.events), b AS (SELECT * FROM a) SELECT b.at FROM b", {"at": "events.at"}),
    ("SELECT id FROM raw.contact UNION SELECT user_id FROM raw.events", {"id": "contact.id events.user_id"}),
    ("SELECT id FROM raw.contact EXCEPT SELECT user_id FROM raw.events", {"id": "contact.id events.user_id"}),
    (
        "SELECT sum(id) OVER (PARTITION BY account_id) AS s FROM raw.contact",
        {"s": "agg(contact.account_id) agg(contact.id)"},
    ),
    (
        "SELECT (SELECT max(at) FROM raw.events e WHERE e.user_id = c.id) AS last FROM raw.contact c",
        {"last": "agg(events.at)"},
    ),
    ("SELECT id FROM raw.contact WHERE id IN (SELECT user_id FROM raw.events)", {"id": "contact.id"}),
    ("SELECT raw.contact.email FROM raw.contact", {"email": "contact.Email"}),
    ('SELECT "t"."ID" FROM "db"."RAW"."CONTACT" AS "t"', {"id": "contact.id"}),
    ("SELECT unnest([id, account_id]) AS u FROM raw.contact", {"u": "f(contact.account_id) f(contact.id)"}),
    ("SELECT s.a FROM raw.contact, (VALUES (1)) AS s(a)", {"a": ""}),
    ("FROM raw.contact SELECT id", {"id": "contact.id"}),
    # What the catalog does not know is not guessed.
    ("SELECT x FROM raw.unknown", {"x": "unknown.x"}),
    ("SELECT u.x, y FROM raw.unknown u JOIN raw.other o ON true", {"x": "unknown.x", "y": " ?"}),
    ("SELECT * FROM raw.unknown", {"*": " ?"}),
    ("SELECT u.*, c.id FROM raw.unknown u JOIN raw.contact c ON true", {"*": " ?", "id": "contact.id"}),
    ("WITH a AS (SELECT * FROM raw.unknown) SELECT x, 1 AS one FROM a", {"x": " ?", "one": ""}),
    ("SELECT nope FROM raw.contact", {"nope": " ?"}),
    ("SELECT a FROM read_csv('x.csv')", {"a": " ?"}),
    ("SELECT coalesce(email, z) AS m FROM raw.contact, raw.u1, raw.u2", {"m": "f(contact.Email) ?"}),
    (
        "WITH RECURSIVE t(n) AS (SELECT id FROM raw.contact UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t",
        {"n": "contact.id ?"},
    ),
    (
        "SELECT * FROM raw.contact PIVOT (count(*) FOR account_id IN (1))",
        {"id": "contact.id", "email": "contact.Email", "1": " ?"},
    ),
]


@pytest.mark.parametrize(("sql", "columns"), CASES, ids=[sql for sql, _ in CASES])
def test_each_column_is_what_it_is_made_of(sql: str, columns: dict[str, str]) -> None:
    step = one(sql)
    assert read(step) == columns
    assert list(step.unknown) == [name for name, said in columns.items() if said.endswith("?")]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM raw.unknown", "the columns of wh.raw.unknown are not known"),
        ("SELECT y FROM raw.a, raw.b", "y may be a column of several tables"),
        ("SELECT nope FROM raw.contact", "wh.raw.contact has no column nope"),
    ],
)
def test_an_unknown_column_says_why(sql: str, message: str) -> None:
    assert one(sql).columns[0].unknown == message


@pytest.mark.parametrize(
    ("sql", "target", "inputs", "columns"),
    [
        ("CREATE TABLE raw.x AS SELECT id FROM raw.contact", "wh.raw.x", ["wh.raw.contact"], {"id": "contact.id"}),
        (
            "CREATE OR REPLACE VIEW v (k) AS (SELECT id FROM raw.contact)",
            "wh.v",
            ["wh.raw.contact"],
            {"k": "contact.id"},
        ),
        (
            "INSERT INTO raw.events SELECT id, NULL, email FROM raw.contact",
            "wh.raw.events",
            ["wh.raw.contact"],
            {"user_id": "contact.id", "at": "", "kind": "contact.Email"},
        ),
        (
            "INSERT INTO other (k) WITH q AS (SELECT at FROM raw.events) SELECT * FROM q",
            "wh.other",
            ["wh.raw.events"],
            {"k": "events.at"},
        ),
    ],
)
def test_what_a_statement_writes(sql: str, target: str, inputs: Sequence[str], columns: dict[str, str]) -> None:
    step = one(sql)
    assert (step.target, list(step.inputs), read(step)) == (target, inputs, columns)


CHANGES = [
    (
        "MERGE INTO raw.contact AS t USING (SELECT user_id, max(kind) AS kind FROM raw.events GROUP BY 1) AS s"
        " ON t.id = s.user_id WHEN MATCHED THEN UPDATE SET email = s.kind || t.email, account_id = t.account_id + 1"
        " WHEN NOT MATCHED THEN INSERT (id, email) VALUES (s.user_id, lower(s.kind))"
        " WHEN NOT MATCHED BY SOURCE THEN DELETE",
        {"Email": "agg(events.kind)", "account_id": "", "id": "events.user_id"},
    ),
    (
        "UPDATE raw.contact AS c SET email = e.kind FROM raw.events AS e WHERE e.user_id = c.id",
        {"Email": "events.kind"},
    ),
    ("UPDATE raw.contact SET account_id = id, email = 'x'", {"account_id": "contact.id", "Email": ""}),
]


@pytest.mark.parametrize(("sql", "columns"), CHANGES, ids=[sql[:30] for sql, _ in CHANGES])
def test_what_changes_columns_is_followed_too(sql: str, columns: dict[str, str]) -> None:
    step = one(sql)
    assert (step.target, step.problem) == ("wh.raw.contact", "")
    assert read(step) == columns


def test_statements_know_the_tables_that_earlier_ones_made() -> None:
    script = """
    SET threads = 2; DROP TABLE IF EXISTS raw.x;
    CREATE TEMP TABLE x AS SELECT id, upper(email) AS e FROM raw.contact;
    INSERT INTO raw.y (k) SELECT e FROM x;
    CREATE TABLE raw.z AS SELECT * FROM x
    """
    made, inserted, starred = lineage_of(script, CATALOG)
    assert [step.target for step in (made, inserted, starred)] == ["wh.x", "wh.raw.y", "wh.raw.z"]
    assert read(inserted) == {"k": "wh.x.e"}
    assert read(starred) == {"id": "wh.x.id", "e": "wh.x.e"}


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT FROM WHERE", "the SQL cannot be read: Expected table name"),
        ("SELECT * FROM " + "(" * 50, "the SQL cannot be read"),
        ("INSERT INTO raw.nowhere SELECT id FROM raw.contact", "which columns of wh.raw.nowhere the values go into"),
        ("INSERT INTO raw.events SELECT id FROM raw.contact", "which columns of wh.raw.events the values go into"),
        (
            "MERGE INTO raw.contact t USING raw.events s ON t.id = user_id WHEN NOT MATCHED THEN INSERT VALUES (1)",
            "MERGE cannot be followed: its INSERT names no columns",
        ),
    ],
)
def test_what_cannot_be_followed_is_a_problem_and_no_error(sql: str, problem: str) -> None:
    step = one(sql)
    assert step.problem.startswith(problem)
    assert step.unknown == ("*",)
    assert not step.columns


@pytest.mark.parametrize(
    ("dialect", "sql", "column"),
    [
        ("postgresql", "SELECT (email::jsonb ->> 'a')::int AS a FROM raw.contact", "f(contact.Email)"),
        ("postgresql", "SELECT DISTINCT ON (id) account_id AS a FROM raw.contact ORDER BY id", "contact.account_id"),
        (
            "snowflake",
            "SELECT T.EMAIL AS A FROM RAW.CONTACT T QUALIFY row_number() OVER (ORDER BY ID) = 1",
            "contact.Email",
        ),
        (
            "snowflake",
            "SELECT f.value::int AS a FROM raw.contact t, LATERAL FLATTEN(input => t.email) f",
            "f(contact.Email)",
        ),
    ],
)
def test_other_dialects(dialect: str, sql: str, column: str) -> None:
    assert list(read(one(sql, dialect)).values()) == [column]


def test_the_result_of_a_query_goes_where_its_caller_says() -> None:
    (step,) = lineage_of("SELECT 1 AS a", CATALOG, target="wh.marts.m")
    assert step.target == "wh.marts.m"


def test_the_same_sql_over_the_same_catalog_is_parsed_once() -> None:
    cache: Cache = {}
    first = lineage_of("SELECT id FROM raw.contact", CATALOG, cache=cache)
    assert lineage_of("SELECT id FROM raw.contact", CATALOG, cache=cache) is first
    other = Catalog({"wh.raw.contact": ["ID"]}, connection="wh")
    assert lineage_of("SELECT id FROM raw.contact", other, cache=cache) is not first
    lineage_of("SELECT id FROM raw.contact", CATALOG, target="t", cache=cache)
    lineage_of("SELECT id FROM raw.contact", CATALOG, dialect="postgresql", cache=cache)
    assert len(cache) == 4


def test_without_sqlglot_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(UserError, match=r"toque\[lineage\]"):
        lineage_of("SELECT 1", CATALOG)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("raw.contact", "wh.raw.contact"),
        ("contact", "wh.raw.contact"),
        ("WH.RAW.CONTACT", "wh.raw.contact"),
        ("db.raw.contact", "wh.raw.contact"),
        ("db.other.contact", "wh.db.other.contact"),
        ("a.same", "x.a.same"),
        ("same", "wh.same"),  # one of two: it is not told which
        ("nothing", "wh.nothing"),
    ],
)
def test_a_name_means_the_one_table_that_it_ends(said: str, meant: str) -> None:
    catalog = Catalog({"wh.raw.contact": [], "x.a.same": [], "x.b.same": []}, connection="wh")
    assert catalog.resolved(said.split(".")) == meant


def test_only_tables_that_a_text_may_name_count_for_it() -> None:
    """Adding a column to one table parses only the SQL again that reads it."""
    first = Catalog({"wh.raw.contact": ["id"], "wh.raw.events": ["at"], 'wh.raw.odd "one"': ["x"]}, connection="wh")
    more = first.with_table("wh.raw.events", ["at", "kind"])
    assert first.digest_for("SELECT id FROM raw.Contact") == more.digest_for("SELECT id FROM raw.Contact")
    assert first.digest_for('SELECT * FROM "events"') != more.digest_for('SELECT * FROM "events"')
    turned = Catalog({"wh.raw.events": ["kind", "at"]}, connection="wh")
    ordered = Catalog({"wh.raw.events": ["at", "kind"]}, connection="wh")
    assert turned.digest_for("FROM events") != ordered.digest_for("FROM events"), "the order is that of SELECT *"


def test_a_table_made_again_keeps_the_types_that_were_known() -> None:
    made = Catalog({"t": {"a": "int", "b": "text"}}).with_table("t", ["b", "c"])
    assert made.columns("t") == {"b": "text", "c": ""}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT id FROM raw.contact", ""),
        ("SELECT upper(Email) AS m FROM raw.contact", "UPPER(contact.email)"),
        (
            "WITH u AS (SELECT count(kind) AS n FROM raw.events) SELECT 10 * n AS s FROM u",
            "10 * u.n ← COUNT(events.kind)",
        ),
        ("SELECT 1 AS one", "1"),
    ],
)
def test_a_column_says_what_is_done_to_its_sources(sql: str, said: str) -> None:
    assert one(sql).columns[0].expression == said


def test_long_expressions_are_cut_and_many_are_counted() -> None:
    long = " + ".join(["id"] * 100)
    assert one(f"SELECT {long} AS s FROM raw.contact").columns[0].expression.endswith("…")
    nested = "SELECT id + 1 AS i FROM raw.contact"
    for _ in range(4):
        nested = f"SELECT i + 2 * i AS i FROM ({nested}) AS t"
    assert one(nested).columns[0].expression == "t.i + 2 * t.i ← contact.id + 1"
    several = " UNION ALL ".join(f"SELECT id + {n} AS i FROM raw.contact" for n in range(5))
    assert one(several).columns[0].expression.endswith("← and 2 more")

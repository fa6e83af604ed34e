"""Checks run where the data is: what each finds, on DuckDB and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.integration.checking.conftest import LOOK, NOW, insert
from toque.authoring.data_checks import (
    accepted_values,
    custom_sql,
    expression,
    in_range,
    not_null,
    recent,
    relationships,
    row_count,
    schema,
    unique,
)
from toque.data.checks.dialects import Sql
from toque.errors import UserError
from toque.graph.checks import AnyCheck
from toque.graph.loads import TableName
from toque.integrations.checking.running import run_checks
from toque.integrations.checking.sessions import Desk

GOOD = [
    not_null("id"),
    unique("id"),
    unique("id", "Email"),
    accepted_values("stage", ["lead", "customer"]),
    relationships("account_id", "raw.account", "id"),
    in_range("score", min=0, max=Decimal("12345678901234.567")),
    in_range("updated_at", max=NOW),
    expression("score >= 0 -- a comment"),
    row_count(min=3, max=3),
    recent("updated_at", "30m"),
    schema({"id": "integer", "Email": "varchar", "score": "numeric", "updated_at": "timestamptz"}),
    custom_sql("SELECT stage FROM {table} GROUP BY stage HAVING count(*) > 2", name="no crowd"),
]


def test_good_data_passes_every_check(desk: Desk) -> None:
    report = run_checks(desk, LOOK, GOOD)
    assert [verdict.outcome for verdict in report.verdicts] == ["passed"] * len(GOOD), report.problems
    assert report.rows == 3
    assert not report.samples


@pytest.mark.parametrize(
    ("row", "check", "bad", "message"),
    [
        ("(NULL, 'd@x.y', 1, 'lead', 1, NULL)", not_null("id"), 1, "1 row of 4 (25 %): id is null"),
        ("(1, 'd@x.y', 1, 'lead', 1, NULL)", unique("id"), 2, "2 rows of 4 (50 %): id is not unique"),
        (
            "(1, 'ann@example.com', 1, 'lead', 1, NULL)",
            unique("id", "Email"),
            2,
            "2 rows of 4 (50 %): id, Email are not unique",
        ),
        (
            "(4, 'd@x.y', 1, 'gone', 1, NULL)",
            accepted_values("stage", ["lead", "customer"]),
            1,
            "1 row of 4 (25 %): stage is none of 'lead', 'customer'",
        ),
        (
            "(4, 'd@x.y', 9, 'lead', 1, NULL)",
            relationships("account_id", "raw.account", "id"),
            1,
            "1 row of 4 (25 %): account_id is not in raw.account.id",
        ),
        (
            "(4, 'd@x.y', 1, 'lead', -0.5, NULL)",
            in_range("score", min=0),
            1,
            "1 row of 4 (25 %): score is below 0",
        ),
        (
            "(4, 'd@x.y', 1, 'lead', 12345678901234.568, NULL)",
            in_range("score", min=0, max=Decimal("12345678901234.567")),
            1,
            "1 row of 4 (25 %): score is below 0 or above 12345678901234.567",
        ),
        (
            "(4, '50% off', 1, 'lead', 1, NULL)",
            expression("\"Email\" NOT LIKE '%\\% off' ESCAPE '\\'"),
            1,
            "1 row of 4 (25 %): not \"Email\" NOT LIKE '%\\% off' ESCAPE '\\'",
        ),
        ("(4, 'd@x.y', 1, 'lead', 1, NULL)", row_count(max=3), 1, "4 rows instead of at most 3"),
        (
            "(4, 'd@x.y', 1, 'lead', 1, NULL)",
            custom_sql("SELECT stage FROM {table} GROUP BY stage HAVING count(*) > 2", name="no crowd"),
            1,
            "1 row found wrong",
        ),
    ],
    ids=lambda given: given.check if isinstance(given, Sql) else None,
)
def test_each_check_finds_its_bad_rows(desk: Desk, row: str, check: AnyCheck, bad: int, message: str) -> None:
    insert(desk, row)
    (verdict,) = run_checks(desk, LOOK, [check]).verdicts
    assert (verdict.outcome, verdict.bad, verdict.message) == ("blocked", bad, message)
    is_row_check = verdict.kind not in ("row_count", "recent", "schema")
    assert len(verdict.samples) == (bad if is_row_check else 0)


def test_a_warning_and_a_block_differ_in_their_outcome_only(desk: Desk) -> None:
    insert(desk, "(NULL, 'd@x.y', 1, 'lead', 1, NULL)")
    report = run_checks(desk, LOOK, [not_null("id").warn(), not_null("id"), not_null("id").quarantine()])
    assert [verdict.outcome for verdict in report.verdicts] == ["warned", "blocked", "quarantined"]
    assert len({verdict.message for verdict in report.verdicts}) == 1
    assert [verdict.outcome for verdict in report.problems] == ["blocked", "quarantined", "warned"]
    assert not report.passed


def test_samples_are_five_rows_with_sensitive_columns_masked(desk: Desk) -> None:
    insert(desk, *[f"({n}, 'p{n}@x.y', 9, 'lead', {n}, NULL)" for n in range(10, 30)])
    look = replace(LOOK, sensitive=("score",))
    (verdict,) = run_checks(desk, look, [relationships("account_id", "raw.account", "id")]).verdicts
    assert (verdict.bad, len(verdict.samples)) == (20, 5)
    for row in verdict.samples:
        assert (row["Email"], row["score"], row["account_id"]) == ("***", "***", 9)


def test_an_empty_table_breaks_what_counts_and_what_is_fresh_and_nothing_else(desk: Desk) -> None:
    desk.execute(Sql("DELETE FROM raw.contact"))
    report = run_checks(desk, LOOK, GOOD)
    assert [verdict.kind for verdict in report.blocking] == ["row_count", "recent"]
    assert report.blocking[1].message == "no row has a updated_at: nothing is recent"


def test_freshness_is_measured_against_the_given_time(desk: Desk) -> None:
    later = replace(LOOK, now=datetime(2026, 3, 29, 13, 0, tzinfo=UTC))
    (verdict,) = run_checks(desk, later, [recent("updated_at", "1h")]).verdicts
    assert verdict.message == "the newest updated_at is 1h30m old (2026-03-29 11:30:00 UTC), more than 1h"


def test_only_the_rows_of_a_partition_are_looked_at(desk: Desk) -> None:
    insert(desk, "(NULL, 'd@x.y', 1, 'lost', 1, NULL)")
    inside = run_checks(desk, replace(LOOK, where="stage = 'lead' -- mine"), [not_null("id"), row_count(max=2)])
    outside = run_checks(desk, replace(LOOK, where="stage = 'lost'"), [not_null("id")])
    assert inside.passed
    assert inside.rows == 2
    assert (outside.verdicts[0].bad, outside.rows) == (1, 1)


def test_keys_of_a_table_beside_count_as_taken(desk: Desk) -> None:
    desk.execute(Sql("CREATE TABLE raw.batch AS SELECT * FROM raw.contact WHERE id = 2"))
    look = replace(LOOK, table=TableName.parse("raw.batch"))
    assert run_checks(desk, look, [unique("id")]).passed
    assert run_checks(desk, replace(look, beside=LOOK.table), [unique("id")]).verdicts[0].bad == 1


def test_columns_of_the_parent_table_never_hide_those_of_the_child(desk: Desk) -> None:
    desk.execute(Sql("CREATE TABLE raw.link (id integer)"))
    insert(desk, "(1)", "(77)", into="raw.link")
    look = replace(LOOK, table=TableName.parse("raw.link"))
    (verdict,) = run_checks(desk, look, [relationships("id", "raw.account", "id")]).verdicts
    assert verdict.samples == ({"id": 77},)


def test_the_schema_says_what_is_missing_other_and_extra(desk: Desk) -> None:
    check = schema({"id": "text", "Email": "", "phone": "varchar"}, extra=False)
    (verdict,) = run_checks(desk, LOOK, [check]).verdicts
    assert verdict.message == (
        "column 'phone' is missing; column 'id' is integer instead of text; column 'account_id' is not declared; "
        "column 'stage' is not declared; column 'score' is not declared; column 'updated_at' is not declared"
    )


def test_all_counts_take_one_query(duck: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answered = duck.session.fetch
    monkeypatch.setattr(duck.session, "fetch", lambda text, values=(): asked.append(text) or answered(text, values))
    run_checks(duck, LOOK, GOOD[:-1])
    assert len([text for text in asked if "information_schema" not in text]) == 1


def test_columns_are_found_in_any_case(desk: Desk) -> None:
    checks = [unique("ID", "email"), schema({"EMAIL": "varchar"}), relationships("Account_Id", "raw.account", "ID")]
    assert run_checks(desk, LOOK, checks).passed


def test_a_column_that_is_not_there_is_named_with_a_near_one(desk: Desk) -> None:
    with pytest.raises(UserError, match=r"raw\.contact has no column 'acount_id'(.|\n)*account_id"):
        run_checks(desk, LOOK, [not_null("acount_id")])
    with pytest.raises(UserError, match=r"There is no table raw\.nothing"):
        run_checks(desk, LOOK, [relationships("account_id", "raw.nothing", "id")])


def test_a_table_that_is_not_there_is_named(desk: Desk) -> None:
    with pytest.raises(UserError, match=r"There is no table raw\.nothing"):
        run_checks(desk, replace(LOOK, table=TableName.parse("raw.nothing")), GOOD)

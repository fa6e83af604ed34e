"""Audits: bad rows are set aside and come back, what blocks changes nothing, and done twice is done once."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.checking.conftest import CONTACT, LOOK, insert, table
from toque.authoring.data_checks import (
    accepted_values,
    expression,
    in_range,
    not_null,
    relationships,
    row_count,
    unique,
)
from toque.data.checks.dialects import Sql
from toque.data.checks.reports import explanation
from toque.errors import DataError, NotFound
from toque.graph.loads import TableName
from toque.integrations.checking.auditing import audit, check_table
from toque.integrations.checking.replaying import Replayed, batches, replay
from toque.integrations.checking.sessions import Desk

CHECKS = [
    not_null("id").quarantine(),
    relationships("account_id", "raw.account", "id").quarantine(),
    expression("score >= 0", name="no debt").quarantine(),
    row_count(min=1),
]


def rejects(desk: Desk) -> list[tuple[Any, ...]]:
    return table(desk, "raw.contact__rejects", '"batch_id", "rule", "row_json"')


def test_bad_rows_are_set_aside_with_their_rule_and_good_ones_stay(desk: Desk) -> None:
    insert(desk, "(NULL, 'd@x.y', 9, 'lead', -1.25, NULL)", "(5, 'e@x.y', 1, 'lead', -2, NULL)")
    report = audit(desk, LOOK, CHECKS, batch_id="b1")
    assert [row[0] for row in table(desk)] == [1, 2, 3]
    assert (report.rows, report.set_aside, report.rejects) == (5, 2, "raw.contact__rejects")
    assert [row[:4] for row in rejects(desk)] == [
        ("b1", "no debt", "", None),
        ("b1", "no debt", "", None),
        ("b1", "not_null(id)", "id", None),
        ("b1", "relationships(account_id in raw.account.id)", "account_id", "9"),
    ]
    row = json.loads(rejects(desk)[-1][4])
    assert (row["id"], row["Email"], Decimal(str(row["score"]))) == (None, "d@x.y", Decimal("-1.25"))


def test_an_alert_says_how_many_and_how_they_come_back_and_shows_no_personal_data(desk: Desk) -> None:
    insert(desk, "(NULL, 'dora@x.y', 9, 'lead', 1, NULL)")
    text = explanation(audit(desk, LOOK, CHECKS, batch_id="b1"))
    assert text.splitlines() == [
        "raw.contact: 2 of 4 checks do not hold; 1 row (25 %) set aside",
        "  set aside: not_null(id): 1 row of 4 (25 %): id is null",
        "  set aside: relationships(account_id in raw.account.id): 1 row of 4 (25 %): account_id is not in"
        " raw.account.id",
        "  The rows stand in raw.contact__rejects under batch_id 'b1'. Mend their row_json there, or what they refer"
        " to, then replay('raw.contact', batch_id='b1')",
    ]


def test_a_batch_that_is_audited_twice_leaves_its_rejects_once(desk: Desk) -> None:
    bad = "(NULL, 'd@x.y', 1, 'lead', 1, NULL)"
    for _ in range(2):
        insert(desk, bad)
        audit(desk, LOOK, CHECKS, batch_id="b1")
    assert len(rejects(desk)) == 1
    insert(desk, bad)
    audit(desk, LOOK, CHECKS, batch_id="b2")
    assert batches(desk, CONTACT) == [("b1", 1), ("b2", 1)]


def test_an_audit_that_finds_the_bad_rows_gone_keeps_them(desk: Desk) -> None:
    """A task may run again after its audit was committed: the rows are in the rejects, and nowhere else."""
    insert(desk, "(NULL, 'd@x.y', 1, 'lead', 1, NULL)", "(NULL, 'e@x.y', 1, 'lead', 1, NULL)")
    for _ in range(2):
        audit(desk, LOOK, CHECKS, batch_id="b1")
    assert len(rejects(desk)) == 2


def test_what_blocks_changes_nothing(desk: Desk) -> None:
    insert(desk, "(NULL, 'd@x.y', 1, 'lead', 1, NULL)", "(5, 'e@x.y', 1, 'gone', 1, NULL)")
    before = table(desk)
    with pytest.raises(DataError, match="blocks: accepted_values") as caught:
        audit(desk, LOOK, [*CHECKS, accepted_values("stage", ["lead", "customer"])], batch_id="b1")
    assert table(desk) == before
    assert rejects(desk) == []
    (row,) = caught.value.sample
    assert (row["check"], row["id"], row["Email"], row["stage"]) == ("accepted_values(stage)", 5, "***", "gone")


def test_blocking_checks_look_at_what_is_left(desk: Desk) -> None:
    insert(desk, "(1, NULL, 1, 'lead', 1, NULL)")
    report = audit(desk, LOOK, [not_null("Email").quarantine(), unique("id")], batch_id="b1")
    assert [verdict.outcome for verdict in report.verdicts] == ["quarantined", "passed"]
    desk.execute(Sql('UPDATE raw.contact SET "Email" = NULL'))
    with pytest.raises(DataError, match="row_count: 0 rows instead of at least 1"):
        audit(desk, LOOK, [not_null("Email").quarantine(), row_count(min=1)], batch_id="b2")


def test_too_many_bad_rows_block_after_all(desk: Desk) -> None:
    insert(desk, "(NULL, 'd@x.y', 1, 'lead', 1, NULL)")
    with pytest.raises(DataError, match="more than 20 %, so none is set aside"):
        audit(desk, LOOK, [not_null("id").quarantine(at_most="20%")], batch_id="b1")
    assert audit(desk, LOOK, [not_null("id").quarantine(at_most=1)], batch_id="b1").set_aside == 1


def test_all_rows_of_a_repeated_key_are_set_aside(desk: Desk) -> None:
    insert(desk, "(2, 'bob@new.com', 1, 'lead', 1, NULL)")
    audit(desk, LOOK, [unique("id").quarantine()], batch_id="b1")
    assert [row[0] for row in table(desk)] == [1, 3]
    assert [row[1:4] for row in rejects(desk)] == [("unique(id)", "id", "2")] * 2


def test_only_the_rows_of_a_partition_are_set_aside(desk: Desk) -> None:
    insert(desk, "(NULL, 'd@x.y', 1, 'lead', 1, NULL)", "(NULL, 'e@x.y', 1, 'lost', 1, NULL)")
    audit(desk, replace(LOOK, where="stage = 'lost'"), CHECKS[:3], batch_id="b1")
    assert [row[1] for row in table(desk) if row[0] is None] == ["d@x.y"]


def test_rejects_stand_beside_the_target_when_a_batch_is_staged(desk: Desk) -> None:
    desk.execute(Sql("CREATE TABLE raw.batch AS SELECT * FROM raw.contact"))
    insert(desk, "(NULL, 'd@x.y', 1, 'lead', 1, NULL)", into="raw.batch")
    staged = replace(LOOK, table=TableName.parse("raw.batch"))
    report = audit(desk, staged, CHECKS, batch_id="b1", target=CONTACT)
    assert (report.table, len(table(desk, "raw.batch")), len(rejects(desk))) == ("raw.contact", 3, 1)


def test_a_check_without_an_audit_sets_nothing_aside(desk: Desk) -> None:
    insert(desk, "(NULL, 'd@x.y', 1, 'lead', 1, NULL)")
    assert check_table(desk, LOOK, CHECKS).problems[0].outcome == "quarantined"
    assert len(table(desk)) == 4
    with pytest.raises(DataError, match="blocks: not_null"):
        check_table(desk, LOOK, [not_null("id")])


def test_rejects_that_were_mended_are_replayed_as_they_were(desk: Desk) -> None:
    bad = "(4, 'it''s \"d\" \\ é', 9, 'lead', 98765432109876.543, '2026-03-29 10:00:00.123456+02')"
    insert(desk, bad, bad)
    before = table(desk)[-2:]
    audit(desk, LOOK, CHECKS, batch_id="b1")
    assert replay(desk, LOOK, CHECKS) == [Replayed("b1", loaded=0, superseded=0, still_bad=2)]
    assert len(rejects(desk)) == 2
    insert(desk, "(9, 'Initech')", into="raw.account")
    assert replay(desk, LOOK, CHECKS, batch_id="b1") == [Replayed("b1", loaded=2, superseded=0, still_bad=0)]
    assert table(desk)[-2:] == before
    assert rejects(desk) == []


def test_a_row_that_broke_two_rules_comes_back_once(desk: Desk) -> None:
    insert(desk, "(4, 'd@x.y', 9, 'lead', -1, NULL)")
    audit(desk, LOOK, CHECKS, batch_id="b1")
    assert len(rejects(desk)) == 2
    (done,) = replay(desk, LOOK, [not_null("id").quarantine(), in_range("score", max=0).quarantine()])
    assert (done.loaded, len(table(desk)), rejects(desk)) == (1, 4, [])


def test_a_row_that_broke_two_rules_of_one_name_comes_back_once(desk: Desk) -> None:
    insert(desk, "(4, 'd@x.y', 1, 'gone', -1, NULL)")
    checks = [
        accepted_values("stage", ["lead", "customer"]).quarantine(),
        accepted_values("stage", ["lead"]).quarantine(),
    ]
    assert audit(desk, LOOK, checks, batch_id="b1").set_aside == 2
    assert [row[3] for row in rejects(desk)] == ["customer", "gone"]
    (done,) = replay(desk, LOOK, [])
    assert (done.loaded, len(table(desk))) == (2, 4)


def test_a_replayed_row_never_takes_the_place_of_a_newer_one(desk: Desk) -> None:
    insert(desk, "(4, 'old@x.y', 9, 'lead', 1, NULL)")
    audit(desk, LOOK, CHECKS, batch_id="b1")
    insert(desk, "(4, 'new@x.y', 1, 'lead', 1, NULL)")
    insert(desk, "(9, 'Initech')", into="raw.account")
    assert replay(desk, LOOK, CHECKS, key=["id"]) == [Replayed("b1", loaded=0, superseded=1, still_bad=0)]
    assert [row[1] for row in table(desk) if row[0] == 4] == ["new@x.y"]


def test_a_replayed_key_that_was_taken_meanwhile_is_no_second_row(desk: Desk) -> None:
    checks = [unique("id").quarantine()]
    insert(desk, "(2, 'bob@new.com', 1, 'lead', 1, NULL)")
    audit(desk, LOOK, checks, batch_id="b1")
    assert replay(desk, LOOK, checks)[0].still_bad == 2
    desk.execute(Sql("DELETE FROM raw.contact__rejects WHERE \"row_json\" LIKE '%new%'"))
    insert(desk, "(2, 'third@x.y', 1, 'lead', 1, NULL)")
    assert replay(desk, LOOK, checks)[0].still_bad == 1


def test_a_batch_without_rejects_is_named(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no rejects of batch 'b9'"):
        replay(desk, LOOK, CHECKS, batch_id="b9")
    assert replay(desk, LOOK, CHECKS) == []


def test_every_type_of_duckdb_comes_back_from_the_rejects(duck: Desk) -> None:
    duck.execute(
        Sql(
            "CREATE TABLE raw.zoo (ok boolean, big hugeint, dec decimal(38, 10), f double, d date, ts timestamp, "
            'tz timestamptz, t time, u uuid, b blob, l integer[], s struct(a integer, "b c" varchar), '
            'm map(varchar, integer), iv interval, j json, "o\'d""d" varchar)'
        )
    )
    duck.execute(
        Sql(
            "INSERT INTO raw.zoo VALUES (false, 170141183460469231731687303715884105727, "
            "1234567890123456789012345678.0123456789, 'nan', '2026-01-01', '2026-01-01 00:00:00.000001', "
            "'2026-01-01 01:00:00+02', '10:11:12.000013', '00000000-0000-0000-0000-000000000007', '\\x00\\xFFa'::blob, "
            "[1, NULL], {'a': 1, 'b c': 'x\"y'}, MAP {'k': 2}, INTERVAL 3 DAY, '{\"q\":[1,null]}', '\\n \"'), "
            "(false, NULL, NULL, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        )
    )
    look = replace(LOOK, table=TableName.parse("raw.zoo"))
    before = repr(table(duck, "raw.zoo", "f"))
    audit(duck, look, [expression("ok", name="ok").quarantine()], batch_id="b1")
    assert table(duck, "raw.zoo", "f") == []
    replay(duck, look, [])
    assert repr(table(duck, "raw.zoo", "f")) == before

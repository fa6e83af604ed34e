"""Verdicts from counts, and what people read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import toque
from toque.data.checks.reports import Report, explanation, summary, together
from toque.data.checks.verdicts import Verdict, of_found, of_newest, of_row_count, of_rows, of_schema, share_text
from toque.graph.checks import AnyRowCheck

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (toque.not_null("id"), "3 rows of 1,000 (0.3 %): id is null"),
        (toque.unique("id", "day"), "3 rows of 1,000 (0.3 %): id, day are not unique"),
        (
            toque.accepted_values("n", range(7)),
            "3 rows of 1,000 (0.3 %): n is none of 0, 1, 2, 3, 4, …",
        ),
        (
            toque.relationships("a", "raw.b", "c"),
            "3 rows of 1,000 (0.3 %): a is not in raw.b.c",
        ),
        (toque.in_range("n", 1, 5), "3 rows of 1,000 (0.3 %): n is below 1 or above 5"),
        (toque.expression("a >  b"), "3 rows of 1,000 (0.3 %): not a > b"),
    ],
)
def test_bad_rows_are_told_in_words(check: AnyRowCheck, message: str) -> None:
    verdict = of_rows(check, 3, 1000)
    assert (verdict.outcome, verdict.message, verdict.share) == ("blocked", message, 0.003)
    passed = of_rows(check, 0, 1000)
    assert (passed.outcome, passed.passed, passed.message) == ("passed", True, "all 1,000 rows hold")


@pytest.mark.parametrize(
    ("at_most", "bad", "outcome"),
    [
        (None, 100, "quarantined"),
        (5, 5, "quarantined"),
        (5, 6, "blocked"),
        ("5%", 5, "quarantined"),
        ("5%", 6, "blocked"),
        (0, 1, "blocked"),
        (1, 1, "quarantined"),
    ],
)
def test_more_bad_rows_than_the_limit_block(at_most: int | str | None, bad: int, outcome: str) -> None:
    verdict = of_rows(toque.not_null("id").quarantine(at_most=at_most), bad, 100)
    assert (verdict.outcome, verdict.severity) == (outcome, "quarantine")
    if outcome == "blocked":
        assert verdict.message.endswith("so none is set aside")


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_never_hides_a_row(bad: int, more: int) -> None:
    """What is not zero never reads as zero, and what is not all never as all."""
    total = bad + more
    assert (share_text(bad, total) == "0 %") == (bad == 0)
    assert share_text(bad, total) != "100 %"
    assert share_text(total, total) == "100 %"


@pytest.mark.parametrize(
    ("bounds", "rows", "message"),
    [
        ({"min": 1}, 0, "0 rows instead of at least 1"),
        ({"max": 5}, 6, "6 rows instead of at most 5"),
        ({"min": 1000, "max": 2000}, 1, "1 row instead of at least 1,000 and at most 2,000"),
    ],
)
def test_row_counts_out_of_bounds(bounds: dict[str, int], rows: int, message: str) -> None:
    assert of_row_count(toque.row_count(**bounds), rows).message == message


@pytest.mark.parametrize("rows", [1000, 1500, 2000])
def test_bounds_of_a_row_count_belong_to_it(rows: int) -> None:
    assert of_row_count(toque.row_count(min=1000, max=2000), rows).passed


@pytest.mark.parametrize(
    ("newest", "passes"),
    [
        (NOW, True),
        (NOW - timedelta(hours=2), True),
        (NOW - timedelta(hours=2, seconds=1), False),
        (NOW + timedelta(days=1), True),
        ((NOW - timedelta(hours=1)).replace(tzinfo=None), True),
        ((NOW - timedelta(hours=3)).replace(tzinfo=None), False),
        (datetime(2026, 3, 29, 13, 0, tzinfo=timezone(timedelta(hours=2))), True),
        ("2026-03-29T11:00:00+00:00", True),
        (date(2026, 3, 29), False),
        (None, False),
        (7, False),
    ],
)
def test_freshness_reads_every_form_of_time(newest: Any, passes: bool) -> None:
    assert of_newest(toque.recent("at", "2h"), newest, 5, NOW).passed is passes


def test_what_is_no_time_is_told() -> None:
    assert of_newest(toque.recent("at", "2h"), 7, 5, NOW).message == "at holds a int, which is no time"


def test_a_date_is_its_midnight() -> None:
    verdict = of_newest(toque.recent("day", "1d"), date(2026, 3, 29), 5, NOW)
    assert verdict.message == "the newest day is 12h old (2026-03-29 00:00:00 UTC), at most 1d"


def test_schemas_differ_in_three_ways() -> None:
    check = toque.schema({"id": "bigint", "email": "text", "gone": ""}, extra=False)
    verdict = of_schema(check, [("id", "INTEGER"), ("email", "VARCHAR"), ("new", "DATE")])
    assert verdict.bad == 3
    assert verdict.message == (
        "column 'gone' is missing; column 'id' is integer instead of bigint; column 'new' is not declared"
    )
    assert of_schema(toque.schema(["id"]), [("id", "INTEGER"), ("new", "DATE")]).passed


def test_what_a_query_finds() -> None:
    check = toque.custom_sql("SELECT 1", name="never").warn()
    assert of_found(check, 0).message == "nothing is wrong"
    found = of_found(check, 2)
    assert (found.check, found.outcome, found.message) == ("never", "warned", "2 rows found wrong")


def report(*verdicts: Verdict, **given: Any) -> Report:
    return Report(table="raw.contact", verdicts=verdicts, rows=1000, **given)


PASSED = of_rows(toque.not_null("id"), 0, 1000)
WARNED = of_rows(toque.in_range("n", 0).warn(), 1, 1000)
SET_ASIDE = of_rows(toque.unique("id").quarantine(), 2, 1000)
BLOCKED = of_row_count(toque.row_count(max=5), 1000)


def test_a_report_says_the_worst_first() -> None:
    text = explanation(report(PASSED, WARNED, SET_ASIDE, BLOCKED, set_aside=2, rejects="r", batch_id="b"))
    assert text.splitlines() == [
        "raw.contact: 3 of 4 checks do not hold",
        "  blocks: row_count: 1,000 rows instead of at most 5",
        "  to be set aside: unique(id): 2 rows of 1,000 (0.2 %): id is not unique",
        "  warning: in_range(n): 1 row of 1,000 (0.1 %): n is below 0",
    ]


def test_a_report_of_rows_set_aside_says_where_they_are_and_how_they_come_back() -> None:
    text = explanation(report(PASSED, SET_ASIDE, set_aside=2, rejects="raw.contact__rejects", batch_id="b1"))
    assert text.startswith("raw.contact: 1 of 2 checks does not hold; 2 rows (0.2 %) set aside")
    assert "replay('raw.contact', batch_id='b1')" in text


def test_a_report_without_problems_is_one_line() -> None:
    assert explanation(report(PASSED)) == summary(report(PASSED)) == "raw.contact: its check holds"
    assert report(WARNED, SET_ASIDE).passed
    assert not report(WARNED, BLOCKED).passed


def test_what_was_found_of_other_rows_is_added_and_its_words_say_the_sum() -> None:
    id_ = toque.not_null("id").quarantine(at_most="50%")
    first = report(of_rows(id_, 1, 4), set_aside=1, rejects="r", batch_id="b1")
    both = together(first, report(of_rows(id_, 0, 6), WARNED, batch_id="b2"), of_other_rows=True)
    shown = [(each.check, each.outcome, each.bad, each.total, each.message) for each in both.verdicts]
    assert shown == [
        ("not_null(id)", "quarantined", 1, 10, "1 row of 10 (10 %): id is null"),
        ("in_range(n)", "warned", 1, 1000, "1 row of 1,000 (0.1 %): n is below 0"),
    ]
    assert (both.batch_id, both.rows, both.set_aside) == ("b1", 2000, 1)
    third = report(of_rows(id_, 2, 10), set_aside=2, rejects="r", batch_id="b3")
    assert together(both, third, of_other_rows=True).verdicts[0].message == "3 rows of 20 (15 %): id is null"
    assert together(both, third, of_other_rows=True).batch_id == ""
    halted = together(both, report(of_rows(id_, 9, 10)), of_other_rows=True).verdicts[0]
    assert halted.message == "9 rows of 10 (90 %): id is null: more than 50 %, so none is set aside"
    assert halted.bad == 9


def test_what_was_found_of_the_same_table_is_what_holds_now() -> None:
    rows = toque.row_count(min=5).warn()
    both = together(report(of_row_count(rows, 3)), report(of_row_count(rows, 15)), of_other_rows=False)
    assert [each.message for each in both.verdicts] == ["15 rows, at least 5"]


def test_samples_name_the_check_that_they_broke() -> None:
    shown = msgspec.structs.replace(BLOCKED, samples=({"id": 1},))
    other = msgspec.structs.replace(WARNED, samples=({"id": 2},))
    assert report(other, shown).samples == [{"check": "row_count", "id": 1}]
    assert report(other).samples == [{"check": "in_range(n)", "id": 2}]


def test_a_report_survives_being_stored() -> None:
    given = report(PASSED, WARNED, SET_ASIDE, set_aside=2, rejects="r", batch_id="b")
    assert msgspec.json.decode(msgspec.json.encode(given), type=Report) == given

"""Checks as values: how they are written, what is refused, and that they survive being stored."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

import toque
from toque.errors import UserError
from toque.graph import constants
from toque.graph.checks import AnyCheck, CustomSql, InRange, NotNull, as_data, limit_of, name_of, of_data


def is_fine(table: object) -> bool:
    return table is not None


EACH: list[tuple[AnyCheck, str]] = [
    (toque.not_null("id"), "not_null(id)"),
    (toque.unique("id", "day"), "unique(id, day)"),
    (toque.accepted_values("stage", ["a", 1, Decimal("1.5"), date(2026, 1, 1)]), "accepted_values(stage)"),
    (toque.relationships("account_id", "raw.account"), "relationships(account_id in raw.account.id)"),
    (toque.in_range("at", min=datetime(2026, 1, 1, tzinfo=UTC)), "in_range(at)"),
    (toque.expression("a\n  >= b"), "expression(a >= b)"),
    (toque.expression("x" * 100), f"expression({'x' * 59}…)"),
    (toque.row_count(min=1, max=5), "row_count"),
    (toque.recent("updated_at", "1h30m"), "recent(updated_at)"),
    (toque.schema({"id": "bigint"}, extra=False), "schema"),
    (toque.custom_sql("SELECT 1;", name="never"), "never"),
    (toque.python_check(is_fine), "is_fine"),
]


@pytest.mark.parametrize(("check", "name"), EACH, ids=[name for _, name in EACH])
def test_each_check_has_a_name_and_survives_being_stored(check: AnyCheck, name: str) -> None:
    assert name_of(check) == name
    assert name_of(check.named("mine")) == "mine"
    written = json.loads(json.dumps(as_data([check.warn()])))
    assert constants.decode(constants.encode(written)) == written
    assert of_data(written) == (check.warn(),)


def test_a_check_is_a_value_and_its_variants_are_others() -> None:
    check = toque.not_null("id")
    assert check == NotNull(column="id", severity="block")
    assert check.quarantine() == NotNull(column="id", severity="quarantine")
    assert check.quarantine(at_most="5%").at_most == 0.05
    assert check.quarantine(at_most=0).at_most == 0
    assert check.severity == "block"


def test_values_to_compare_with_keep_their_types() -> None:
    check = toque.in_range("score", min=Decimal("0.10"), max=math.inf)
    (again,) = of_data(json.loads(json.dumps(as_data([check]))))
    assert isinstance(again, InRange)
    assert (constants.decode(again.min), constants.decode(again.max)) == (Decimal("0.10"), math.inf)


def test_a_query_ends_without_its_semicolon() -> None:
    check = toque.custom_sql("SELECT 1 ; ", name="never")
    assert check == CustomSql(sql="SELECT 1", name="never")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: toque.not_null(""), "not_null(''): names no column|names no column"),
        (toque.unique, "names no column"),
        (lambda: toque.accepted_values("stage", "lead"), "the values are one string"),
        (lambda: toque.accepted_values("stage", []), "has no values"),
        (lambda: toque.accepted_values("stage", ["a", None]), "lists None, which always passes"),
        (lambda: toque.accepted_values("stage", [object()]), "cannot compare with a value of type"),
        (lambda: toque.relationships("a", ""), "names no table"),
        (lambda: toque.in_range("score"), "has no bounds"),
        (lambda: toque.in_range("score", 5, 1), "nothing lies between 5 and 1"),
        (lambda: toque.in_range("score", 5, "x"), "not supported between"),
        (lambda: toque.expression("  "), "has no condition"),
        (toque.row_count, "has no bounds"),
        (lambda: toque.row_count(min=5, max=1), "can never hold"),
        (lambda: toque.row_count(min=-1), "can never hold"),
        (lambda: toque.recent("at", "soon"), "is not a duration"),
        (lambda: toque.schema("id"), "takes several columns"),
        (lambda: toque.schema({}), "names no column"),
        (lambda: toque.custom_sql("", name="x"), "has no query"),
        (lambda: toque.python_check(lambda table: True), "lambda"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(write: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        write()
    assert caught.value.file.endswith("test_specs.py")


@pytest.mark.parametrize(("at_most", "limit"), [(3, 3.0), (0, 0.0), ("5%", 0.05), ("0.1 %", 0.001), ("0%", 0.0)])
def test_a_limit_is_a_count_or_a_share(at_most: int | str, limit: float) -> None:
    assert limit_of(at_most) == pytest.approx(limit)


@pytest.mark.parametrize("at_most", [-1, "5", "100%", "%", "a%"])
def test_other_limits_are_refused(at_most: int | str) -> None:
    with pytest.raises(ValueError, match="neither a count nor a share"):
        limit_of(at_most)

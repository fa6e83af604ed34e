"""Laws of checks and quarantine, over tables that nobody thought of; Python says what SQL should find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toque.authoring.data_checks import accepted_values, expression, in_range, not_null, unique
from toque.data.checks.dialects import Sql
from toque.data.loads.dialects import DUCKDB
from toque.graph.checks import AnyRowCheck
from toque.integrations.checking import Desk, audit, look_at, replay, run_checks
from toque.integrations.warehouses.duckdb import DuckDBSession

Row = tuple[int | None, str | None, Decimal | None]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
rows = st.lists(
    st.tuples(
        st.none() | st.integers(0, 4),
        st.none() | st.sampled_from(["lead", "", "'", '"\\']) | texts,
        st.none() | st.decimals(-3, 3, places=3),
    ),
    max_size=12,
)
LOOK = look_at("t")


def repeated(keys: Callable[[Row], tuple[Any, ...]]) -> Callable[[Row, list[Row]], bool]:
    def is_bad(row: Row, table: list[Row]) -> bool:
        key = keys(row)
        return None not in key and sum(keys(other) == key for other in table) > 1

    return is_bad


RULES: list[tuple[AnyRowCheck, Callable[[Row, list[Row]], bool]]] = [
    (not_null("name"), lambda row, table: row[1] is None),
    (unique("id"), repeated(lambda row: (row[0],))),
    (unique("id", "name"), repeated(lambda row: (row[0], row[1]))),
    (accepted_values("name", ["lead", "'"]), lambda row, table: row[1] not in (None, "lead", "'")),
    (
        in_range("score", min=Decimal("-1"), max=Decimal("1.5")),
        lambda row, table: row[2] is not None and not Decimal(-1) <= row[2] <= Decimal("1.5"),
    ),
    (
        expression("id > 0 OR score > 0", name="some"),
        lambda row, table: not (row[0] or (row[2] or 0) > 0) and None not in (row[0], row[2]),
    ),
]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One database for all examples: to open one costs more than all that they do in it."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        yield Desk(DuckDBSession(connection), DUCKDB)


def fill(desk: Desk, table: list[Row]) -> None:
    desk.session.execute("DROP TABLE IF EXISTS t__rejects")
    desk.session.execute("CREATE OR REPLACE TABLE t (id integer, name varchar, score decimal(9, 3))")
    if table:
        places = ", ".join(["(?, ?, ?)"] * len(table))
        desk.session.execute(f"INSERT INTO t VALUES {places}", [cell for row in table for cell in row])


def in_table(desk: Desk) -> Counter[tuple[Any, ...]]:
    return Counter(desk.fetch(Sql("SELECT * FROM t")))


@settings(max_examples=40)
@given(rows)
def test_each_check_finds_exactly_the_rows_that_python_finds(desk: Desk, table: list[Row]) -> None:
    fill(desk, table)
    report = run_checks(desk, LOOK, [check for check, _ in RULES])
    assert [verdict.bad for verdict in report.verdicts] == [
        sum(is_bad(row, table) for row in table) for _, is_bad in RULES
    ]
    assert all(len(verdict.samples) == min(verdict.bad, 5) for verdict in report.verdicts)


@settings(max_examples=40)
@given(rows, st.sets(st.integers(0, len(RULES) - 1), min_size=1), texts)
def test_no_row_is_lost_or_made_up_by_setting_aside_and_bringing_back(
    desk: Desk, table: list[Row], chosen: set[int], batch_id: str
) -> None:
    rules = [RULES[n] for n in sorted(chosen)]
    checks = [check.quarantine() for check, _ in rules]
    fill(desk, table)
    start = in_table(desk)
    report = audit(desk, LOOK, checks, batch_id=batch_id)
    left = in_table(desk)
    assert left == Counter(row for row in start.elements() if not any(bad(row, table) for _, bad in rules))
    assert report.set_aside == sum(start.values()) - sum(left.values())
    # What is left breaks no rule, and replaying by the same rules changes nothing.
    assert run_checks(desk, LOOK, checks).problems == ()
    for done in replay(desk, LOOK, []):
        assert done.loaded == report.set_aside
    assert in_table(desk) == start

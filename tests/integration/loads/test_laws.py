"""Laws of loads: whatever the batches, the table is what the naive model says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.load_model import Change, batch_of, content, expected, ordered
from tests.postgres import PostgresServer
from toque.data.loads.dialects import Dialect
from toque.graph.loads import AnyMode, Append, LoadSpec, Merge, Replace, Scd2, TableName, Upsert
from toque.integrations.loading import load_batch
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.integrations.warehouses.postgresql import PostgreSQLWarehouse
from toque.ports.sources import Batch
from toque.ports.warehouse import Session, Warehouse

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MODES = [
    Append(),
    Append("Id"),
    Upsert("Id"),
    Merge("Id"),
    Merge("Id", "soft"),
    Merge("Id", "ignore"),
    Scd2("Id"),
    Replace(),
]


class Opened:
    """A warehouse whose sessions are one and the same: an example takes milliseconds."""

    def __init__(self, warehouse: Warehouse, session: Session) -> None:
        self.name = warehouse.name
        self.dialect: Dialect = warehouse.dialect
        self._session = session
        self._count = itertools.count(1)

    def table(self) -> TableName:
        """One that no other example uses."""
        return TableName.parse(f"laws.t{next(self._count)}")

    @contextmanager
    def session(self) -> Iterator[Session]:
        yield self._session


@pytest.fixture(scope="module")
def duckdb() -> Iterator[Opened]:
    warehouse = DuckDBWarehouse(":memory:", settings={"threads": 1})
    with warehouse.session() as session:
        yield Opened(warehouse, session)


@pytest.fixture(scope="module")
def postgresql(postgres: PostgresServer) -> Iterator[Opened]:
    url = postgres.create("template1")
    warehouse = PostgreSQLWarehouse(url)
    with warehouse.session() as session:
        yield Opened(warehouse, session)
    postgres.drop(url)


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Change]]:
    """Batches of changes, some of which are late, duplicated, or in several batches; then some batches again."""
    drafts = draw(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.integers(0, 1), st.integers(0, 3), st.booleans()),
            min_size=1,
            max_size=12,
            unique_by=lambda draft: draft[:3],
        )
    )
    changes = [Change(key, order, seq, None if value == 3 else value, dead) for key, order, seq, value, dead in drafts]
    batches = draw(st.lists(st.lists(st.sampled_from(changes), min_size=1, max_size=6), min_size=1, max_size=4))
    replays = draw(st.lists(st.sampled_from(batches), max_size=2))
    return [*batches, *replays]


def check(opened: Opened, mode: AnyMode, batches: list[list[Change]]) -> None:
    table = opened.table()
    spec = LoadSpec(table=table, mode=mode)
    once: list[list[Change]] = []
    for changes in batches:
        cursor = str(batches.index(changes))
        batch = batch_of(changes, since=cursor, upto=cursor)
        done = load_batch(batch, opened, spec, source="source", now=lambda: NOW)
        if changes not in once or isinstance(mode, Replace):
            once.append(changes)
        assert not (done.repeated and done.changed)
    with opened.session() as session:
        found = content(session, table, mode)
    if mode == Merge("Id", "soft"):
        found = [row for row in found if not row[2]]
    assert found == ordered(expected(mode, once)), batches


@pytest.mark.parametrize("mode", MODES, ids=str)
@given(batches=arrivals())
@settings(max_examples=25)
def test_any_arrival_of_any_batches_gives_the_table_of_the_model(
    duckdb: Opened, mode: AnyMode, batches: list[list[Change]]
) -> None:
    check(duckdb, mode, batches)


@pytest.mark.parametrize("mode", [Merge("Id"), Scd2("Id")], ids=str)
@given(batches=arrivals())
@settings(max_examples=12)
def test_the_same_holds_on_postgresql(postgresql: Opened, mode: AnyMode, batches: list[list[Change]]) -> None:
    check(postgresql, mode, batches)


def test_a_row_that_was_deleted_softly_keeps_its_values_and_rises_only_by_a_newer_version(duckdb: Opened) -> None:
    mode: Any = Merge("Id", "soft")
    spec = LoadSpec(table=duckdb.table(), mode=mode)

    def after(*changes: Change) -> list[tuple[Any, ...]]:
        load_batch(batch_of(changes, upto=str(changes)), duckdb, spec, source="source")
        with duckdb.session() as session:
            return content(session, spec.table, mode)

    assert after(Change("a", 1, 0, 7)) == [("a", 7, False)]
    assert after(Change("a", 3, 0, None, True)) == [("a", 7, True)]
    assert after(Change("a", 2, 0, 8)) == [("a", 7, True)]
    assert after(Change("a", 3, 0, 8)) == [("a", 7, True)]
    assert after(Change("b", 1, 0, None, True)) == [("a", 7, True)]
    assert after(Change("a", 4, 0, 9)) == [("a", 9, False)]


@pytest.mark.parametrize("mode", [Append("s"), Merge(("s", "t")), Merge("s", "soft"), Scd2("s")], ids=str)
def test_columns_may_have_any_name(duckdb: Opened, mode: AnyMode) -> None:
    names = [
        "s",
        "t",
        "n",
        "o",
        "q",
        "c",
        "e",
        "g",
        "x",
        "p",
        "r",
        "v",
        "order",
        "select",
        "a b",
        'it"s',
        "number",
        "at",
    ]
    spec = LoadSpec(table=duckdb.table(), mode=mode)
    for value in (1, 2):
        rows = pa.table({name: pa.array([value if place > 1 else 1]) for place, name in enumerate(names)})
        batch = Batch(rows=rows, since="", upto=str(value), order=pa.array([value]), is_everything=True)
        is_there = isinstance(mode, Append) and value == 2
        assert load_batch(batch, duckdb, spec, source="source").changed == (0 if is_there else 1)

"""A table of SQL by its cursor column: late rows, equal stamps, marks of deletes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.loads.faults import Watched
from toque.errors import UserError
from toque.graph.loads import LoadSpec, Merge, TableName
from toque.integrations.loading import LoadResult, load
from toque.integrations.sources import sql
from toque.integrations.sources.sql import SqlTable
from toque.integrations.warehouses.duckdb import DuckDBWarehouse

SPEC = LoadSpec(table=TableName.parse("raw.orders"), mode=Merge("id"))


class Place:
    """One database that is source and target."""

    def __init__(self, warehouse: Any, session: Any) -> None:
        self.warehouse, self.session = warehouse, session

    def run(self, statement: str) -> None:
        self.session.execute(statement)

    def load(self, cursor: str = "at_us", **options: Any) -> LoadResult:
        return load(SqlTable(self.warehouse, "orders", cursor, **options), self.warehouse, SPEC)

    def rows(self) -> list[tuple[Any, ...]]:
        return self.session.fetch("SELECT id, n FROM raw.orders ORDER BY id")


@pytest.fixture
def place() -> Iterator[Place]:
    warehouse = DuckDBWarehouse(":memory:", settings={"threads": 1})
    with warehouse.session() as session:
        made = Place(Watched(warehouse, lambda _: None, session), session)
        made.run("CREATE TABLE orders (id INTEGER, n INTEGER, at_us BIGINT, gone BOOLEAN)")
        yield made


def test_rows_at_the_cursor_itself_are_read_again(place: Place) -> None:
    place.run("INSERT INTO orders VALUES (1, 10, 100, false), (2, 20, 200, false)")
    assert place.load().inserted == 2
    place.run("INSERT INTO orders VALUES (3, 30, 200, false), (4, 40, 199, false)")
    done = place.load()
    assert (done.inserted, done.updated, done.ignored, done.cursor) == (1, 0, 1, "int:200")
    assert place.rows() == [(1, 10), (2, 20), (3, 30)]


def test_rows_that_arrive_within_the_lag_are_read_time_and_again(place: Place) -> None:
    place.run("INSERT INTO orders VALUES (1, 10, 100, false)")
    for late in (99, 98):
        place.load(lag=5)
        place.run(f"INSERT INTO orders VALUES ({late}, 1, {late}, false)")
    done = place.load(lag=5)
    assert (done.inserted, done.cursor) == (1, "int:100")
    assert place.rows() == [(1, 10), (98, 1), (99, 1)]


def test_a_mark_in_the_source_deletes(place: Place) -> None:
    place.run("INSERT INTO orders VALUES (1, 10, 100, false), (2, 20, 100, NULL)")
    place.load(deleted="gone")
    place.run("UPDATE orders SET gone = true, at_us = 101 WHERE id = 1")
    assert place.load(deleted="gone").deleted == 1
    assert place.rows() == [(2, 20)]


def test_times_are_cursors_with_a_lag_of_time(place: Place) -> None:
    place.run("ALTER TABLE orders ADD COLUMN changed TIMESTAMPTZ")
    place.run("INSERT INTO orders VALUES (1, 1, 0, false, '2026-01-01 12:00:00+00')")
    done = place.load("changed", lag=timedelta(minutes=5))
    assert done.cursor == f"datetime:{datetime(2026, 1, 1, 12, tzinfo=UTC).isoformat()}"
    place.run("INSERT INTO orders VALUES (2, 2, 0, false, '2026-01-01 11:56:00+00')")
    place.run("INSERT INTO orders VALUES (3, 3, 0, false, '2026-01-01 11:54:00+00')")
    assert place.load("changed", lag=timedelta(minutes=5)).inserted == 1
    with pytest.raises(UserError, match="needs a timedelta as its lag"):
        place.load("changed", lag=3)


def test_the_cursor_moves_with_each_batch(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "ROWS", 2)
    place.run("INSERT INTO orders SELECT n, n, n, false FROM range(5) AS r (n)")
    batches = list(SqlTable(place.warehouse, "orders", "at_us").read(""))
    assert sum(batch.rows.num_rows for batch in batches) == 5
    assert [batch.since for batch in batches] == ["", *(batch.upto for batch in batches[:-1])]
    assert batches[-1].upto == "int:4"


def test_an_empty_table_is_made_and_columns_without_an_order_are_refused(place: Place) -> None:
    place.run("ALTER TABLE orders ADD COLUMN label VARCHAR")
    assert place.load().read == 0
    assert place.rows() == []
    place.run("INSERT INTO orders VALUES (1, 10, NULL, false, 'x')")
    with pytest.raises(UserError, match="1 rows have no at_us"):
        place.load()
    with pytest.raises(UserError, match="only whole numbers, dates and times tell what is newer"):
        place.load("label")

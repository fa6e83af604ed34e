"""What a load does, in every warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from tests.load_model import Change, batch_of, content, expected, ordered
from toque.errors import DataError, TransientError, UserError
from toque.graph.loads import AnyMode, Append, Contract, LoadSpec, Merge, Replace, Scd2, TableName, Upsert
from toque.integrations.loading import load, load_batch
from toque.ports.sources import Batch
from toque.ports.warehouse import Warehouse

TABLE = TableName.parse("raw.contact")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIRST = [Change("a", 1, 0, 1), Change("b", 1, 0, 2), Change("c", 1, 0, 3), Change("a", 2, 0, 4)]
SECOND = [Change("b", 3, 0, None, True), Change("c", 3, 0, None), Change("d", 2, 0, 6), Change("d", 4, 0, None, True)]
LATE = [Change("b", 2, 0, 7), Change("c", 2, 0, 8), Change("e", 1, 0, 9), Change("a", 2, 0, 4)]


class Listed:
    """A source that gives batches in a row, and remembers what was confirmed."""

    name = "crm.Contact"

    def __init__(self, *batches: Batch) -> None:
        self.batches = list(batches)
        self.asked: list[str] = []
        self.confirmed: list[str] = []

    def read(self, cursor: str) -> Iterator[Batch]:
        self.asked.append(cursor)
        start = next((i for i, each in enumerate(self.batches) if each.since == cursor), len(self.batches))
        yield from self.batches[start:]

    def confirm(self, cursor: str) -> None:
        self.confirmed.append(cursor)


def spec(mode: AnyMode, contract: str = "evolve") -> LoadSpec:
    return LoadSpec(table=TABLE, mode=mode, contract=Contract(contract))  # type: ignore[arg-type]


def rows(warehouse: Warehouse, columns: str = "Id, amount", table: str = "raw.contact") -> list[tuple[Any, ...]]:
    with warehouse.session() as session:
        return sorted(map(tuple, session.fetch(f"SELECT {columns} FROM {table}")), key=repr)


def table(**columns: Any) -> Batch:
    """Rows without places of their own."""
    return Batch(rows=pa.table(columns), since="", upto="")


def test_a_load_in_three_batches_gives_the_table_of_the_model(pair: tuple[Warehouse, AnyMode]) -> None:
    warehouse, mode = pair
    given = [FIRST, SECOND, LATE]
    source = Listed(*(batch_of(each, since=str(n or ""), upto=str(n + 1)) for n, each in enumerate(given)))
    done = load(source, warehouse, spec(mode), now=lambda: NOW)
    with warehouse.session() as session:
        found = content(session, TABLE, mode)
    once = [[*FIRST, *SECOND, *LATE]] if isinstance(mode, Replace) else given
    if mode == Merge("Id", "soft"):
        assert [row for row in found if row[2]] == [("b", 2, True)]
        found = [row for row in found if not row[2]]
    assert found == ordered(expected(mode, once))
    assert done.cursor == "3"
    assert source.confirmed == (["3"] if isinstance(mode, Replace) else ["1", "2", "3"])
    if not isinstance(mode, Replace):
        assert load(source, warehouse, spec(mode), now=lambda: NOW).batches == 0


def test_counts_tell_what_became_of_the_rows(swift: Warehouse) -> None:
    done = [
        load_batch(batch_of(each, upto=str(n)), swift, spec(Merge("Id")), source="crm")
        for n, each in enumerate((FIRST, SECOND, LATE, FIRST))
    ]
    assert [(each.inserted, each.updated, each.deleted, each.ignored) for each in done] == [
        (3, 0, 0, 1),
        (0, 1, 1, 2),
        (1, 0, 0, 3),
        (0, 0, 0, 4),
    ]


def test_a_batch_that_was_loaded_is_not_loaded_again(warehouse: Warehouse) -> None:
    batch = batch_of(FIRST, upto="1")
    assert load_batch(batch, warehouse, spec(Append()), source="crm").inserted == 4
    again = load_batch(batch, warehouse, spec(Append()), source="crm")
    assert (again.repeated, again.changed) == (1, 0)
    assert load_batch(batch, warehouse, spec(Append()), source="erp").inserted == 4
    assert len(rows(warehouse)) == 8


def test_batches_of_one_range_are_committed_together_with_their_cursor(swift: Warehouse) -> None:
    parts = [
        batch_of(FIRST[:2], since="", upto="", is_complete=False),
        batch_of(FIRST[2:], since="", upto="7"),
    ]
    source = Listed(*parts)
    done = load(source, swift, spec(Merge("Id")))
    assert (done.batches, done.inserted, source.confirmed) == (1, 3, ["7"])


def test_what_a_full_reading_no_longer_has_is_deleted_and_stays_so(swift: Warehouse) -> None:
    load_batch(batch_of(FIRST, upto="1"), swift, spec(Merge("Id")), source="crm")
    newer = [Change("n", 9, 0, 1)]
    load_batch(batch_of(newer, upto="2"), swift, spec(Merge("Id")), source="crm")
    everything = batch_of([Change("a", 5, 0, 4), Change("z", 5, 0, 1)], upto="3", is_everything=True)
    done = load_batch(everything, swift, spec(Merge("Id")), source="crm")
    assert (done.inserted, done.updated, done.deleted) == (1, 1, 2)
    load_batch(batch_of(LATE, upto="4"), swift, spec(Merge("Id")), source="crm")
    # "n" is newer than the reading, "e" was never read: both may be. "b" and "c" were deleted after their late rows.
    assert rows(swift) == [("a", 4), ("e", 9), ("n", 1), ("z", 1)]


def test_new_columns_are_added_and_lost_ones_keep_what_they_hold(warehouse: Warehouse) -> None:
    first = Batch(rows=pa.table({"Id": ["a"], "amount": [1], "city": ["Rome"]}), since="", upto="1")
    second = Batch(rows=pa.table({"Id": ["a", "b"], "amount": [2, 3], "tags": [["x"], None]}), since="1", upto="2")
    load_batch(first, warehouse, spec(Upsert("Id")), source="crm")
    done = load_batch(second, warehouse, spec(Upsert("Id")), source="crm")
    assert [name.casefold() for name in done.added_columns] == ["tags"]
    assert [name.casefold() for name in done.absent_columns] == ["city"]
    assert rows(warehouse, "Id, amount, city") == [("a", 2, "Rome"), ("b", 3, None)]
    (tags,) = (tags for (tags,) in rows(warehouse, "tags") if tags is not None)
    assert tags in ('["x"]', ["x"])


def test_a_contract_keeps_new_columns_out_or_refuses_them(swift: Warehouse) -> None:
    load_batch(table(Id=["a"], amount=[1]), swift, spec(Upsert("Id")), source="crm")
    wider = table(Id=["a"], amount=[2], city=["Rome"])
    with pytest.raises(DataError, match=r"raw.contact refuses rows of another schema: city \(text\) is new"):
        load_batch(wider, swift, spec(Upsert("Id"), "reject"), source="crm")
    assert rows(swift) == [("a", 1)]
    done = load_batch(wider, swift, spec(Upsert("Id"), "freeze"), source="crm")
    assert (done.left_out_columns, done.updated) == (("city",), 1)
    assert rows(swift) == [("a", 2)]


def test_numbers_grow_where_the_warehouse_lets_them(warehouse: Warehouse) -> None:
    small = Batch(rows=pa.table({"Id": ["a"], "n": pa.array([1], pa.int32())}), since="", upto="1")
    large = Batch(rows=pa.table({"Id": ["b"], "n": pa.array([2**40], pa.int64())}), since="1", upto="2")
    load_batch(small, warehouse, spec(Append()), source="crm")
    load_batch(large, warehouse, spec(Append()), source="crm")
    assert rows(warehouse, "Id, n") == [("a", 1), ("b", 2**40)]
    with pytest.raises(DataError, match=r"and text arrived: no rule turns one into the other"):
        load_batch(table(Id=["c"], n=["many"]), warehouse, spec(Append()), source="crm")


def test_rows_without_a_key_are_shown(swift: Warehouse) -> None:
    with pytest.raises(DataError, match="1 rows have no Id") as raised:
        load_batch(table(Id=["a", None], amount=[1, 2]), swift, spec(Merge("Id")), source="crm")
    assert raised.value.sample == [{"Id": None, "amount": 2}]


def test_rows_that_may_come_twice_are_not_appended_without_a_key(swift: Warehouse) -> None:
    batch = batch_of(FIRST, upto="1", may_repeat=True)
    with pytest.raises(UserError, match="reads with a lag"):
        load_batch(batch, swift, spec(Append()), source="crm")


def test_of_two_loads_from_one_cursor_one_goes_on(warehouse: Warehouse) -> None:
    class Overtaken(Listed):
        def read(self, cursor: str) -> Iterator[Batch]:
            load_batch(batch_of([Change("x", 1, 0, 1)], upto="5"), warehouse, spec(Append()), source=self.name)
            yield from super().read(cursor)

    with pytest.raises(TransientError, match="got ahead"):
        load(Overtaken(batch_of(FIRST, upto="1")), warehouse, spec(Append()))
    assert rows(warehouse) == [("x", 1)]


def test_the_same_full_refresh_again_after_another_is_not_mistaken_for_a_repetition(warehouse: Warehouse) -> None:
    one, other = table(Id=["a"], amount=[1]), table(Id=["b"], amount=[2])
    for batch in (one, other, one):
        load(Listed(batch), warehouse, spec(Replace()))
        assert rows(warehouse) == sorted(
            zip(batch.rows["Id"].to_pylist(), batch.rows["amount"].to_pylist(), strict=True)
        )


def test_versions_without_a_place_are_kept_when_they_differ(swift: Warehouse) -> None:
    times = iter([datetime(2026, 6, day, tzinfo=UTC) for day in range(1, 30)])
    for amount in (1, 1, 2):
        load_batch(table(Id=["a"], amount=[amount]), swift, spec(Scd2("Id")), source="crm", now=lambda: next(times))
    assert rows(swift, "amount, is_current") == [(1, False), (2, True)]

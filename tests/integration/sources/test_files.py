"""Files by a pattern: each once, whole, in the order in which they were written."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.integration.loads.faults import Watched
from toque.errors import DataError, UserError
from toque.graph.loads import AnyMode, Append, LoadSpec, Replace, TableName, Upsert
from toque.integrations.loading import LoadResult, load
from toque.integrations.sources import csv_rows
from toque.integrations.sources import files as module
from toque.integrations.sources.files import Files, ObstoreStore
from toque.integrations.warehouses.duckdb import DuckDBWarehouse


class Place:
    """A directory and a warehouse."""

    def __init__(self, folder: Path, warehouse: Any, session: Any) -> None:
        self.folder, self.warehouse, self.session = folder, warehouse, session
        self._time = 1_790_000_000

    def write(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self._time += 10
        os.utime(path, (self._time, self._time))

    def load(self, pattern: str = "*", mode: AnyMode | None = None, **options: Any) -> LoadResult:
        spec = LoadSpec(table=TableName.parse("raw.t"), mode=mode or Append())
        return load(Files(f"{self.folder}/{pattern}", **options), self.warehouse, spec)

    def rows(self, columns: str = "id, n") -> list[tuple[Any, ...]]:
        return self.session.fetch(f"SELECT {columns} FROM raw.t ORDER BY ALL")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    warehouse = DuckDBWarehouse(":memory:", settings={"threads": 1})
    with warehouse.session() as session:
        yield Place(tmp_path, Watched(warehouse, lambda _: None, session), session)


def test_each_file_is_loaded_once(place: Place) -> None:
    place.write("a.csv", 'id,n\n1,"x\ny"\n2,y\n')
    place.write("b.csv.gz", gzip.compress(b"id,n\n3,z\n"))
    assert (place.load().batches, place.load().batches) == (2, 0)
    place.write("c.csv", "id,n\n4,z\n")
    assert place.load().inserted == 1
    assert place.rows() == [(1, "x\ny"), (2, "y"), (3, "z"), (4, "z")]


def test_parquet_and_lines_of_json_in_pieces_are_one_range_each(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", 2)
    monkeypatch.setattr(module, "BLOCK_BYTES", 30)
    pyarrow.parquet.write_table(pa.table({"id": range(5), "n": ["p"] * 5}), place.folder / "a.parquet")
    place.write("b.jsonl", "".join(f'{{"id": {n}, "n": "j", "more": {{"x": [{n}]}}}}\n' for n in range(5, 9)) + "\n")
    done = place.load()
    assert (done.batches, done.inserted) == (2, 9)
    assert place.rows("id, n, more->>'$.x[0]'") == [
        *((n, "p", None) for n in range(5)),
        *((n, "j", str(n)) for n in range(5, 9)),
    ]


def test_rows_of_later_files_are_newer_and_a_file_that_is_written_again_is_loaded_again(place: Place) -> None:
    place.write("b.csv", "id,n\n1,old\n1,older than none\n")
    place.write("a.csv", "id,n\n1,new\n")
    place.load(mode=Upsert("id"))
    assert place.rows() == [(1, "new")]
    place.write("b.csv", "id,n\n1,newest\n")
    assert place.load(mode=Upsert("id")).updated == 1
    assert place.rows() == [(1, "newest")]


def test_a_full_refresh_takes_all_files_that_there_are(place: Place) -> None:
    place.write("a.csv", "id,n\n1,x\n")
    place.write("b.csv", "id,n\n2,y\n")
    place.load(mode=Replace())
    (place.folder / "a.csv").unlink()
    done = place.load(mode=Replace())
    assert (done.inserted, done.deleted) == (1, 2)
    assert place.rows() == [(2, "y")]


def test_object_stores_are_read_by_obstore(place: Place) -> None:
    import obstore
    from obstore.store import MemoryStore

    store = MemoryStore()
    for name in ("in/1.csv", "in/2.csv", "out/3.csv"):
        obstore.put(store, name, f"id,n\n{name[-5]},x\n".encode())
    source = Files("in/*.csv", store=ObstoreStore(store))
    spec = LoadSpec(table=TableName.parse("raw.t"), mode=Append())
    assert load(source, place.warehouse, spec).inserted == 2
    assert place.rows() == [(1, "x"), (2, "x")]


def test_what_a_file_is_can_be_told(place: Place) -> None:
    place.write("a.txt", "id,n\n1,7\n")
    with pytest.raises(UserError, match="no Parquet, CSV or lines of JSON"):
        place.load()
    place.load(kind="csv", types={"n": pa.string()})
    assert place.rows() == [(1, "7")]


def test_a_csv_that_is_larger_than_a_block_keeps_its_types_and_its_quoted_line_ends(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 400)
    monkeypatch.setattr(csv_rows, "CSV_BYTES", 200)
    monkeypatch.setattr(module, "ROWS", 7)
    # The first value that is no integer lies beyond the first small block, and within the one that tells the types.
    lines = [f'{n},{n if n < 14 else n + 0.5},"two\nlines {n}"' for n in range(40)]
    place.write("big.csv", "id,amount,note\n" + "\n".join(lines) + "\n")
    batches = list(Files(f"{place.folder}/*.csv").read(""))
    assert [batch.rows.num_rows for batch in batches] == [7, 7, 7, 7, 7, 5]
    rows = pa.concat_tables([batch.rows for batch in batches])
    assert rows["amount"].to_pylist() == [float(n) if n < 14 else n + 0.5 for n in range(40)]
    assert rows["note"].to_pylist() == [f"two\nlines {n}" for n in range(40)]


def test_an_empty_cell_is_null_in_a_column_of_text_too_and_a_text_that_looks_like_null_is_none(place: Place) -> None:
    place.write("a.csv", 'id,n\n1,\n2,NA\n3,""\n4,null\n5,"a\nb"\n')
    place.write("b.csv", "id,n\n6,\n")
    place.load(types={"n": pa.large_string()})
    place.write("c.csv", "id,n\n7,\n8,x\n")
    place.load()
    found = [(1, None), (2, "NA"), (3, None), (4, "null"), (5, "a\nb"), (6, None), (7, None), (8, "x")]
    assert place.rows() == found


def test_what_is_empty_says_nothing_of_types_and_stops_nothing(place: Place) -> None:
    place.write("a.csv", "")
    place.write("b.csv", "id,n\n")
    assert place.load(mode=Upsert("id")).batches == 0
    place.write("c.csv", "id,n\n1,5\n")
    assert place.load(mode=Upsert("id")).inserted == 1
    place.write("d.csv", "id,n\n2,\n")
    place.write("e.csv", "id,n\n")
    assert place.load(mode=Upsert("id")).inserted == 1
    assert place.rows() == [(1, 5), (2, None)]


@pytest.mark.parametrize("pattern", ["gone/*.csv", "gone/deeper/**/*.csv", "gone/orders.csv"])
def test_a_folder_that_is_not_there_is_an_error_that_names_it(place: Place, pattern: str) -> None:
    with pytest.raises(UserError, match=r"/gone\b.* does not exist: there is nowhere to look") as raised:
        place.load(pattern)
    assert raised.value.fix is not None
    assert "create the folder (it may be empty)" in raised.value.fix
    assert place.session.columns(TableName.parse("raw.t")) is None


def test_an_empty_folder_is_nothing_to_do_and_a_file_that_is_named_must_be_there(place: Place) -> None:
    assert place.load("*.csv").batches == 0
    assert place.load("[a-z]*/orders.csv").batches == 0
    with pytest.raises(UserError, match=r"/orders\.csv does not exist"):
        place.load("orders.csv")


def test_in_a_store_without_folders_only_the_bucket_must_be_there(place: Place) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe_file("/bucket-of-files/other.txt", b"")
    try:
        assert list(Files("memory://bucket-of-files/orders/*.csv").read("")) == []
        with pytest.raises(UserError, match="no-such-bucket does not exist"):
            list(Files("memory://no-such-bucket/orders/*.csv").read(""))
    finally:
        memory.rm("/bucket-of-files", recursive=True)


def test_who_may_not_ask_for_the_bucket_is_not_told_that_it_is_gone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError("403")

    monkeypatch.setattr(MemoryFileSystem, "exists", lambda *_, **__: False)
    monkeypatch.setattr(MemoryFileSystem, "ls", refused)
    monkeypatch.setattr(MemoryFileSystem, "glob", lambda *_, **__: {})
    assert list(Files("memory://bucket-of-others/orders/*.csv").read("")) == []


def test_rows_that_do_not_fit_are_said_to_be_in_their_file(place: Place) -> None:
    place.write("a.csv", "id,n\n1,10\n")
    place.write("b.csv", "id,n\n2,many\n")
    with pytest.raises(DataError, match=r"raw\.t\.n is int64, and text arrived") as caught:
        place.load()
    assert caught.value.__notes__ == [f"These rows are in {place.folder / 'b.csv'}."]

"""Tables as Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toque.errors import UserError
from toque.integrations.keeping.parquet import Parquet
from toque.store.blobs import MemoryBlobs
from toque.worker.slices import NothingThere, Site, Slice

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": None}]
ORDERS = Slice(asset="raw.orders")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(MemoryBlobs(), str(tmp_path), "attempt-1")


@pytest.mark.parametrize("value", [pa.Table.from_pylist(ROWS), pd.DataFrame(ROWS), pl.DataFrame(ROWS), ROWS])
def test_any_table_is_a_file_that_others_can_read(site: Site, tmp_path: Path, value: Any) -> None:
    saved = Parquet("lake").save(ORDERS, value, site)
    path = tmp_path / "lake" / "raw" / "orders.parquet"
    assert pq.read_table(path).to_pylist() == ROWS
    assert (saved.rows, [name for name, _ in saved.columns]) == (2, ["id", "name"])
    assert saved.size_bytes == path.stat().st_size
    assert saved.metadata == {"path": "lake/raw/orders.parquet"}
    assert [each.name for each in path.parent.iterdir()] == ["orders.parquet"]


def test_a_partition_is_a_file_whatever_its_key(site: Site, tmp_path: Path) -> None:
    keeper = Parquet(str(tmp_path / "elsewhere"))
    for key in ("2026-01-05|eu", "../up", "a b"):
        keeper.save(Slice(asset="a", partition=key), ROWS, site)
        assert keeper.load([Slice(asset="a", partition=key)], list, site) == ROWS
    assert len(list((tmp_path / "elsewhere" / "a").iterdir())) == 3


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.Table, list])
def test_a_reader_is_given_what_its_annotation_names(site: Site, kind: Any) -> None:
    Parquet("lake").save(ORDERS, ROWS, site)
    assert type(Parquet("lake").load([ORDERS], kind, site)) is kind


def test_slices_come_below_each_other(site: Site) -> None:
    parts = [Slice(asset="a", partition=str(n)) for n in range(3)]
    for n, part in enumerate(parts):
        Parquet("lake").save(part, [{"n": n}], site)
    assert Parquet("lake").load(parts, list, site) == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_equal_rows_have_one_version_however_they_lie_in_memory(site: Site) -> None:
    whole = pa.table({"n": [1, 2, None, 4], "t": ["a", "b", "c", None]})
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    sliced = pa.concat_tables([whole, whole]).combine_chunks().slice(4)
    versions = {Parquet("lake").save(ORDERS, each, site).data_version for each in (whole, chunked, sliced)}
    assert len(versions) == 1
    assert Parquet("lake").save(ORDERS, whole.slice(1), site).data_version not in versions


def test_a_writer_that_fails_leaves_the_file_as_it_was(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Parquet("lake")
    keeper.save(ORDERS, ROWS, site)

    def torn(table: pa.Table, sink: Any, **options: Any) -> None:
        sink.write(b"PAR1 half a file")
        raise OSError("no space left")

    monkeypatch.setattr(pq, "write_table", torn)
    with pytest.raises(OSError, match="no space"):
        keeper.save(ORDERS, [{"id": 9, "name": "z"}], site)
    assert keeper.load([ORDERS], list, site) == ROWS


def test_what_was_never_made_and_what_is_no_table(site: Site) -> None:
    with pytest.raises(NothingThere, match=r"raw\.orders"):
        Parquet("lake").load([ORDERS], None, site)
    with pytest.raises(UserError, match="is no table"):
        Parquet("lake").save(ORDERS, 3, site)


def test_a_url_names_the_file_system(tmp_path: Path, site: Site) -> None:
    keeper = Parquet(f"file://{tmp_path}/by-url")
    keeper.save(ORDERS, ROWS, site)
    assert (tmp_path / "by-url" / "raw" / "orders.parquet").is_file()
    assert keeper.load([ORDERS], list, site) == ROWS

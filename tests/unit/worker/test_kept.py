"""Values of assets in the blob store: what was kept comes back, the new one in place of the old, never a half."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from toque.store.blobs import MemoryBlobs
from toque.worker.kept import Kept
from toque.worker.slices import NothingThere, Site, Slice


class Breaks(MemoryBlobs):
    """Loses its writer at the n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes_left = 1_000

    def put(self, key: str, chunks: Any) -> int:
        if not self.writes_left:
            raise OSError("killed")
        self.writes_left -= 1
        return super().put(key, chunks)


@pytest.fixture
def site() -> Site:
    return Site(MemoryBlobs(), "", "attempt-1")


def attempts(site: Site) -> Iterator[Site]:
    n = 0
    while True:
        n += 1
        yield Site(site.blobs, "", f"attempt-{n}")


ORDERS = Slice(asset="raw.orders")
TABLE = pa.table({"id": [1, 2], "name": ["a", None]})


@pytest.mark.parametrize("value", [3, "x" * 50_000, {"a": [1, (2,)]}, None, TABLE, b"\x00" * 20_000])
def test_a_value_comes_back_as_it_was(site: Site, value: Any) -> None:
    keeper = Kept()
    keeper.save(ORDERS, value, site)
    found = keeper.load([ORDERS], object, site)
    assert type(found) is type(value)
    assert found.equals(value) if isinstance(value, pa.Table) else found == value


def test_what_is_known_of_a_table(site: Site) -> None:
    saved = Kept().save(ORDERS, TABLE, site)
    assert (saved.rows, saved.columns) == (2, (("id", "int64"), ("name", "string")))
    assert saved.size_bytes
    frame = pd.DataFrame({"n": [1.5]})
    assert Kept().save(ORDERS, frame, site).columns == (("n", "float64"),)
    assert Kept().save(ORDERS, pl.DataFrame({"n": [1]}), site).columns == (("n", "Int64"),)
    assert Kept().save(ORDERS, "text", site).columns == ()


def test_equal_content_has_one_version_whoever_makes_it(site: Site) -> None:
    first, second, _ = (Kept().save(ORDERS, TABLE, each) for each, _ in zip(attempts(site), range(3), strict=False))
    assert first.data_version == second.data_version
    assert Kept().save(ORDERS, TABLE.slice(1), site).data_version != first.data_version


def test_the_new_value_takes_the_place_of_the_old_and_its_room(site: Site) -> None:
    blobs = MemoryBlobs()
    for number in range(5):
        Kept().save(ORDERS, str(number) * 30_000, Site(blobs, "", f"attempt-{number}"))
    assert Kept().load([ORDERS], str, Site(blobs, "", "reader")) == "4" * 30_000
    assert blobs.delete_prefix("assets/raw.orders/-/attempt-") == 1


@pytest.mark.parametrize("writes", [0, 1])
def test_a_writer_that_dies_leaves_the_old_value(writes: int) -> None:
    blobs = Breaks()
    Kept().save(ORDERS, "a" * 30_000, Site(blobs, "", "first"))
    blobs.writes_left = writes
    with pytest.raises(OSError, match="killed"):
        Kept().save(ORDERS, "b" * 30_000, Site(blobs, "", "second"))
    assert Kept().load([ORDERS], str, Site(blobs, "", "reader")) == "a" * 30_000


def test_what_was_never_made_is_named(site: Site) -> None:
    with pytest.raises(NothingThere, match=r"raw\.orders\[2026-01\]"):
        Kept().load([Slice(asset="raw.orders", partition="2026-01")], object, site)


def test_slices_are_apart(site: Site) -> None:
    january, february = (Slice(asset="a", partition=key) for key in ("2026-01", "2026-02|eu/x"))
    Kept().save(january, 1, site)
    Kept().save(february, 2, site)
    assert Kept().load([january], int, site) == 1
    assert Kept().load([january, february], dict, site) == {"2026-01": 1, "2026-02|eu/x": 2}
    assert Kept().load([january], dict[str, int], site) == {"2026-01": 1}


@pytest.mark.parametrize("frame", [pa.table({"n": [1]}), pd.DataFrame({"n": [1]}), pl.DataFrame({"n": [1]})])
def test_tables_of_several_slices_come_below_each_other(site: Site, frame: Any) -> None:
    parts = [Slice(asset="a", partition=str(n)) for n in range(3)]
    for part in parts:
        Kept().save(part, frame, site)
    found = Kept().load(parts, type(frame), site)
    assert type(found) is type(frame)
    assert len(found) == 3

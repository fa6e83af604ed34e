"""What goes in comes out."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.store.blobs import LocalBlobs, MemoryBlobs
from toque.worker import pickles, tables, values
from toque.worker.items import MAX_LISTS, Items
from toque.worker.pickles import TooLarge, Unpicklable
from toque.worker.values import Place


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    y: Any = None


def store(value: Any, blobs: Any, **options: Any) -> Any:
    return values.encode(value, Place(blobs, lambda: "r/t/1"), **options)


def round_trip(value: Any, blobs: Any, **options: Any) -> Any:
    return values.decode(store(value, blobs, **options), blobs)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        2**70,
        1.5,
        float("inf"),
        "text",
        b"bytes",
        (1, (2,)),
        {1: "one", (1, 2): "pair"},
        {"$": "not a tag"},
        [1, "a", None],
        {3, 1},
        frozenset({1}),
        range(2, 9, 3),
        decimal.Decimal("1.10"),
        datetime.date(2013, 1, 31),
        datetime.datetime(2013, 1, 31, tzinfo=datetime.UTC),
        datetime.timedelta(days=1, microseconds=3),
        Colour.RED,
        Point(1, Point(2)),
    ],
    ids=repr,
)
def test_small_values_come_back_equal_and_of_the_same_type(value: Any, blobs: MemoryBlobs) -> None:
    ref = store(value, blobs)
    back = values.decode(ref, blobs)
    assert back == value
    assert type(back) is type(value)
    assert ref.blob is None


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=30,
)


@given(json_like)
def test_any_nesting_of_plain_data_comes_back(value: Any) -> None:
    assert round_trip(value, MemoryBlobs()) == value


@given(json_like, json_like)
def test_equal_digests_mean_equal_values(left: Any, right: Any) -> None:
    if values.digest_of(left) == values.digest_of(right):
        assert repr(left) == repr(right)


@pytest.mark.parametrize("value", ["x" * 20_000, list(range(10_000)), {"rows": [{"id": n} for n in range(2_000)]}])
def test_large_plain_values_become_blobs(value: Any, blobs: MemoryBlobs) -> None:
    ref = store(value, blobs)
    assert ref.blob is not None
    assert ref.inline is None
    assert values.decode(ref, blobs) == value


@pytest.mark.parametrize("make_blobs", [MemoryBlobs, None])
def test_large_buffers_are_streamed_and_come_back_writable(make_blobs: Any, tmp_path: Any) -> None:
    blobs = make_blobs() if make_blobs else LocalBlobs(str(tmp_path))
    array = np.arange(1_000_000, dtype=np.int64)
    back = round_trip({"array": array, "name": "n"}, blobs)["array"]
    assert (back == array).all()
    back[0] = 7
    for kind in (bytes, bytearray):
        whole = round_trip(kind(b"ab" * 1_000_000), blobs)
        assert type(whole) is kind
        assert len(whole) == 2_000_000


def test_a_large_buffer_is_never_copied_whole() -> None:
    largest = 0

    class Watching(MemoryBlobs):
        def put(self, key: str, chunks: Any) -> int:
            nonlocal largest
            size = 0
            for chunk in chunks:
                largest = max(largest, len(chunk))
                size += len(chunk)
            return size

    ref = store(bytes(100_000_000), Watching())
    assert ref.size_bytes > 100_000_000
    assert largest <= 8 * 1024 * 1024


TABLE = pa.table({"carrier": ["UA", None], "delay": [1.5, None], "day": pa.array([1, 2], pa.date32())})


def test_tables_keep_their_type_and_schema(blobs: MemoryBlobs) -> None:
    assert round_trip(TABLE, blobs) == TABLE
    metadata = TABLE.replace_schema_metadata({b"k": b"v"})
    assert round_trip(metadata, blobs).schema.equals(metadata.schema, check_metadata=True)
    batch = TABLE.to_batches()[0]
    back = round_trip(batch, blobs)
    assert type(back) is pa.RecordBatch
    assert back.equals(batch)
    empty = TABLE.slice(0, 0).to_batches()
    assert round_trip(pa.RecordBatch.from_pylist([], schema=TABLE.schema), blobs).num_rows == 0
    assert empty is not None


def test_large_tables_are_mapped_from_their_file(tmp_path: Any) -> None:
    blobs = LocalBlobs(str(tmp_path))
    table = pa.table({"n": np.arange(500_000)})
    ref = store(table, blobs)
    assert ref.codec == "arrow"
    assert ref.blob
    before = pa.total_allocated_bytes()
    assert values.decode(ref, blobs) == table
    assert pa.total_allocated_bytes() - before < 1_000_000


def frames() -> Iterator[pd.DataFrame]:
    yield pd.DataFrame({"n": [1, 2], "s": ["a", None]})
    yield pd.DataFrame({"t": pd.to_datetime(["2013-01-01", None]).tz_localize("Europe/Madrid")})
    yield pd.DataFrame({"c": pd.Categorical(["x", "y", "x"])}, index=pd.Index([5, 6, 7], name="id"))
    yield pd.DataFrame({1: [1.0], 2: [2.0]})
    yield pd.DataFrame({"mixed": [1, "a", (2, 3)]})
    yield pd.DataFrame({"lists": [[1], [2, 3]]})
    yield pd.DataFrame({"d": [decimal.Decimal("1.1"), None], "day": [datetime.date(2013, 1, 1), None]})
    yield pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "p": pd.period_range("2013-01", periods=2, freq="M")})
    yield pd.DataFrame(index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["x", "y"]), data={"v": [1, 2]})
    yield pd.DataFrame()


@pytest.mark.parametrize("frame", list(frames()), ids=lambda frame: str(list(frame.columns)))
def test_data_frames_come_back_the_same(frame: pd.DataFrame, blobs: MemoryBlobs) -> None:
    back = round_trip(frame, blobs)
    pd.testing.assert_frame_equal(back, frame)
    for name in frame.columns:
        if frame[name].dtype == object:
            assert [type(item) for item in back[name].dropna()] == [type(item) for item in frame[name].dropna()]


def test_a_data_frame_can_be_changed_by_its_reader(tmp_path: Any) -> None:
    back = round_trip(pd.DataFrame({"n": np.arange(100_000, dtype=float)}), LocalBlobs(str(tmp_path)))
    back.iloc[0, 0] = 5.0
    back["n"] += 1
    assert back["n"][0] == 6.0


def test_a_series_is_no_table_but_comes_back(blobs: MemoryBlobs) -> None:
    series = pd.Series([1, 2], name="n")
    assert tables.as_arrow(series) is None
    pd.testing.assert_series_equal(round_trip(series, blobs), series)


def test_what_is_defined_in_a_function_is_stored_too(blobs: MemoryBlobs) -> None:
    def local(x: int) -> int:
        return x + 1

    assert round_trip(local, blobs)(1) == 2


@pytest.mark.parametrize(
    ("value", "path", "name"),
    [
        (threading.Lock(), "the result", "_thread.lock"),
        ([1, {"k": (threading.Lock(),)}], "result[1]['k'][0]", "_thread.lock"),
        (Point(1, Point(threading.Lock())), "result.y.x", "_thread.lock"),
    ],
    ids=["bare", "nested", "attributes"],
)
def test_what_cannot_be_stored_is_named_with_its_place(value: Any, path: str, name: str, blobs: MemoryBlobs) -> None:
    with pytest.raises(Unpicklable) as caught:
        store(value, blobs)
    assert caught.value.message.startswith(path)
    assert name in caught.value.message
    assert caught.value.fix


def test_a_pickle_above_the_limit_names_it_and_the_way_out(blobs: MemoryBlobs) -> None:
    with pytest.raises(TooLarge) as caught:
        store([["x" * 1000 + str(n)] for n in range(3000)], blobs, max_pickle_bytes=2**20)
    assert "1 MB" in caught.value.message
    assert "Arrow table" in caught.value.fix


def test_a_mapped_list_is_read_by_offset(blobs: MemoryBlobs) -> None:
    for kind in (list, tuple):
        items = kind(f"item {n}" for n in range(2_500))
        ref = store(items, blobs, mapped=True)
        assert ref.codec == "chunks"
        assert Items().of_value(ref, (), 1_234, blobs) == "item 1234"
        back = values.decode(ref, blobs)
        assert back == items
        assert type(back) is kind


def test_reading_one_item_reads_one_chunk() -> None:
    read = []

    class Watching(MemoryBlobs):
        def get_range(self, key: str, start: int, length: int) -> bytes:
            read.append(length)
            return super().get_range(key, start, length)

    blobs = Watching()
    ref = store([{"n": n} for n in range(100_000)], blobs, mapped=True)
    items = Items()
    assert [items.of_value(ref, (), n, blobs)["n"] for n in (50_100, 50_101, 50_900)] == [50_100, 50_101, 50_900]
    assert len(read) == 1
    assert read[0] < ref.size_bytes / 50


def test_a_chunk_of_large_items_holds_few(blobs: MemoryBlobs) -> None:
    items = [bytes([n % 256]) * 500_000 for n in range(1_050)]
    ref = store(iter_of(items), blobs)
    reader = values.open_chunks(ref, blobs)
    assert len(reader) == 1_050
    assert pickle.loads(reader.item(1_049)) == items[1_049]


@pytest.mark.parametrize("mapped", [False, True])
def test_an_item_that_was_changed_is_given_unchanged_to_the_next(mapped: bool, blobs: MemoryBlobs) -> None:
    shared = {"n": 0}
    ref = store({"rows": [shared] * 5_000} if not mapped else [shared] * 5_000, blobs, mapped=mapped)
    path = () if mapped else (("item", "rows"),)
    items = Items()
    for position in (0, 0, 1):
        given = items.of_value(ref, path, position, blobs)
        assert given == {"n": 0}
        given["n"] = 1


def test_the_lists_that_are_kept_are_few(blobs: MemoryBlobs) -> None:
    items = Items()
    for n in range(50):
        ref = values.encode([n] * 5_000, Place(blobs, lambda: f"list-{n}"), mapped=n % 2 == 0)  # noqa: B023
        assert items.of_value(ref, (), 4_999, blobs) == n
    assert len(items._readers) <= MAX_LISTS
    assert len(items._pickled) <= MAX_LISTS


def test_a_mapped_item_that_cannot_be_stored_is_named(blobs: MemoryBlobs) -> None:
    with pytest.raises(Unpicklable, match="lock"):
        store([threading.Lock()] * 2_000, blobs, mapped=True)


def iter_of(items: list[Any]) -> Iterator[Any]:
    yield from items


def test_a_generator_is_stored_as_the_list_that_it_yields(blobs: MemoryBlobs) -> None:
    assert round_trip(iter_of([1, 2]), blobs) == [1, 2]
    assert round_trip(iter_of([]), blobs) == []


def test_an_item_outside_of_the_list_is_an_index_error(blobs: MemoryBlobs) -> None:
    reader = values.open_chunks(store(iter_of([1]), blobs), blobs)
    with pytest.raises(IndexError, match="item 1 of 1"):
        reader.item(1)


@pytest.mark.parametrize(
    ("value", "items"),
    [([3, 1], [3, 1]), ((3, 1), [3, 1]), (range(2), [0, 1]), ({"b": 1, "a": 2}, ["b", "a"]), ({3, 1}, [1, 3])],
)
def test_what_a_map_iterates(value: Any, items: list[Any]) -> None:
    assert [values.item(value, n) for n in range(values.length(value))] == items


@pytest.mark.parametrize("value", ["text", b"b", 5, TABLE, None])
def test_what_a_map_cannot_iterate_says_so(value: Any) -> None:
    with pytest.raises(Exception, match="a map cannot iterate"):
        values.length(value)


def test_a_newer_codec_is_refused() -> None:
    with pytest.raises(ValueError, match="newer"):
        values.decode(values.ValueRef("zstd", b""), MemoryBlobs())
    with pytest.raises(ValueError, match="newer"):
        pickles.loads(b"XXXX" + bytes(13))

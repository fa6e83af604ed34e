"""Values are shown page by page, and no code of anybody is run for it."""

from __future__ import annotations

import datetime
import os
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from toque.api.services import Part, RecordedArtifact
from toque.engine.values import TaskKey, ValueRef
from toque.local.closed_pickles import Closed, opened_item
from toque.local.previews import MAX_TEXT, Previews
from toque.local.recording import Recorder
from toque.ports.executor import Artifact, Metric
from toque.store.blobs import MemoryBlobs
from toque.worker import values

RAN: list[str] = []


class Sneaky:
    """Runs code when it is opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (RAN.append, ("opened",))


class Own:
    """A class of somebody's project."""


class Shelf:
    """Values stored as workers store them."""

    def __init__(self, logs: Path) -> None:
        self.blobs = MemoryBlobs()
        self.previews = Previews(self.blobs, logs)
        self._count = 0

    def put(self, value: Any, *, mapped: bool = False) -> ValueRef:
        self._count += 1
        place = values.Place(self.blobs, lambda: f"runs/r/{self._count}")
        return values.encode(value, place, mapped=mapped)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    RAN.clear()
    return Shelf(tmp_path)


RECORDS = [{"name": f"n{number}", "value": number} for number in range(600)]


def test_small_values_are_shown_as_json(shelf: Shelf) -> None:
    found = shelf.previews.preview(shelf.put({"day": datetime.date(2026, 1, 2), "n": (1, 2)}))
    assert (found.kind, found.type) == ("json", "dict")
    assert msgspec.json.decode(found.text or "") == {"day": "2026-01-02", "n": [1, 2]}


def test_text_is_text_and_nothing_is_nothing(shelf: Shelf) -> None:
    assert shelf.previews.preview(shelf.put("hello")).text == "hello"
    assert shelf.previews.preview(shelf.put(None)).kind == "none"
    assert shelf.previews.preview(shelf.put(3)).text == "3"


def test_records_are_a_table(shelf: Shelf) -> None:
    found = shelf.previews.preview(shelf.put(RECORDS[:3]))
    assert (found.kind, found.columns, found.total_rows) == ("table", ["name", "value"], 3)
    assert found.rows == [["n0", 0], ["n1", 1], ["n2", 2]]


def test_records_that_differ_have_all_their_columns(shelf: Shelf) -> None:
    found = shelf.previews.preview(shelf.put([{"a": 1}, {"b": 2}]))
    assert (found.columns, found.rows) == (["a", "b"], [[1, None], [None, 2]])


@pytest.mark.parametrize("mapped", [False, True])
def test_long_lists_are_read_by_page(shelf: Shelf, mapped: bool) -> None:
    ref = shelf.put(RECORDS, mapped=mapped)
    assert ref.codec == ("chunks" if mapped else "pickle")
    found = shelf.previews.preview(ref, Part(offset=590, limit=20))
    assert (found.total_rows, found.offset, len(found.rows or ())) == (600, 590, 10)
    assert (found.rows or [])[0] == ["n590", 590]


def test_one_item_of_a_list_is_read_alone(shelf: Shelf) -> None:
    for mapped in (False, True):
        found = shelf.previews.preview(shelf.put(RECORDS, mapped=mapped), Part(item=7, path=(("item", "name"),)))
        assert found.text == "n7"
    small = shelf.put([[1, 2], [3, 4]])
    assert shelf.previews.preview(small, Part(item=1, path=(("item", 0),))).text == "3"


def test_a_part_that_is_not_there_is_said(shelf: Shelf) -> None:
    for part in (Part(item=9), Part(path=(("attr", "nope"),)), Part(item=0, path=(("item", "x"), ("item", "y")))):
        assert shelf.previews.preview(shelf.put([{"x": 1}]), part).kind == "opaque"


@pytest.mark.parametrize("rows", [10, 200_000])
def test_tables_are_cut_from_arrow(shelf: Shelf, rows: int) -> None:
    table = pa.table({"id": range(rows), "name": [f"row {number}" for number in range(rows)]})
    found = shelf.previews.preview(shelf.put(table), Part(offset=rows - 3, limit=5))
    assert (found.columns, found.total_rows) == (["id", "name"], rows)
    assert [row[0] for row in found.rows or ()] == [rows - 3, rows - 2, rows - 1]


def test_cells_that_json_has_no_type_for_are_text(shelf: Shelf) -> None:
    table = pa.table(
        {
            "at": [datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)],
            "price": [Decimal("1.50")],
            "raw": [b"abc"],
            "big": [2**60],
            "not": [float("nan")],
            "list": [[1, 2]],
            "struct": [{"x": 1}],
        }
    )
    found = shelf.previews.preview(shelf.put(table))
    assert (found.rows or [])[0] == [
        "2026-01-01 00:00:00+00:00",
        "1.50",
        "3 bytes",
        str(2**60),
        "nan",
        [1, 2],
        {"x": 1},
    ]


def test_data_frames_say_what_they_were(shelf: Shelf) -> None:
    import pandas as pd

    found = shelf.previews.preview(shelf.put(pd.DataFrame({"x": [1, 2]})))
    assert (found.kind, found.type, found.total_rows) == ("table", "pandas.DataFrame", 2)


def test_parquet_is_read_by_row_group(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": range(100)}), path, row_group_size=10)
    shelf.blobs.put("x.parquet", [path.read_bytes()])
    ref = ValueRef("parquet", None, "x.parquet", path.stat().st_size)
    found = shelf.previews.preview(ref, Part(offset=35, limit=10))
    assert [row[0] for row in found.rows or ()] == list(range(35, 45))
    assert found.total_rows == 100


def test_a_class_of_the_project_stays_closed(shelf: Shelf) -> None:
    found = shelf.previews.preview(shelf.put(Own()))
    assert (found.kind, found.rows, found.text) == ("opaque", None, None)
    assert "only workers open it" in (found.note or "")


def test_code_in_a_pickle_is_never_run(shelf: Shelf) -> None:
    ref = shelf.put([Sneaky()])
    shelf.previews.preview(ref)
    shelf.previews.preview(shelf.put([1, Sneaky()], mapped=True))
    assert RAN == []


@pytest.mark.parametrize(
    "attack",
    [
        pickle.dumps(os.system),
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'RAN.append(1)'\ntR.",
        b"c__main__\nx\n.",
        b"\x80\x05cdatetime\n__builtins__\n.",
        b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x04pass\x85R.",
        b"not a pickle",
        b"",
    ],
)
def test_items_that_name_anything_but_plain_data_stay_closed(attack: bytes) -> None:
    assert opened_item(attack) is Closed


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, (2, 3)]}, {"a": [1, [2, 3]]}),
        ({3, 1}, [1, 3]),
        (datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), "2026-01-01 00:00:00+00:00"),
        (Decimal("1.1"), "1.1"),
        (b"abc", "3 bytes"),
        ({1: "x"}, {"1": "x"}),
    ],
)
def test_items_of_plain_data_are_opened(value: Any, shown: Any) -> None:
    assert opened_item(pickle.dumps(value)) == shown


def test_a_list_with_closed_items_shows_the_others(shelf: Shelf) -> None:
    found = shelf.previews.preview(shelf.put([1, Own(), 3], mapped=True), Part(limit=3))
    assert msgspec.json.decode(found.text or "") == [1, "(closed)", 3]
    assert "stay closed" in (found.note or "")


def test_long_text_is_cut(shelf: Shelf) -> None:
    found = shelf.previews.preview(shelf.put({"text": "x" * 100, "list": list(range(200_000))}))
    assert len(found.text or "") <= MAX_TEXT
    assert found.note is not None


def test_a_blob_that_is_gone_is_said(shelf: Shelf) -> None:
    for codec in ("json", "chunks", "arrow", "parquet"):
        found = shelf.previews.preview(ValueRef(codec, None, "nope", 5))
        assert (found.kind, "gone" in (found.note or "")) == ("opaque", True), codec


def test_damage_is_said_and_breaks_nothing(shelf: Shelf) -> None:
    shelf.blobs.put("bad", [b"\x00\x01damaged"])
    shelf.blobs.put("bad.index", [b"\xc1"])
    for codec in ("json", "chunks", "arrow", "parquet", "pickle", "of a newer Toque"):
        assert shelf.previews.preview(ValueRef(codec, None, "bad", 9)).kind == "opaque", codec


# -- artifacts and metrics


async def recorded(tmp_path: Path, *signals: Any) -> None:
    recorder = Recorder(tmp_path)
    for signal in signals:
        recorder.signal(signal)
    recorder.flush()


def artifact(name: str, kind: Any, value: ValueRef, **fields: Any) -> Artifact:
    return Artifact(run_id="r", task="t", attempt=1, name=name, kind=kind, value=value, **fields)


PNG = b"\x89PNG\r\n\x1a\n" + bytes(6000)


async def test_what_an_attempt_reported_is_found_by_its_task_run(shelf: Shelf, tmp_path: Path) -> None:
    await recorded(
        tmp_path,
        Metric(run_id="r", task="t", attempt=1, name="rows", value=3.0),
        Metric(run_id="r", task="t", map_index=(1,), attempt=1, name="rows", value=4.0),
        artifact("notes", "markdown", shelf.put("# Hi")),
        artifact("table", "table", shelf.put(pa.table({"x": [1]}))),
        artifact("picture", "image", shelf.put(PNG)),
        artifact("tiny", "image", shelf.put(b"GIF89a")),
        artifact("noise", "image", shelf.put(b"what is this")),
    )
    metrics, artifacts = shelf.previews.recorded("r", TaskKey("t"))
    assert [(each.name, each.value) for each in metrics] == [("rows", 3.0)]
    shown = {each.name: shelf.previews.artifact(each) for each in artifacts}
    assert {name: each.kind for name, each in shown.items()} == {
        "notes": "markdown",
        "table": "table",
        "picture": "image",
        "tiny": "image",
        "noise": "opaque",
    }
    assert (shown["picture"].data_url or "").startswith("data:image/png;base64,iVBOR")
    assert shelf.previews.recorded("r", TaskKey("t", (1,)))[0][0].value == 4.0
    assert shelf.previews.recorded("nope", TaskKey("t")) == ([], [])


def test_a_picture_that_is_no_bytes_is_said(shelf: Shelf) -> None:
    found = shelf.previews.artifact(RecordedArtifact(name="x", kind="image", value=shelf.put({"x": 1})))
    assert found.kind == "opaque"
    svg = RecordedArtifact(name="x", kind="image", value=shelf.put("<svg xmlns=''/>"))
    assert (shelf.previews.artifact(svg).data_url or "").startswith("data:image/svg+xml")

"""Each batch is one file, whole or not there, in a folder or in a bucket."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from tests.integration.syncing.conftest import Warehouse, scores
from toque.errors import UserError
from toque.graph.syncs import Mirror
from toque.integrations.destinations.files import FileDrop
from toque.integrations.syncing.run import sync
from toque.ports.destinations import Record

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_changes_are_dropped_as_lines(warehouse: Warehouse, tmp_path: Path) -> None:
    folder, spec = tmp_path / "drop", scores(Mirror(key="id"))
    warehouse.put(a=1, b=2)
    sync(spec, warehouse, FileDrop(str(folder), now=lambda: NOW))
    warehouse.remove("a")
    sync(spec, warehouse, FileDrop(f"file://{folder}", now=lambda: NOW + timedelta(hours=1)))
    sync(spec, warehouse, FileDrop(str(folder)))
    first, second = sorted(folder.iterdir())
    assert [json.loads(line) for line in first.read_text().splitlines()] == [
        {"_operation": "upsert", "id": "a", "Score": 1},
        {"_operation": "upsert", "id": "b", "Score": 2},
    ]
    assert first.name.startswith("20261102T090000000000Z-upsert-")
    assert json.loads(second.read_text()) == {"_operation": "delete", "id": "a"}


def test_a_batch_that_is_written_twice_is_there_once(tmp_path: Path) -> None:
    drop, records = FileDrop(str(tmp_path), format="csv"), [Record({"id": 1}, {"note": "two\nlines"})]
    assert drop.send("upsert", records) == drop.send("upsert", records)
    (only,) = tmp_path.iterdir()
    with only.open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"_operation": "upsert", "id": "1", "note": "two\nlines"}]


def test_a_bucket_takes_files_too(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = obstore.store.MemoryStore()
    monkeypatch.setattr(obstore.store, "from_url", lambda url, **_: bucket if url == "s3://drop/crm" else None)
    (result,) = FileDrop("s3://drop/crm").send("upsert", [Record({"id": 1}, {})])
    assert json.loads(bytes(obstore.get(bucket, result.id).bytes())) == {"_operation": "upsert", "id": 1}


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="no format"):
        FileDrop("drop", format="xml")  # type: ignore[arg-type]

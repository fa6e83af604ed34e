"""What became of each record can be searched and taken away."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.integration.syncing.conftest import Shelf, Warehouse, scores
from tests.salesforce import Crm
from toque.errors import UserError
from toque.integrations.probes import probe_for
from toque.integrations.syncing.log import download, logged
from toque.integrations.syncing.run import sync


def test_lines_are_found_by_status_run_and_text(warehouse: Warehouse, shelf: Shelf) -> None:
    spec = scores(tolerate=5)
    assert list(logged(spec, warehouse)) == []
    shelf.refused = {"b_1"}
    warehouse.put(a=1, b_1=2)
    warehouse.run("INSERT INTO marts.scores VALUES (NULL, 77, '')")
    sync(spec, warehouse, shelf)
    shelf.refused = set()
    sync(spec, warehouse, shelf)
    assert [(line.run, line.key, line.status) for line in logged(spec, warehouse)] == [
        (1, (), "invalid"),
        (1, ("a",), "accepted"),
        (1, ("b_1",), "rejected"),
        (2, (), "invalid"),
        (2, ("b_1",), "accepted"),
    ]
    assert [line.run for line in logged(spec, warehouse, text="B_1")] == [1, 2]
    assert [line.payload["Score"] for line in logged(spec, warehouse, text="77", run=2)] == [77]
    assert list(logged(spec, warehouse, text="b%1")) == []
    (rejected,) = logged(spec, warehouse, status=["rejected"])
    assert (rejected.reason, rejected.operation, rejected.payload) == (
        "not this one",
        "upsert",
        {"id": "b_1", "Score": 2},
    )


def test_lines_are_written_as_a_table(warehouse: Warehouse, shelf: Shelf, tmp_path: Path) -> None:
    warehouse.put(a=1)
    sync(scores(), warehouse, shelf)
    path = tmp_path / "log.csv"
    assert download(logged(scores(), warehouse), path) == 1
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["key"], row["status"], row["record_id"], row["payload"]) == (
        "a",
        "accepted",
        "ra",
        '{"id": "a", "Score": 1}',
    )


def test_a_connection_to_salesforce_can_be_probed(crm: Crm) -> None:
    probe = probe_for("salesforce")
    assert probe is not None
    assert "calls are left today" in probe(crm.options)
    with pytest.raises(UserError):
        probe(crm.options | {"password": "wrong"})

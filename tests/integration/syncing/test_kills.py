"""`kill -9` in the middle of a sync: what was acknowledged is never sent again, and what was not arrives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.integration.syncing.killed import SPEC
from tests.salesforce import Crm
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.destination import SalesforceObject
from toque.integrations.syncing.run import sync
from toque.integrations.warehouses.duckdb import DuckDBWarehouse

ROOT = Path(__file__).resolve().parents[3]


def killed_sync(crm: Crm, path: Path, when: str) -> None:
    """500 people, and a sync of them that is killed at its second batch, or in its job."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE people AS SELECT 'u' || lpad(range::VARCHAR, 3, '0') AS user_id, 'Ada' AS name,"
            " range % 100 AS score FROM range(500) ORDER BY 1"
        )
    given = {"options": crm.options, "warehouse": str(path), "batch": 2, "when": when}
    child = [sys.executable, "-m", "tests.integration.syncing.killed", json.dumps(given)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "examples" / "revops")])}
    ended = subprocess.run(child, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == -9, ended.stderr


@pytest.mark.parametrize(("when", "repeated"), [("before", 0), ("after", 200)])
def test_a_killed_sync_goes_on_where_its_answers_end(
    crm: Crm, client: SalesforceClient, tmp_path: Path, when: str, repeated: int
) -> None:
    path = tmp_path / "warehouse.duckdb"
    killed_sync(crm, path, when)
    assert len(crm.all()) == 200 + repeated
    crm.clock.forward(60)
    later = crm.sandbox.state.stamp()

    result = sync(SPEC, DuckDBWarehouse(path), SalesforceObject(client, "crm.Contact", "Contact"))
    assert (result.sent, result.accepted) == (300, 300)
    touched = {user for user, row in crm.all().items() if row["SystemModstamp"] == later}
    assert touched == {f"u{number:03}" for number in range(200, 500)}
    assert {row["CreatedDate"] == later for user, row in crm.all().items() if user < "u400"} == {not repeated, False}
    assert sync(SPEC, DuckDBWarehouse(path), SalesforceObject(client, "crm.Contact", "Contact")).sent == 0


def test_a_job_that_outlives_its_sync_never_overtakes_the_next_one(
    crm: Crm, client: SalesforceClient, tmp_path: Path
) -> None:
    path = tmp_path / "warehouse.duckdb"
    crm.sandbox.state.set("bulk polls", "2")
    killed_sync(crm, path, "job")
    assert crm.all() == {}
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE people SET name = 'Newer'")
    before = len(crm.sandbox.log)
    result = sync(SPEC, DuckDBWarehouse(path), SalesforceObject(client, "crm.Contact", "Contact", bulk_from=1))
    assert (result.accepted, result.created) == (500, 0)
    assert {row["LastName"] for row in crm.all().values()} == {"Newer"}
    asked = [line for line in crm.sandbox.log[before:] if "jobs/ingest" in line]
    assert [line.partition(" ")[0] for line in asked[:4]] == ["GET", "GET", "POST", "PUT"]

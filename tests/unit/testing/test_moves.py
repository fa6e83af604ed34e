"""Loads and syncs in tests: fakes in place of their connections, and whether a second time changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from toque.authoring.loads import load
from toque.authoring.pipelines import pipeline
from toque.authoring.syncs import sync
from toque.errors import UserError
from toque.graph.loads import Append, Upsert
from toque.integrations.connections.salesforce import Salesforce
from toque.integrations.connections.warehouse import Warehouse
from toque.integrations.warehouses.duckdb import DuckDBWarehouse
from toque.ports.destinations import Operation, Record, Result
from toque.ports.sources import Batch
from toque.testing import replace, verify_idempotent
from toque.testing.idempotency import NotIdempotent

crm, warehouse = Salesforce("crm"), Warehouse("warehouse")
TABLE = warehouse.table("raw.contact")
contacts = load(crm.changes("Contact"), into=TABLE, mode=Upsert("id"))
sent = sync(TABLE, into=crm.object("Contact"), mode=Upsert("id"), fields={"id": "id"})


class Contacts:
    """A source; one that forgets gives new rows for an old cursor each time."""

    name = "crm.Contact"

    def __init__(self, *, forgets: bool = False) -> None:
        self.forgets = forgets
        self.count = 0

    def read(self, cursor: str) -> Iterator[Batch]:
        self.count += self.forgets
        yield Batch(rows=pa.table({"id": [1, 2], "at": [self.count] * 2}), since=cursor, upto="2")

    def confirm(self, cursor: str) -> None: ...


class Drop:
    """A destination: a file that grows with each record."""

    name = "drop"
    batch_size = 10

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        with self.path.open("a") as file:
            file.writelines(f"{record.values}\n" for record in records)
        return [Result()] * len(records)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.duckdb"


def database(file: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(file, settings={"threads": 1})


def test_a_run_in_a_test_takes_fakes_in_place_of_connections(file: Path) -> None:
    whole = pipeline("whole", assets=[contacts])
    with replace(crm, Contacts()), replace(warehouse, database(file)):
        run = whole.run()
    assert run["raw_contact"].result["inserted"] == 2


def test_a_load_that_is_repeated_changes_nothing(file: Path) -> None:
    verify = verify_idempotent(contacts, watch=[file])
    assert verify(source=Contacts(), into=database(file))["inserted"] == 2
    with pytest.raises(NotIdempotent, match=r"table .*raw.contact: 2 rows"):
        verify(source=Contacts(forgets=True), into=database(file))


def test_a_load_whose_rows_have_no_key_shows_it(file: Path) -> None:
    added = load(crm.changes("Contact"), into=TABLE, mode=Append())
    with replace(warehouse, database(file)), pytest.raises(NotIdempotent, match="2 rows, then 4"):
        verify_idempotent(added, watch=[file])(source=Contacts(forgets=True))


def test_a_sync_that_is_repeated_sends_nothing(file: Path, tmp_path: Path) -> None:
    with database(file).session() as session:
        session.execute("CREATE SCHEMA raw")
        session.execute("CREATE TABLE raw.contact AS SELECT 1 AS id")
    drop = Drop(tmp_path / "sent.txt")
    result: dict[str, Any] = verify_idempotent(sent, watch=[drop.path, file])(source=database(file), into=drop)
    assert result["sent"] == 1


def test_what_stands_for_no_connection_is_named(file: Path) -> None:
    with pytest.raises(UserError, match="raw_contact has no target"):
        verify_idempotent(contacts)(target=Contacts())
    with pytest.raises(UserError, match="raw_contact needs something in place of crm"):
        verify_idempotent(contacts)(into=database(file))

"""A connection and a target are all that a destination needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.syncing.conftest import Warehouse, scores
from tests.salesforce import Crm
from toque.errors import UserError
from toque.graph.syncs import Update
from toque.integrations.syncing.opening import open_destination
from toque.integrations.syncing.run import sync
from toque.ports.destinations import Describes


def test_an_object_of_salesforce(crm: Crm, warehouse: Warehouse) -> None:
    crm.add(LastName="Ada", Product_User_Id__c="u1")
    warehouse.put(u1=7)
    fields = {"id": "Product_User_Id__c", "score": "Lead_Score__c", "note": "LastName"}
    spec = scores(Update(key="Product_User_Id__c"), fields=fields)
    warehouse.run("UPDATE marts.scores SET note = 'Ada'")
    with open_destination("salesforce", crm.options, "crm.Contact", "Contact") as destination:
        assert sync(spec, warehouse, destination).updated == 1
    assert crm.all()["u1"]["Lead_Score__c"] == 7


def test_a_table_of_postgresql(empty_postgres_url: str) -> None:
    with open_destination("postgresql", {"url": empty_postgres_url}, "app.people", "public.people") as destination:
        assert isinstance(destination, Describes)
        with pytest.raises(UserError, match="does not exist"):
            destination.expect(["upsert"], ["id"], [])


def test_a_folder(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.put(a=1)
    with open_destination("file", {"path": str(tmp_path), "format": "csv"}, "drop", "scores") as destination:
        sync(scores(), warehouse, destination)
    assert [path.suffix for path in (tmp_path / "scores").iterdir()] == [".csv"]


def test_calls_of_an_api_stand_with_its_connection() -> None:
    options: dict[str, Any] = {
        "url": "https://api.example",
        "targets": {
            "people": {
                "upsert": {"method": "POST", "path": "/people/batch", "results": "results"},
                "delete": {"method": "DELETE", "path": "/people/{id}", "body": "none"},
            }
        },
    }
    with open_destination("http", options, "api.people", "people") as destination:
        assert isinstance(destination, Describes)
        destination.expect(["upsert", "delete"], ["id"], [])
    with (
        pytest.raises(UserError, match="no target 'orders'"),
        open_destination("http", options, "api.orders", "orders"),
    ):
        pass


def test_a_kind_that_takes_nothing_is_named() -> None:
    with pytest.raises(UserError, match="nothing can be sent to a connection of type 'smoke'"):
        open_destination("smoke", {}, "x", "y")

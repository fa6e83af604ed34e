"""Scores arrive in the CRM, by Collections and Bulk 2.0, through refusals, expired sessions and broken connections."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.syncing.conftest import Warehouse
from tests.salesforce import Crm
from toque.errors import UserError
from toque.graph.loads import TableName, Upsert
from toque.graph.syncs import AnySyncMode, Create, Mirror, SyncSpec, Update
from toque.integrations.patience import Patience, Unanswered
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.destination import SalesforceObject
from toque.integrations.syncing.run import SyncRejected, preview
from toque.integrations.syncing.run import sync as run_sync
from toque.ports.destinations import Describes, Finds, Record, Sizes

FIELDS = {"user_id": "Product_User_Id__c", "name": "LastName", "score": "Lead_Score__c", "grade": "Lead_Grade__c"}


def spec_of(mode: AnySyncMode | None = None, **more: Any) -> SyncSpec:
    given = {"name": "crm.Contact", "source": TableName.parse("marts.people"), "fields": FIELDS} | more
    return SyncSpec(mode=mode or Upsert(key="Product_User_Id__c"), **given)


@pytest.fixture
def people(warehouse: Warehouse) -> Warehouse:
    warehouse.run("CREATE TABLE marts.people (user_id VARCHAR, name VARCHAR, score DECIMAL(9, 2), grade VARCHAR)")
    return warehouse


def add(people: Warehouse, *users: str, score: float = 10, grade: str | None = "A") -> None:
    for user in users:
        people.run("INSERT INTO marts.people VALUES (?, ?, ?, ?)", user, f"Name\nof {user}", score, grade)


def contacts(client: SalesforceClient, **more: Any) -> SalesforceObject:
    return SalesforceObject(client, "crm.Contact", "Contact", **more)


def sync(spec: SyncSpec, people: Warehouse, destination: SalesforceObject) -> Any:
    return run_sync(spec, people, destination, patience=Patience(tries=3, sleep=lambda _: None))


@pytest.mark.parametrize("bulk_from", [2_000, 1], ids=["collections", "bulk"])
def test_records_are_made_changed_and_deleted(
    people: Warehouse, crm: Crm, client: SalesforceClient, bulk_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bulk_from == 1:
        monkeypatch.setattr("toque.integrations.salesforce.destination.COLLECTION", 0)
    destination = contacts(client, bulk_from=bulk_from)
    spec = spec_of(Mirror(key="Product_User_Id__c"), tolerate=1)
    add(people, "u1", "u2")
    add(people, "u3", score=500, grade=None)
    first = sync(spec, people, destination)
    assert (first.created, first.rejected, set(crm.all())) == (2, 1, {"u1", "u2"})
    assert "Lead_Score__c must lie between 0 and 100" in first.rejects[0].reason
    assert crm.all()["u1"]["LastName"] == "Name\nof u1"
    people.run("UPDATE marts.people SET score = 30, grade = NULL WHERE user_id = 'u1'")
    people.run("DELETE FROM marts.people WHERE user_id != 'u1'")
    second = sync(spec, people, destination)
    assert (second.updated, second.deleted) == (1, 1)
    (only,) = crm.all().values()
    assert (only["Lead_Score__c"], only["Lead_Grade__c"]) == (30, None)
    assert sync(spec, people, destination).sent == 0
    assert bool(crm.calls("jobs/ingest")) is (bulk_from == 1)


def test_update_finds_its_records_by_external_id(people: Warehouse, crm: Crm, client: SalesforceClient) -> None:
    crm.add(LastName="Ada", Product_User_Id__c="u1")
    add(people, "u1", "u2")
    result = sync(spec_of(Update(key="Product_User_Id__c"), tolerate=1), people, contacts(client))
    assert (result.accepted, set(crm.all())) == (1, {"u1"})
    assert result.rejects[0].reason.startswith("NOT_FOUND: no Contact has this Product_User_Id__c")


def test_update_by_id(people: Warehouse, crm: Crm, client: SalesforceClient) -> None:
    record = crm.add(LastName="Ada")
    add(people, record)
    spec = spec_of(Update(key="Id"), fields={"user_id": "Id", "score": "Lead_Score__c"})
    assert sync(spec, people, contacts(client)).accepted == 1
    assert crm.all(by="Id")[record]["Lead_Score__c"] == 10


def test_to_delete_what_is_gone_is_no_failure(people: Warehouse, crm: Crm, client: SalesforceClient) -> None:
    add(people, "u1", "u2")
    spec = spec_of(Mirror(key="Product_User_Id__c"))
    sync(spec, people, contacts(client))
    crm.remove(crm.all()["u1"]["Id"])
    people.run("DELETE FROM marts.people")
    assert sync(spec, people, contacts(client)).deleted == 2
    assert crm.all() == {}


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "cut_body"])
def test_a_lost_answer_is_asked_for_again_and_nothing_is_there_twice(
    people: Warehouse, crm: Crm, client: SalesforceClient, kind: str
) -> None:
    add(people, "u1", "u2")
    crm.arm(kind, "PATCH")
    result = sync(spec_of(), people, contacts(client))
    assert (result.accepted, len(crm.all())) == (2, 2)
    # What an earlier try had made is not made by the later one.
    assert result.created == (2 if kind == "cut_before" else 0)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_create_whose_answer_is_lost_happens_once(
    people: Warehouse, crm: Crm, client: SalesforceClient, kind: str
) -> None:
    add(people, "u1", "u2")
    spec = spec_of(Create(key="Product_User_Id__c"))
    crm.arm(kind, "POST .*composite")
    with pytest.raises(Unanswered):
        sync(spec, people, contacts(client))
    sync(spec, people, contacts(client))
    rows = crm.sandbox.state.rows("SELECT Product_User_Id__c FROM Contact")
    assert sorted(row["Product_User_Id__c"] for row in rows) == ["u1", "u2"]


def test_limits_are_waited_for_and_sessions_renewed(
    people: Warehouse, crm: Crm, client: SalesforceClient, naps: list[float]
) -> None:
    add(people, "u1")
    client.probe()
    crm.arm("status", "PATCH", status=429, retry_after="9")
    crm.arm("expire", "PATCH")
    assert sync(spec_of(), people, contacts(client)).accepted == 1
    assert naps == [9]


def test_rows_that_a_job_did_not_get_to_are_sent_again(
    people: Warehouse, crm: Crm, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toque.integrations.salesforce.destination.COLLECTION", 0)
    add(people, "u1", "u2")
    crm.sandbox.state.set("bulk limit", "1")
    first = sync(spec_of(tolerate=1), people, contacts(client, bulk_from=1))
    assert (first.accepted, first.rejects[0].reason.partition(":")[0]) == (1, "UNPROCESSED")
    assert sync(spec_of(), people, contacts(client, bulk_from=1)).accepted == 1
    assert set(crm.all()) == {"u1", "u2"}


def test_what_the_description_forbids_is_not_sent(people: Warehouse, crm: Crm, client: SalesforceClient) -> None:
    add(people, "u1", grade="Z")
    add(people, "u2")
    people.run("INSERT INTO marts.people VALUES ('u3', NULL, 1, 'A'), ('u4', repeat('x', 81), 1, 'A')")
    with pytest.raises(SyncRejected, match="3 invalid"):
        sync(spec_of(), people, contacts(client))
    assert set(crm.all()) == {"u2"}
    reasons = sorted(line[4] for line in people.log() if line[3] == "invalid")
    assert reasons == [
        "LastName is longer than 80 characters",
        "LastName must not be empty",
        "Lead_Grade__c is 'Z', and only A, B, C, D are known",
    ]


def test_a_preview_tells_creates_from_updates(people: Warehouse, crm: Crm, client: SalesforceClient) -> None:
    crm.add(LastName="Ada", Product_User_Id__c="u'1")
    add(people, "u'1", "u2")
    seen = preview(spec_of(), people, contacts(client))
    assert (seen.operations, seen.creates) == ({"upsert": 2}, 1)
    assert seen.samples["upsert"][0]["Lead_Score__c"] == Decimal(10)
    assert not crm.calls("PATCH")


@pytest.mark.parametrize(
    ("mode", "fields", "said"),
    [
        (Upsert(key="Product_User_Id__c"), {"score": "Lead_Skore__c"}, r"'Lead_Score__c'\?"),
        (Upsert(key="Product_User_Id__c"), {"score": "Name"}, "nobody can set Name"),
        (Upsert(key="LastName"), {"name": "LastName"}, "LastName is no external id"),
        (Create(key="Id"), {"user_id": "Id"}, "gives each new Contact its Id"),
        (Upsert(key=("Email", "LastName")), {"name": "LastName", "grade": "Email"}, "by one field, not by 2"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_first(
    people: Warehouse, crm: Crm, client: SalesforceClient, mode: AnySyncMode, fields: dict[str, str], said: str
) -> None:
    add(people, "u1")
    mapping = {"user_id": "Product_User_Id__c"} | fields if "user_id" not in fields else fields
    with pytest.raises(UserError, match=said):
        sync(spec_of(mode, fields=mapping), people, contacts(client))
    assert crm.all() == {}


def test_it_offers_all_that_a_destination_can(client: SalesforceClient) -> None:
    destination = contacts(client)
    assert isinstance(destination, Describes)
    assert isinstance(destination, Finds)
    assert isinstance(destination, Sizes)
    assert (destination.size_for(10), destination.size_for(2_000)) == (200, 10_000)
    assert destination.fault("upsert", Record({"Product_User_Id__c": 1}, {"Lead_Score__c": "x"})) == (
        "Lead_Score__c is 'x', which is no number"
    )

"""What every destination keeps: a result for each record in order, sends that may be repeated, deletes that pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from tests.salesforce import Crm
from toque.graph.loads import TableName
from toque.integrations.destinations.http import Call, HttpRecords, Many
from toque.integrations.destinations.postgresql import PostgreSQLTable
from toque.integrations.http.client import HttpClient, HttpOptions
from toque.integrations.patience import Patience
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.destination import SalesforceObject
from toque.ports.destinations import Destination, Finds, Operation, Record, Result

GOOD, BAD = 50.0, 500.0
"""Scores that each of the systems takes, and refuses."""


@dataclass
class Case:
    """A destination, its names for a person's fields, and a look from behind at what it has."""

    destination: Destination
    key: str
    name: str
    score: str
    people: Callable[[], dict[str, tuple[Any, Any]]]

    def send(self, operation: Operation, *people: tuple[str, str, float | None]) -> list[Result]:
        records = []
        for key, name, score in people:
            fields = {} if operation == "delete" else {self.name: name, self.score: score}
            records.append(Record({self.key: key}, fields))
        return list(self.destination.send(operation, records))


def salesforce(crm: Crm, client: SalesforceClient) -> Case:
    def people() -> dict[str, tuple[Any, Any]]:
        return {key: (row["LastName"], row["Lead_Score__c"]) for key, row in crm.all().items()}

    destination = SalesforceObject(client, "crm.Contact", "Contact")
    return Case(destination, "Product_User_Id__c", "LastName", "Lead_Score__c", people)


def bulk(crm: Crm, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr("toque.integrations.salesforce.destination.COLLECTION", 0)
    return salesforce(crm, client)


def postgresql(url: str) -> Case:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE people (id text PRIMARY KEY, name text, score float8 CHECK (score <= 100))")

    def people() -> dict[str, tuple[Any, Any]]:
        with psycopg.connect(url) as connection:
            return {key: (name, score) for key, name, score in connection.execute("SELECT * FROM people")}

    return Case(PostgreSQLTable(url, TableName.parse("people")), "id", "name", "score", people)


def http(*, many: bool) -> Case:
    rows: dict[str, dict[str, Any]] = {}

    def one(key: str, row: dict[str, Any], *, must_exist: bool) -> dict[str, Any]:
        if row["score"] is not None and row["score"] > 100:
            return {"ok": False, "error": "score is above 100"}
        if must_exist and key not in rows:
            return {"ok": False, "error": "no such person"}
        rows[key] = row
        return {"ok": True, "id": key}

    def answer(request: httpx.Request) -> httpx.Response:
        content = json.loads(request.content) if request.content else None
        if request.method == "DELETE":
            return httpx.Response(204 if rows.pop(request.url.path.rpartition("/")[2], None) else 404)
        must_exist = request.method == "PATCH"
        if request.url.path == "/people":
            told = [one(row["id"], row, must_exist=must_exist) for row in content["records"]]
            return httpx.Response(200, json={"results": told})
        told = one(content["id"], content, must_exist=must_exist)
        return httpx.Response(200 if told["ok"] else 422, json=told)

    client = HttpClient(
        HttpOptions(url="https://api.example"), Patience(tries=1), transport=httpx.MockTransport(answer)
    )
    calls: dict[Operation, Any] = {
        "upsert": Many("PUT", "/people") if many else Call("PUT", "/people/{id}"),
        "update": Many("PATCH", "/people") if many else Call("PATCH", "/people/{id}"),
        "delete": Call("DELETE", "/people/{id}", "none"),
    }

    def people() -> dict[str, tuple[Any, Any]]:
        return {key: (row["name"], row["score"]) for key, row in rows.items()}

    return Case(_EachAlone(HttpRecords(client, "api", calls)), "id", "name", "score", people)


class _EachAlone:
    """As the sync does it: batches no larger than the destination takes."""

    def __init__(self, inner: HttpRecords) -> None:
        self.name, self.batch_size, self._inner = inner.name, inner.batch_size, inner

    def send(self, operation: Operation, records: Any) -> list[Result]:
        return [result for record in records for result in self._inner.send(operation, [record])]


@pytest.fixture(params=["salesforce", "bulk", "postgresql", "http", "http_many"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    match request.param:
        case "salesforce":
            yield salesforce(request.getfixturevalue("crm"), request.getfixturevalue("client"))
        case "bulk":
            asked = ("crm", "client", "monkeypatch")
            yield bulk(*(request.getfixturevalue(name) for name in asked))
        case "postgresql":
            yield postgresql(request.getfixturevalue("empty_postgres_url"))
        case name:
            yield http(many=name == "http_many")


def test_each_record_has_its_result_in_order_and_a_bad_one_harms_no_other(case: Case) -> None:
    results = case.send("upsert", ("a", "Ada", GOOD), ("b", "Bob", BAD), ("c", "Cyd", GOOD))
    assert [result.accepted for result in results] == [True, False, True]
    assert results[1].reason
    assert case.people() == {"a": ("Ada", GOOD), "c": ("Cyd", GOOD)}


def test_to_send_a_record_twice_does_what_sending_it_once_does(case: Case) -> None:
    for _ in range(2):
        assert [result.accepted for result in case.send("upsert", ("a", "Ada", GOOD))] == [True]
    assert case.people() == {"a": ("Ada", GOOD)}


def test_an_upsert_changes_what_is_there(case: Case) -> None:
    case.send("upsert", ("a", "Ada", GOOD))
    case.send("upsert", ("a", "Ada Lovelace", 1.0))
    assert case.people() == {"a": ("Ada Lovelace", 1.0)}


def test_none_empties_a_field(case: Case) -> None:
    case.send("upsert", ("a", "Ada", GOOD))
    case.send("upsert", ("a", "Ada", None))
    assert case.people() == {"a": ("Ada", None)}


def test_an_update_makes_nothing(case: Case) -> None:
    case.send("upsert", ("a", "Ada", GOOD))
    results = case.send("update", ("x", "Nobody", GOOD), ("a", "Ada", 2.0))
    assert [result.accepted for result in results] == [False, True]
    assert case.people() == {"a": ("Ada", 2.0)}


def test_a_delete_of_what_is_gone_is_accepted(case: Case) -> None:
    case.send("upsert", ("a", "Ada", GOOD), ("b", "Bob", GOOD))
    for _ in range(2):
        assert [result.accepted for result in case.send("delete", ("x", "", None), ("a", "", None))] == [True, True]
    assert case.people() == {"b": ("Bob", GOOD)}


def test_a_key_that_was_deleted_can_come_back(case: Case) -> None:
    case.send("upsert", ("a", "Ada", GOOD))
    case.send("delete", ("a", "", None))
    assert case.send("upsert", ("a", "Ada again", GOOD))[0].accepted
    assert case.people() == {"a": ("Ada again", GOOD)}


def test_text_arrives_as_it_is(case: Case) -> None:
    name = 'O\'Neil, "Ann"\nÅsa; 北 %_\\'
    case.send("upsert", ("k'1", name, GOOD))
    assert case.people() == {"k'1": (name, GOOD)}


@pytest.mark.parametrize("case", ["salesforce", "postgresql"], indirect=True)
def test_what_exists_is_found(case: Case) -> None:
    assert isinstance(case.destination, Finds)
    case.send("upsert", ("k'1", "Ada", GOOD))
    found = case.destination.find([{case.key: "none"}, {case.key: "k'1"}])
    assert found[0] is None
    assert found[1]

"""Records arrive at an HTTP API, one by one or many at once; what it refuses is a rejection and no failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.integration.syncing.conftest import Warehouse, scores
from toque.errors import DataError, TransientError, UserError
from toque.graph.syncs import Create, Mirror
from toque.integrations.destinations.http import Call, HttpRecords, Many
from toque.integrations.http.client import HttpClient, HttpOptions, Refused
from toque.integrations.patience import Patience, Unanswered
from toque.integrations.syncing.run import sync
from toque.ports.destinations import Describes, Record


class Api:
    """People at `/v1/people/ID`, and many at `/v1/people`. `next` is answered instead, once."""

    def __init__(self) -> None:
        self.people: dict[str, Any] = {}
        self.asked: list[str] = []
        self.next: list[httpx.Response | Exception] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        if self.next:
            told = self.next.pop(0)
            if isinstance(told, Exception):
                raise told
            return told
        content = json.loads(request.content) if request.content else None
        if request.url.path == "/v1/people":
            return httpx.Response(200, json={"results": [self._put(row["id"], row) for row in content["records"]]})
        key = request.url.path.removeprefix("/v1/people/")
        if request.method == "DELETE":
            return httpx.Response(204 if self.people.pop(key, None) is not None else 404)
        result = self._put(key, content)
        return httpx.Response(200 if result["ok"] else 422, json=result)

    def _put(self, key: str, content: dict[str, Any]) -> dict[str, Any]:
        if content.get("Score") == 13:
            return {"ok": False, "error": "13 is unlucky"}
        self.people[key] = content
        return {"ok": True, "id": f"p-{key}"}


ALONE = {"upsert": Call("PUT", "/people/{id}", "fields"), "delete": Call("DELETE", "/people/{id}", "none")}


def destination(api: Callable[[httpx.Request], httpx.Response], calls: Any = None) -> HttpRecords:
    options = HttpOptions(url="https://api.example/v1")
    client = HttpClient(options, Patience(tries=1), transport=httpx.MockTransport(api))
    return HttpRecords(client, "api.people", calls or ALONE)


def patient(naps: list[float] | None = None) -> Patience:
    return Patience(tries=3, sleep=(naps if naps is not None else []).append)


def test_one_by_one(warehouse: Warehouse) -> None:
    api, spec = Api(), scores(Mirror(key="id"), tolerate=1)
    warehouse.put(a=1, b=13)
    warehouse.put(**{"c/ d": 3})
    first = sync(spec, warehouse, destination(api))
    assert (first.accepted, first.rejected) == (2, 1)
    assert api.people == {"a": {"Score": 1}, "c/ d": {"Score": 3}}
    assert "PUT /v1/people/c%2F%20d" in api.asked
    assert "13 is unlucky" in first.rejects[0].reason
    warehouse.remove("a", "c/ d")
    api.people.pop("a")
    assert sync(spec, warehouse, destination(api)).deleted == 2
    assert api.people == {}


def test_many_at_once(warehouse: Warehouse) -> None:
    api = Api()
    warehouse.put(a=1, b=13, c=3)
    many = destination(api, {"upsert": Many("POST", "/people", size=2)})
    result = sync(scores(tolerate=1), warehouse, many)
    assert (result.accepted, result.rejects[0].reason, len(api.asked)) == (2, "13 is unlucky", 2)
    assert api.people["a"] == {"id": "a", "Score": 1}


def test_busy_servers_and_broken_connections(warehouse: Warehouse) -> None:
    api, naps = Api(), list[float]()
    api.next = [httpx.Response(429, headers={"Retry-After": "8"}), httpx.ReadError("cut")]
    warehouse.put(a=1)
    assert sync(scores(), warehouse, destination(api), patience=patient(naps)).accepted == 1
    assert naps == [8, 2]


def test_a_create_is_not_asked_for_twice(warehouse: Warehouse) -> None:
    api = Api()
    api.next = [httpx.ReadError("cut")]
    warehouse.put(a=1)
    with pytest.raises(Unanswered):
        sync(scores(Create(key="id")), warehouse, destination(api, {"create": Call("POST", "/people/{id}")}))
    assert len(api.asked) == 1


def test_no_permission_is_no_rejection_of_a_record(warehouse: Warehouse) -> None:
    api = Api()
    api.next = [httpx.Response(403)]
    warehouse.put(a=1)
    with pytest.raises(Refused):
        sync(scores(), warehouse, destination(api))


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="ok"), httpx.Response(200, json={"results": []}), httpx.Response(200, json={})]
)
def test_an_answer_without_results_is_shown(warehouse: Warehouse, answer: httpx.Response) -> None:
    warehouse.put(a=1)
    with pytest.raises(DataError, match="answer"):
        sync(scores(), warehouse, destination(lambda _: answer, {"upsert": Many("POST", "/people")}))


def test_what_cannot_be_asked_for_is_refused_first() -> None:
    made = destination(Api())
    assert isinstance(made, Describes)
    with pytest.raises(UserError, match="no call for 'create'"):
        made.expect(["create"], ["id"], [])
    with pytest.raises(UserError, match=r"'id' in /people/\{id\} is no field of the key"):
        made.expect(["upsert"], ["email"], [])


def test_values_become_json() -> None:
    seen: list[Any] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, text="fine")

    made = destination(keep)
    day = date(2026, 11, 2)
    fields = {
        "n": Decimal("1.50"),
        "i": Decimal("2"),
        "d": day,
        "t": datetime(2026, 11, 2, tzinfo=UTC),
        "u": UUID(int=1),
    }
    (result,) = made.send("upsert", [Record({"id": 1}, fields)])
    assert result.accepted
    assert seen[0] == {
        "n": 1.5,
        "i": 2,
        "d": "2026-11-02",
        "t": "2026-11-02T00:00:00Z",
        "u": "00000000-0000-0000-0000-000000000001",
    }
    assert made.fault("upsert", Record({"id": 1}, {"x": object()})) == "JSON has no object"
    assert not made.fault("upsert", Record({"id": 1}, fields))


def test_a_busy_server_is_left_to_the_sync() -> None:
    with pytest.raises(TransientError) as caught:
        destination(lambda _: httpx.Response(503)).send("upsert", [Record({"id": 1}, {})])
    assert not isinstance(caught.value, Unanswered)

"""The sandbox as a function from request to answer: routes, sessions and the administrator's door."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sandbox.salesforce import login
from sandbox.salesforce.answers import Answer, ApiError, Request, nothing, said
from sandbox.salesforce.bulk import Export, Ingest
from sandbox.salesforce.faults import Fault, Faults
from sandbox.salesforce.reading import PAGE, ROOT, Reading
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import API_VERSION, OBJECTS, SObject
from sandbox.salesforce.state import State
from sandbox.salesforce.writing import Writing

_REFERENCE = re.compile(r"@\{(\w+)\.(\w+)\}")
DAILY = 1_000_000


class Sandbox:
    """One organisation. `now` is its clock, `page` the most records of one answer."""

    def __init__(self, path: str | Path, *, now: Callable[[], datetime] | None = None, page: int = PAGE) -> None:
        self.state = State(path, now)
        self.faults = Faults()
        self.records = Records(self.state)
        self._reading = Reading(self.state, page)
        self._writing = Writing(self.state, self.records)
        self._ingest = Ingest(self.state, self.records)
        self._export = Export(self.state)
        self.log: list[str] = []
        """`METHOD target` of each request of the API, in order."""

    def answer(self, request: Request) -> Answer:
        """Do what a request asks, all of it or nothing."""
        try:
            with self.state.transaction():
                return self._route(request)
        except ApiError as error:
            return error.answer()

    def _route(self, request: Request) -> Answer:
        if request.path.startswith("/services/Soap/u/"):
            return login.soap(self.state, request)
        if request.path == "/services/oauth2/token":
            return login.token(self.state, request)
        if request.parts[:1] == ["admin"]:
            return self._admin(request)
        if request.path.rstrip("/") == "/services/data":
            return said([{"label": "Toque", "url": ROOT, "version": API_VERSION}])
        session = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.state.has_session(session):
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self.log.append(f"{request.method} {request.target}")
        used = int(self.state.setting("calls", "0")) + 1
        self.state.set("calls", str(used))
        answer = self._api(request)
        return Answer(
            answer.status,
            answer.content,
            answer.kind,
            {**answer.headers, "Sforce-Limit-Info": f"api-usage={used}/{DAILY}"},
        )

    def _api(self, request: Request) -> Answer:
        if request.parts[:2] != ["services", "data"] or len(request.parts) < 4:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        match request.method, request.parts[3:]:
            case "GET", ["query"]:
                return self._reading.query(request, deleted=False)
            case "GET", ["queryAll"]:
                return self._reading.query(request, deleted=True)
            case "GET", ["query" | "queryAll", locator]:
                return self._reading.more(locator, OBJECTS)
            case "GET", ["limits"]:
                left = DAILY - int(self.state.setting("calls", "0"))
                return said({"DailyApiRequests": {"Max": DAILY, "Remaining": left}})
            case _, ["sobjects", *rest]:
                return self._sobjects(request, rest)
            case _, ["composite", *rest]:
                return self._composite(request, rest)
            case _, ["jobs", kind, *rest]:
                return self._jobs(request, kind, rest)
            case _:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _sobjects(self, request: Request, rest: list[str]) -> Answer:
        if not rest:
            return said(
                {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_brief(each) for each in OBJECTS.values()]}
            )
        sobject = _object(rest[0])
        match request.method, rest[1:]:
            case "GET", []:
                return said({"objectDescribe": _brief(sobject), "recentItems": []})
            case "GET", ["describe"]:
                return said(sobject.describe())
            case "GET", ["updated"]:
                return self._reading.updated(sobject, request)
            case "GET", ["deleted"]:
                return self._reading.deleted(sobject, request)
            case "POST", []:
                return self._writing.create(sobject, request)
            case "GET", [record]:
                row = self.records.find(sobject, "Id", record)
                return self._reading.record(sobject, row, request.query.get("fields", ""))
            case "PATCH", [record]:
                return self._writing.update(sobject, record, request)
            case "DELETE", [record]:
                return self._writing.delete(sobject, record)
            case "PATCH", [key, value]:
                return self._writing.upsert(sobject, key, value, request)
            case "GET" | "DELETE", [key, value] if (field := sobject.field(key)) and field.external_id:
                row = self.records.find(sobject, field.name, value)
                if request.method == "GET" or row is None:
                    return self._reading.record(sobject, row)
                return self._writing.delete(sobject, row["Id"])
            case _:
                raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed")

    def _composite(self, request: Request, rest: list[str]) -> Answer:
        match request.method, rest:
            case "POST", []:
                return self._one_after_the_other(request.json())
            case "POST", ["sobjects"]:
                return self._writing.create_many(request)
            case "PATCH", ["sobjects"]:
                return self._writing.update_many(request)
            case "DELETE", ["sobjects"]:
                return self._writing.delete_many(request)
            case "PATCH", ["sobjects", name, key]:
                return self._writing.upsert_many(_object(name), key, request)
            case _:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _one_after_the_other(self, asked: dict[str, Any]) -> Answer:
        """Up to 25 requests in one; a later one may name the result of an earlier one: `@{reference.id}`."""
        requests = asked.get("compositeRequest", [])
        if len(requests) > 25:
            raise ApiError(400, "LIMIT_EXCEEDED", "at most 25 requests in one")
        results: dict[str, Any] = {}

        def filled(text: str) -> str:
            return _REFERENCE.sub(lambda hit: str(results.get(hit[1], {}).get(hit[2], hit[0])), text)

        said_each = []
        for each in requests:
            body = filled(msgspec.json.encode(each.get("body", {})).decode()).encode()
            try:
                with self.state.transaction():
                    answer = self._api(Request(each["method"], filled(each["url"]), {}, body))
            except ApiError as error:
                if asked.get("allOrNone"):
                    raise
                answer = error.answer()
            content = msgspec.json.decode(answer.content) if answer.content else None
            if isinstance(content, dict):
                results[each["referenceId"]] = content
            whole = {"body": content, "httpHeaders": {}, "httpStatusCode": answer.status}
            said_each.append({**whole, "referenceId": each["referenceId"]})
        return said({"compositeResponse": said_each})

    def _jobs(self, request: Request, kind: str, rest: list[str]) -> Answer:
        match kind, request.method, rest:
            case "ingest", "POST", []:
                return self._ingest.create(request)
            case "ingest", "GET", [job]:
                return self._ingest.info(job)
            case "ingest", "PUT", [job, "batches"]:
                return self._ingest.upload(job, request)
            case "ingest", "PATCH", [job]:
                return self._ingest.close(job, request)
            case "ingest", "GET", [job, "successfulResults" | "failedResults" | "unprocessedrecords" as results]:
                return self._ingest.results(job, results)
            case "ingest", "GET", [job, "unprocessedRecords"]:
                return self._ingest.results(job, "unprocessedrecords")
            case "ingest", "DELETE", [job]:
                return self._ingest.delete(job)
            case "query", "POST", []:
                return self._export.create(request)
            case "query", "GET", [job]:
                return self._export.info(job)
            case "query", "GET", [job, "results"]:
                return self._export.results(job, request)
            case "query", "DELETE", [job]:
                return self._export.delete(job)
            case _:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _admin(self, request: Request) -> Answer:
        match request.method, request.parts[1:]:
            case "POST", ["faults"]:
                self.faults.arm(msgspec.convert(request.json(), Fault))
            case "DELETE", ["faults"]:
                self.faults.clear()
            case "POST", ["expire"]:
                self.expire()
            case "POST", ["empty-bin"]:
                self.empty_bin()
            case "POST", ["forget-deletes"]:
                self.forget_deletes()
            case "POST", ["set", name]:
                self.state.set(name, str(request.json()))
            case "GET", ["log"]:
                return said(self.log)
            case _:
                raise ApiError(404, "NOT_FOUND", "no such thing for administrators")
        return nothing()

    def expire(self) -> None:
        """End all sessions."""
        self.state.rows("DELETE FROM _sessions")

    def empty_bin(self) -> None:
        """Forget what was deleted: from now on not even `queryAll` tells of it."""
        for name in OBJECTS:
            self.state.rows(f'DELETE FROM "{name}" WHERE IsDeleted')

    def forget_deletes(self) -> None:
        """Lose the log of deletes, as an organisation does after a while."""
        self.state.rows("DELETE FROM _deletions")
        self.state.set("deletes known since", self.state.stamp())


def _object(name: str) -> SObject:
    found = next((each for each in OBJECTS.values() if each.name.lower() == name.lower()), None)
    if found is None:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def _brief(sobject: SObject) -> dict[str, Any]:
    return {name: value for name, value in sobject.describe().items() if name != "fields"}

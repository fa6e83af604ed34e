"""An object of Salesforce as a destination: sObject Collections for few records, Bulk API 2.0 for many."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from toque.errors import UserError
from toque.integrations.salesforce import bulk
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.session import Refused
from toque.integrations.salesforce.values import sent, soql_text
from toque.ports.destinations import Operation, Record, Result

COLLECTION = 200
"""The most that one call of sObject Collections takes."""
JOB = 10_000
"""The records of one job: small enough that a crash leaves few in doubt."""
_GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
_TEXTS = frozenset({"string", "textarea", "phone", "url", "email", "picklist"})
_NUMBERS = frozenset({"double", "currency", "percent", "int", "long"})


class SalesforceObject:
    """Records of one object, told apart by their Id or by one external id."""

    batch_size = COLLECTION

    def __init__(self, client: SalesforceClient, name: str, sobject: str, *, bulk_from: int = 2_000) -> None:
        self._client = client
        self._object = sobject
        self._bulk = bulk.Bulk(client)
        self._bulk_from = bulk_from
        self._note: Callable[[str], None] = lambda _: None
        self._begun: list[str] = []
        """Jobs whose outcome is not known yet."""
        self.name = name

    def size_for(self, total: int) -> int:
        """From `bulk_from` on they go by Bulk API 2.0, which spends fewer calls."""
        return JOB if total >= self._bulk_from else COLLECTION

    def on_begin(self, note: Callable[[str], None]) -> None:
        """`note` is told the id of each job before it has anything to do."""
        self._note = note

    def settle(self, receipt: str) -> None:
        """A job that is still open is aborted, one that runs is waited for."""
        try:
            self._bulk.settle(receipt)
        except Refused as error:
            if error.status != 404:  # deleted meanwhile
                raise

    def expect(self, operations: Sequence[Operation], key: Sequence[str], fields: Sequence[str]) -> None:
        """Raises `UserError` for a field that the organisation does not have, or nobody may write."""
        if len(key) != 1:
            raise UserError(f"{self.name}: records of Salesforce are told apart by one field, not by {len(key)}")
        known = self._client.fields(self._object)
        for name in (*key, *fields):
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                raise UserError(f"{self._object} has no field {name!r}", fix=f"{near[0]!r}?" if near else "")
        if key[0] != "Id" and not known[key[0]]["externalId"]:
            raise UserError(f"{key[0]} is no external id of {self._object}: it cannot tell records apart")
        if key[0] == "Id" and "create" in operations:
            raise UserError(f"Salesforce gives each new {self._object} its Id", fix="the key is an external id")
        for name in fields:
            if not known[name]["updateable"]:
                raise UserError(f"nobody can set {name} of {self._object}: it is a formula or kept by Salesforce")

    def fault(self, operation: Operation, record: Record) -> str:
        """What the organisation's description already forbids."""
        known = self._client.fields(self._object)
        for name, value in record.values.items():
            why = _fault(known[name], value)
            if why:
                return f"{name} {why}"
        return ""

    def find(self, keys: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """The Ids of records that exist."""
        ((field, _),) = keys[0].items()
        found: dict[str, str] = {}
        for part in _short(sorted({str(sent(key[field])) for key in keys})):
            wanted = ", ".join(map(soql_text, part))
            names = "Id" if field == "Id" else f"Id, {field}"
            for page in self._client.pages(f"SELECT {names} FROM {self._object} WHERE {field} IN ({wanted})"):
                found.update({str(row[field]): str(row["Id"]) for row in page})
        return [found.get(str(sent(key[field]))) for key in keys]

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        """One result for each record."""
        (field,) = records[0].key
        if operation in ("create", "upsert") and not (operation == "upsert" and field == "Id"):
            return self._written(operation, field, records)
        ids = self.find([record.key for record in records])
        there = [(record, each) for record, each in zip(records, ids, strict=True) if each is not None]
        if operation == "delete":
            results = iter(self._deleted([each for _, each in there]) if there else [])
            gone = Result(reason="it was gone already")
            return [next(results) if each else gone for each in ids]
        renamed = [Record({"Id": each}, record.fields) for record, each in there]
        results = iter(self._written("update", "Id", renamed) if there else [])
        missing = Result(accepted=False, reason=f"NOT_FOUND: no {self._object} has this {field}")
        return [next(results) if each else missing for each in ids]

    def _written(self, operation: Operation, field: str, records: Sequence[Record]) -> list[Result]:
        rows = [{name: sent(value) for name, value in record.values.items()} for record in records]
        if len(rows) > COLLECTION:
            job = {"create": "insert", "update": "update"}.get(operation, "upsert")
            return self._by_job(job, field, rows)
        method, path = "PATCH", "composite/sobjects"
        if operation == "create":
            method = "POST"
        elif operation == "upsert":
            path = f"composite/sobjects/{self._object}/{field}"
        body = [{"attributes": {"type": self._object}, **row} for row in rows]
        answer = self._client.json(method, path, json={"allOrNone": False, "records": body}, is_repeatable=False)
        return [_result(each) for each in answer]

    def _deleted(self, ids: list[str]) -> list[Result]:
        if len(ids) > COLLECTION:
            return [_forgiven(each) for each in self._by_job("delete", "Id", [{"Id": each} for each in ids])]
        params = {"ids": ",".join(ids), "allOrNone": "false"}
        answer = self._client.json("DELETE", "composite/sobjects", params=params, is_repeatable=False)
        return [_forgiven(_result(each)) for each in answer]

    def _by_job(self, operation: Any, field: str, rows: list[dict[str, Any]]) -> list[Result]:
        results: dict[str, Result] = {}
        for part in bulk.parts(rows):
            for job in self._begun:  # its answer was lost: it must not overtake this one
                self.settle(job)
            job = self._bulk.create(self._object, operation, field)
            self._begun = [job]
            self._note(job)
            self._bulk.upload(job, part)
            outcome = self._bulk.outcome(job)
            self._begun = []
            for row in outcome.accepted:
                results[row[field]] = Result(id=row["sf__Id"], created=row["sf__Created"] == "true")
            for row in outcome.failed:
                results[row[field]] = Result(accepted=False, reason=row["sf__Error"])
            for row in outcome.unprocessed:
                reason = f"UNPROCESSED: the job {job} ended as {outcome.state}: {outcome.message}"
                results[row[field]] = Result(accepted=False, reason=reason)
        unknown = Result(accepted=False, reason="UNPROCESSED: the job tells nothing of it")
        return [results.get(str(row[field]), unknown) for row in rows]


def _result(answer: Mapping[str, Any]) -> Result:
    if answer["success"]:
        return Result(id=str(answer.get("id", "")), created=answer.get("created"))
    reasons = [f"{each['statusCode']}: {each['message']}" for each in answer["errors"]]
    return Result(accepted=False, reason="; ".join(reasons))


def _forgiven(result: Result) -> Result:
    """To delete what is not there is no failure."""
    code = result.reason.partition(":")[0]
    return Result(reason="it was gone already") if not result.accepted and code in _GONE else result


def _short(values: Sequence[str], length: int = 8_000) -> Iterator[list[str]]:
    """Pieces whose text is short enough for a query in an address."""
    part: list[str] = []
    size = 0
    for value in values:
        size += len(value) + 4
        if part and (size > length or len(part) == COLLECTION):
            yield part
            part, size = [], len(value) + 4
        part.append(value)
    if part:
        yield part


def _fault(field: Mapping[str, Any], value: Any) -> str:
    try:
        given = sent(value)
    except TypeError as error:
        return str(error)
    kind = field["type"]
    if given is None:
        return "" if field["nillable"] or field["name"] == "Id" or kind == "boolean" else "must not be empty"
    if kind in _TEXTS and len(str(given)) > field["length"]:
        return f"is longer than {field['length']} characters"
    values = [each["value"] for each in field["picklistValues"] if each["active"]]
    if field.get("restrictedPicklist") and str(given) and str(given) not in values:
        return f"is {given!r}, and only {', '.join(values)} are known"
    if kind in _NUMBERS and not isinstance(given, int | float):
        return f"is {given!r}, which is no number"
    if kind == "boolean" and not isinstance(given, bool):
        return f"is {given!r}, which is neither true nor false"
    return ""

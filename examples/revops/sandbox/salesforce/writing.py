"""Writing: single records, and collections of at most 200 with one result for each record, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sandbox.salesforce.answers import Answer, ApiError, Request, nothing, said
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import OBJECTS, SObject
from sandbox.salesforce.state import Row, State

LIMIT = 200

_Undone = type("_Undone", (Exception,), {})


class Writing:
    """Answers to POST, PATCH and DELETE."""

    def __init__(self, state: State, all_records: Records) -> None:
        self._state = state
        self._records = all_records

    def create(self, sobject: SObject, request: Request) -> Answer:
        """One record."""
        record = self._records.create(sobject, request.json())
        return said({"id": record, "success": True, "errors": []}, 201)

    def update(self, sobject: SObject, record: str, request: Request) -> Answer:
        """One record by its id."""
        self._records.update(sobject, record, request.json())
        return nothing()

    def upsert(self, sobject: SObject, key: str, value: str, request: Request) -> Answer:
        """One record by external id; `updateOnly=true` creates none."""
        only_update = request.query.get("updateOnly") == "true"
        values = {name: each for name, each in request.json().items() if name.lower() != key.lower()}
        record, created = self._records.upsert(sobject, key, value, values, only_update=only_update)
        return said({"id": record, "success": True, "errors": [], "created": created}, 201 if created else 200)

    def delete(self, sobject: SObject, record: str) -> Answer:
        """One record by its id."""
        self._records.delete(sobject, record)
        return nothing()

    def create_many(self, request: Request) -> Answer:
        """POST of a collection."""

        def one(row: Row) -> Row:
            return {"id": self._records.create(_of(row), row), "success": True, "errors": []}

        return self._many(request, one)

    def update_many(self, request: Request) -> Answer:
        """PATCH of a collection, each record by its `id`."""

        def one(row: Row) -> Row:
            record = next((str(value) for name, value in row.items() if name.lower() == "id"), "")
            if not record:
                raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
            values = {name: value for name, value in row.items() if name.lower() != "id"}
            self._records.update(_of(row), record, values)
            return {"id": record, "success": True, "errors": []}

        return self._many(request, one)

    def upsert_many(self, sobject: SObject, key: str, request: Request) -> Answer:
        """PATCH of a collection by external id. Records of equal external id are all refused."""
        given = request.json().get("records", [])
        counted = Counter(str(row.get(key)) for row in given if isinstance(row, dict))

        def one(row: Row) -> Row:
            value = row.get(key)
            if value is not None and counted[str(value)] > 1:
                raise ApiError(400, "DUPLICATE_VALUE", f"Duplicate external id specified: {value}", (key,))
            values = {name: each for name, each in row.items() if name not in (key, "attributes")}
            record, created = self._records.upsert(sobject, key, value, values)
            return {"id": record, "success": True, "errors": [], "created": created}

        return self._many(request, one)

    def delete_many(self, request: Request) -> Answer:
        """DELETE of a collection: `?ids=a,b`."""

        def one(record: str) -> Row:
            sobject = next((each for each in OBJECTS.values() if record.startswith(each.prefix)), None)
            if sobject is None:
                raise ApiError(400, "MALFORMED_ID", f"malformed id {record}")
            self._records.delete(sobject, record)
            return {"id": record, "success": True, "errors": []}

        ids = [each for each in request.query.get("ids", "").split(",") if each]
        whole = request.query.get("allOrNone", "false") == "true"
        return self._each(ids, one, whole)

    def _many(self, request: Request, one: Callable[[Any], Row]) -> Answer:
        body = request.json()
        return self._each(body.get("records", []), one, bool(body.get("allOrNone")))

    def _each(self, given: list[Any], one: Callable[[Any], Row], whole: bool) -> Answer:
        if len(given) > LIMIT:
            message = f"Record limit reached. Cannot process more than {LIMIT} records in one call"
            raise ApiError(400, "LIMIT_EXCEEDED", message)
        results: list[Row] = []
        try:
            with self._state.transaction():
                for each in given:
                    results.append(self._tried(each, one))
                if whole and not all(result["success"] for result in results):
                    raise _Undone
        except _Undone:
            results = [result if not result["success"] else _rolled_back() for result in results]
        return said(results)

    def _tried(self, given: Any, one: Callable[[Any], Row]) -> Row:
        try:
            with self._state.transaction():
                return one(given)
        except ApiError as error:
            return {"success": False, "errors": [error.row()]}


def _rolled_back() -> Row:
    message = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return {"success": False, "errors": [ApiError(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", message).row()]}


def _of(row: Row) -> SObject:
    name = row.get("attributes", {}).get("type", "")
    if name not in OBJECTS:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return OBJECTS[name]

"""Reading: queries with pages, single records, what was updated or deleted."""

from __future__ import annotations

import json
from typing import Any

from sandbox.salesforce.answers import Answer, ApiError, Request, said
from sandbox.salesforce.schema import API_VERSION, Field, SObject
from sandbox.salesforce.soql import Query, instant, parse
from sandbox.salesforce.state import Row, State

ROOT = f"/services/data/v{API_VERSION}"
PAGE = 2_000


def select(state: State, query: Query, *, deleted: bool) -> list[str]:
    """The ids of the records that a query finds, in its order."""
    where = query.where if deleted else f"{query.where} AND NOT IsDeleted"
    limit = f" LIMIT {-1 if query.limit is None else query.limit} OFFSET {query.offset}"
    sql = f'SELECT Id FROM "{query.sobject.name}" WHERE {where} ORDER BY {query.order}{limit}'
    return [row["Id"] for row in state.rows(sql, query.arguments)]


def records(state: State, sobject: SObject, fields: tuple[Field, ...], ids: list[str]) -> list[Row]:
    """These fields of these records, by name, as the state keeps them."""
    columns = ", ".join(
        f'({field.formula}) AS "{field.name}"' if field.formula else f'"{field.name}"' for field in fields
    )
    sql = f'SELECT Id AS _id, {columns} FROM "{sobject.name}" WHERE Id IN (SELECT value FROM json_each(?))'
    found = {row.pop("_id"): row for row in state.rows(sql, (json.dumps(ids),))}
    return [found[each] for each in ids if each in found]


def shown(field: Field, value: Any) -> Any:
    """A value as REST tells it."""
    if value is None:
        return None
    if field.type == "boolean":
        return bool(value)
    return value.replace("Z", "+0000") if field.type == "datetime" else value


def shown_record(sobject: SObject, fields: tuple[Field, ...], row: Row) -> Row:
    """A record as REST tells it."""
    url = f"{ROOT}/sobjects/{sobject.name}/{row['Id']}" if "Id" in row else ""
    values = {field.name: shown(field, row[field.name]) for field in fields}
    return {"attributes": {"type": sobject.name, "url": url}, **values}


class Reading:
    """Answers to GET."""

    def __init__(self, state: State, page: int = PAGE) -> None:
        self._state = state
        self._page = page

    def query(self, request: Request, *, deleted: bool) -> Answer:
        """The first page of a query."""
        query = parse(request.query.get("q", ""))
        ids = select(self._state, query, deleted=deleted)
        if not query.fields:
            return said({"totalSize": len(ids), "done": True, "records": []})
        locator = self._state.new_id("01g")
        wanted = request.headers.get("sforce-query-options", "")
        size = min(int(wanted.partition("batchSize=")[2] or self._page), self._page)
        if len(ids) > size:
            names = ",".join(field.name for field in query.fields)
            self._state.rows(
                "INSERT INTO _locators VALUES (?, ?, ?, ?)", (locator, query.sobject.name, names, json.dumps(ids))
            )
        return self._shown_page(query.sobject, query.fields, ids, (locator, 0, size))

    def more(self, locator: str, sobjects: dict[str, SObject]) -> Answer:
        """A later page: `nextRecordsUrl` holds where it begins and how large it is."""
        name, _, rest = locator.partition("-")
        start, _, size = rest.partition("-")
        found = self._state.rows("SELECT * FROM _locators WHERE id = ?", (name,))
        if not found or not start.isdigit() or not size.isdigit():
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        sobject = sobjects[found[0]["object"]]
        fields = tuple(sobject.fields[each] for each in found[0]["fields"].split(","))
        return self._shown_page(sobject, fields, json.loads(found[0]["ids"]), (name, int(start), int(size)))

    def _shown_page(
        self, sobject: SObject, fields: tuple[Field, ...], ids: list[str], page: tuple[str, int, int]
    ) -> Answer:
        locator, start, size = page
        end = start + size
        wanted = fields if any(field.name == "Id" for field in fields) else (*fields, sobject.fields["Id"])
        rows = records(self._state, sobject, wanted, ids[start:end])
        whole = {"totalSize": len(ids), "done": end >= len(ids)}
        if end < len(ids):
            whole["nextRecordsUrl"] = f"{ROOT}/query/{locator}-{end}-{size}"
        return said({**whole, "records": [shown_record(sobject, fields, row) for row in rows]})

    def record(self, sobject: SObject, row: Row | None, names: str = "") -> Answer:
        """One record, whole or only the fields named."""
        if row is None or row["IsDeleted"]:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        wanted = [name for name in names.split(",") if name]
        fields = tuple(field for field in sobject.fields.values() if not wanted or field.name in (*wanted, "Id"))
        (full,) = records(self._state, sobject, fields, [row["Id"]])
        return said(shown_record(sobject, fields, full))

    def updated(self, sobject: SObject, request: Request) -> Answer:
        """Ids of the records that changed in a span."""
        start, end = _span(request)
        sql = f'SELECT Id FROM "{sobject.name}" WHERE NOT IsDeleted AND SystemModstamp >= ? AND SystemModstamp < ?'
        ids = [row["Id"] for row in self._state.rows(sql, (start, end))]
        return said({"ids": ids, "latestDateCovered": end.replace("Z", "+0000")})

    def deleted(self, sobject: SObject, request: Request) -> Answer:
        """Records that were deleted in a span, as far as the log of deletes reaches: further than the recycle bin."""
        start, end = _span(request)
        sql = "SELECT id, at FROM _deletions WHERE object = ? AND at BETWEEN ? AND ? ORDER BY at"
        gone = self._state.rows(sql, (sobject.name, start, end))
        since = self._state.setting("deletes known since", "2000-01-01T00:00:00.000Z")
        return said(
            {
                "deletedRecords": [{"id": row["id"], "deletedDate": row["at"].replace("Z", "+0000")} for row in gone],
                "earliestDateAvailable": since.replace("Z", "+0000"),
                "latestDateCovered": end.replace("Z", "+0000"),
            }
        )


def _span(request: Request) -> tuple[str, str]:
    try:
        return instant(request.query["start"].replace(" ", "+")), instant(request.query["end"].replace(" ", "+"))
    except (KeyError, ValueError) as problem:
        raise ApiError(400, "INVALID_REPLICATION_DATE", f"start and end are needed: {problem}") from problem

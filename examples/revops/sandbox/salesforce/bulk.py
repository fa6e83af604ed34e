"""Bulk API 2.0: jobs that take or give CSV. A job is worked off when its upload is declared complete."""

from __future__ import annotations

import csv
import io
from typing import Any

from sandbox.salesforce.answers import Answer, ApiError, Request, nothing, said
from sandbox.salesforce.reading import records, select
from sandbox.salesforce.records import Records
from sandbox.salesforce.schema import API_VERSION, OBJECTS, Field, SObject
from sandbox.salesforce.soql import parse
from sandbox.salesforce.state import Row, State

_DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
_OPERATIONS = ("insert", "update", "upsert", "delete")
_RESULTS = ("successfulResults", "failedResults", "unprocessedrecords")
NULL = "#N/A"


class Ingest:
    """`jobs/ingest`."""

    def __init__(self, state: State, all_records: Records) -> None:
        self._state = state
        self._records = all_records

    def create(self, request: Request) -> Answer:
        """A job in state Open."""
        asked = request.json()
        if asked.get("object") not in OBJECTS:
            raise ApiError(400, "INVALIDENTITY", f"Entity '{asked.get('object')}' is not supported by the Bulk API.")
        if asked.get("operation") not in _OPERATIONS:
            raise ApiError(400, "INVALIDOPERATION", f"operation {asked.get('operation')!r} is not supported")
        if asked["operation"] == "upsert" and not asked.get("externalIdFieldName"):
            raise ApiError(400, "INVALIDJOB", "Upsert operation requires an external ID field name")
        job = {
            "id": self._state.new_id("750"),
            "object": asked["object"],
            "operation": asked["operation"],
            "externalIdFieldName": asked.get("externalIdFieldName", "Id"),
            "columnDelimiter": asked.get("columnDelimiter", "COMMA"),
            "lineEnding": asked.get("lineEnding", "LF"),
            "contentType": "CSV",
            "apiVersion": float(API_VERSION),
            "state": "Open",
            "createdDate": self._state.stamp().replace("Z", "+0000"),
            "numberRecordsProcessed": 0,
            "numberRecordsFailed": 0,
        }
        job["contentUrl"] = f"services/data/v{API_VERSION}/jobs/ingest/{job['id']}/batches"
        self._state.save_job(job, "ingest")
        return said(job)

    def info(self, job: str) -> Answer:
        """The state of a job. One that takes its time goes on when it is asked for."""
        found = self._job(job)
        if found["state"] == "InProgress":
            found["polls"] -= 1
            if not found["polls"]:
                self._work_off(found)
            self._state.save_job(found, "ingest")
        return said(found)

    def upload(self, job: str, request: Request) -> Answer:
        """The data. One upload a job, as in Bulk API 2.0."""
        found = self._job(job)
        if found["state"] != "Open":
            raise ApiError(400, "INVALIDJOBSTATE", f"the job is {found['state']}, not Open")
        if self._state.rows("SELECT 1 FROM _uploads WHERE job = ?", (job,)):
            raise ApiError(400, "INVALIDJOB", f"Found multiple contents for job: <{job}>, please 'Close' / 'Abort'")
        self._state.rows("INSERT INTO _uploads VALUES (?, 0, ?)", (job, request.body))
        return Answer(201)

    def close(self, job: str, request: Request) -> Answer:
        """`UploadComplete` has the records processed, `Aborted` has them left alone."""
        found, wanted = self._job(job), request.json().get("state")
        if wanted not in ("UploadComplete", "Aborted") or found["state"] != "Open":
            raise ApiError(400, "INVALIDJOBSTATE", f"a job that is {found['state']} cannot become {wanted}")
        found["state"] = wanted
        # So often a job is asked for before it is done.
        polls = int(self._state.setting("bulk polls", "0"))
        if wanted == "UploadComplete" and polls:
            found |= {"state": "InProgress", "polls": polls}
        elif wanted == "UploadComplete":
            self._work_off(found)
        self._state.save_job(found, "ingest")
        return said(found)

    def results(self, job: str, kind: str) -> Answer:
        """One of the three tables of results."""
        self._job(job)
        found = self._state.rows("SELECT content FROM _results WHERE job = ? AND kind = ?", (job, kind.lower()))
        return Answer(200, found[0]["content"] if found else b"", "text/csv")

    def delete(self, job: str) -> Answer:
        """Forget a job that is over."""
        if self._job(job)["state"] not in ("JobComplete", "Failed", "Aborted"):
            raise ApiError(400, "INVALIDJOBSTATE", "only a job that is over can be deleted")
        for table, column in (("_jobs", "id"), ("_uploads", "job"), ("_results", "job")):
            self._state.rows(f"DELETE FROM {table} WHERE {column} = ?", (job,))
        return nothing()

    def _job(self, job: str) -> Row:
        found = self._state.job(job, "ingest")
        if found is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return found

    def _work_off(self, job: Row) -> None:
        sobject = OBJECTS[job["object"]]
        uploaded = self._state.rows("SELECT content FROM _uploads WHERE job = ?", (job["id"],))
        text = uploaded[0]["content"].decode() if uploaded else ""
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_DELIMITERS[job["columnDelimiter"]])
        rows, header = list(reader), list(reader.fieldnames or [])
        unknown = [name for name in header if sobject.field(name) is None]
        if unknown:
            job |= {"state": "Failed", "errorMessage": f"InvalidBatch : Field name not found : {unknown[0]}"}
            self._keep(job["id"], "unprocessedrecords", header, rows)
            return
        # So many are worked off before a limit of the organisation is reached: the rest is unprocessed.
        limit = int(self._state.setting("bulk limit", str(len(rows))))
        good, bad = [], []
        for row in rows[:limit]:
            try:
                with self._state.transaction():
                    record, created = self._one(job, sobject, row)
                good.append({"sf__Id": record, "sf__Created": str(created).lower(), **row})
            except ApiError as error:
                fields = ",".join(error.fields) or "--"
                bad.append({"sf__Id": "", "sf__Error": f"{error.code}:{error.message}:{fields}", **row})
        self._keep(job["id"], "successfulresults", ["sf__Id", "sf__Created", *header], good)
        self._keep(job["id"], "failedresults", ["sf__Id", "sf__Error", *header], bad)
        self._keep(job["id"], "unprocessedrecords", header, rows[limit:])
        is_whole = limit >= len(rows)
        job |= {"state": "JobComplete" if is_whole else "Failed", "numberRecordsFailed": len(bad)}
        job["numberRecordsProcessed"] = len(good) + len(bad)
        if not is_whole:
            job["errorMessage"] = "LimitExceeded : the organisation's limit was reached"

    def _one(self, job: Row, sobject: SObject, row: dict[str, str]) -> tuple[str, bool]:
        values = {name: _read(sobject.field(name), text) for name, text in row.items() if text != ""}
        record = str(values.pop("Id", ""))
        match job["operation"]:
            case "insert":
                return self._records.create(sobject, values), True
            case "update":
                self._records.update(sobject, record, values)
                return record, False
            case "delete":
                self._records.delete(sobject, record)
                return record, False
            case _:
                key = job["externalIdFieldName"]
                value = record if key == "Id" else values.pop(key, None)
                return self._records.upsert(sobject, key, value, values)

    def _keep(self, job: str, kind: str, header: list[str], rows: list[Any]) -> None:
        content = _csv(header, rows)
        self._state.rows("INSERT OR REPLACE INTO _results VALUES (?, ?, ?)", (job, kind, content))


class Export:
    """`jobs/query`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, request: Request) -> Answer:
        """A job whose results are there at once."""
        asked = request.json()
        query = parse(asked.get("query", ""))
        ids = select(self._state, query, deleted=asked.get("operation") == "queryAll")
        job = {
            "id": self._state.new_id("750"),
            "operation": asked.get("operation", "query"),
            "object": query.sobject.name,
            "state": "JobComplete",
            "columnDelimiter": asked.get("columnDelimiter", "COMMA"),
            "lineEnding": "LF",
            "numberRecordsProcessed": len(ids),
        }
        self._state.save_job({**job, "ids": ids, "fields": [field.name for field in query.fields]}, "query")
        return said(job)

    def info(self, job: str) -> Answer:
        """The state of a job."""
        found = self._job(job)
        return said({name: value for name, value in found.items() if name not in ("ids", "fields")})

    def results(self, job: str, request: Request) -> Answer:
        """A page of results; `Sforce-Locator` names the next, or is `null`."""
        found = self._job(job)
        start, size = int(request.query.get("locator") or 0), int(request.query.get("maxRecords") or 50_000)
        sobject = OBJECTS[found["object"]]
        fields = tuple(sobject.fields[name] for name in found["fields"])
        rows = records(self._state, sobject, fields, found["ids"][start : start + size])
        end = start + size
        table = [{field.name: _written(field, row[field.name]) for field in fields} for row in rows]
        content = _csv(found["fields"], table)
        locator = str(end) if end < len(found["ids"]) else "null"
        headers = {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(len(rows))}
        return Answer(200, content, "text/csv", headers)

    def delete(self, job: str) -> Answer:
        """Forget a job."""
        self._job(job)
        self._state.rows("DELETE FROM _jobs WHERE id = ?", (job,))
        return nothing()

    def _job(self, job: str) -> Row:
        found = self._state.job(job, "query")
        if found is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return found


def _read(field: Field | None, text: str) -> Any:
    if text == NULL:
        return None
    if field is not None and field.type == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text


def _written(field: Field, value: Any) -> Any:
    return str(bool(value)).lower() if field.type == "boolean" and value is not None else value


def _csv(header: list[str], rows: list[Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()

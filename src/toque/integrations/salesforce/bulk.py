"""Bulk API 2.0: CSV that keeps line ends within values, and the outcome of every row: accepted, failed, unprocessed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from toque.errors import TransientError
from toque.integrations.patience import Unanswered
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.session import Busy

Operation = Literal["insert", "update", "upsert", "delete"]

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
UPLOAD_BYTES = 90_000_000
"""Salesforce takes 150 MB after base64, which is 100 MB of CSV; a margin is left."""
NULL = "#N/A"
"""Empties a field; an empty value would leave it as it is."""


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended. `JobComplete` may hold failures, and `Failed` accepted rows."""

    state: str
    message: str
    accepted: list[dict[str, str]]
    failed: list[dict[str, str]]
    unprocessed: list[dict[str, str]]


class Bulk:
    """Jobs of one organisation."""

    def __init__(self, client: SalesforceClient, *, pause_s: float = 2.0) -> None:
        self._client = client
        self._pause_s = pause_s

    def create(self, name: str, operation: Operation, external_id: str = "") -> str:
        """A job that is open for an upload. Repeating an unanswered request leaves an empty job behind, no more."""
        asked = {"object": name, "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
        if operation == "upsert":
            asked["externalIdFieldName"] = external_id
        return str(self._client.json("POST", "jobs/ingest", json=asked)["id"])

    def upload(self, job: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Give a job its rows and have it begin. Raises `Refused`, and `Busy` when surely nothing will be done."""
        headers = {"Content-Type": "text/csv; charset=UTF-8"}
        path = f"jobs/ingest/{job}/batches"
        try:
            self._client.request("PUT", path, data=written(rows), headers=headers, is_repeatable=False)
        except Unanswered as error:
            # Half of a table, or all of it twice, is worse than none: the job never begins.
            self.abort(job)
            raise Busy(f"the upload of the job {job} broke off, and it was aborted: {error}") from error
        self.begin(job)

    def begin(self, job: str) -> None:
        """Have a job work off what it was given."""
        close: dict[str, Any] = {"json": {"state": "UploadComplete"}, "is_repeatable": False}
        try:
            self._client.request("PATCH", f"jobs/ingest/{job}", **close)
        except Unanswered:
            if self.state(job)["state"] == "Open":
                self._client.request("PATCH", f"jobs/ingest/{job}", **close)

    def state(self, job: str) -> dict[str, Any]:
        """What Salesforce tells of a job."""
        found: dict[str, Any] = self._client.json("GET", f"jobs/ingest/{job}")
        return found

    def abort(self, job: str) -> None:
        """Have a job that is open take nothing any more."""
        self._client.request("PATCH", f"jobs/ingest/{job}", json={"state": "Aborted"})

    def settle(self, job: str) -> None:
        """Return when a job does nothing any more: one that is open is aborted."""
        if self.state(job)["state"] == "Open":
            self.abort(job)
        self._ended("jobs/ingest", job)

    def outcome(self, job: str) -> JobOutcome:
        """Wait until a job has ended, and fetch what became of each row."""
        info = self._ended("jobs/ingest", job)
        tables = [
            list(read(self._client.request("GET", f"jobs/ingest/{job}/{kind}").content.decode()))
            for kind in ("successfulResults", "failedResults", "unprocessedrecords")
        ]
        return JobOutcome(info["state"], info.get("errorMessage", ""), *tables)

    def export(self, soql: str, *, deleted: bool = False, size: int = 50_000) -> Iterator[list[dict[str, str]]]:
        """The records of a query as text, page by page."""
        asked = {"operation": "queryAll" if deleted else "query", "query": soql}
        job = str(self._client.json("POST", "jobs/query", json=asked)["id"])
        info = self._ended("jobs/query", job)
        if info["state"] != "JobComplete":
            raise TransientError(f"the export {job} ended as {info['state']}: {info.get('errorMessage', '')}")
        locator = ""
        while locator != "null":
            params = {"maxRecords": size, **({"locator": locator} if locator else {})}
            answer = self._client.request("GET", f"jobs/query/{job}/results", params=params)
            yield list(read(answer.content.decode()))
            locator = answer.headers.get("Sforce-Locator", "null")

    def _ended(self, kind: str, job: str) -> dict[str, Any]:
        pause = self._pause_s
        while True:
            info: dict[str, Any] = self._client.json("GET", f"{kind}/{job}")
            if info["state"] in ENDED:
                return info
            self._client.patience.sleep(pause)
            pause = min(pause * 1.5, 30.0)


def written(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV, with every column that any of them has."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    # A lone carriage return, which ends no line here, would be written bare otherwise, and read as the end of one.
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    # A column that a row lacks stays empty: its field is left as it is.
    writer.writerows([_cell(row[name]) if name in row else "" for name in header] for row in rows)
    return text.getvalue().encode()


def read(text: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV text. It is never cut at line ends: values may hold some."""
    return iter(csv.DictReader(io.StringIO(text, newline="")))


def parts(
    rows: Sequence[Mapping[str, Any]], limit: int = UPLOAD_BYTES, size: Callable[[bytes], int] = len
) -> Iterator[list[Mapping[str, Any]]]:
    """Rows in pieces whose CSV is below the limit of an upload."""
    pending: list[list[Mapping[str, Any]]] = [list(rows)] if rows else []
    while pending:
        part = pending.pop(0)
        if size(written(part)) <= limit or len(part) == 1:
            yield part
        else:
            half = len(part) // 2
            pending[:0] = [part[:half], part[half:]]


def _cell(value: Any) -> str:
    if value is None or value == "":
        return NULL
    return str(value).lower() if isinstance(value, bool) else str(value)

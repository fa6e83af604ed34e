"""An HTTP API as a destination: a request for each record, or one for many that answers for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from toque.errors import DataError, UserError
from toque.integrations.http.client import HttpClient, Refused
from toque.integrations.http.paging import dig
from toque.ports.destinations import Operation, Record, Result

_PLACE = re.compile(r"\{(\w+)\}")
_GONE = (404, 410)


def _refuse(value: Any) -> Any:
    raise TypeError(f"JSON has no {type(value).__name__}")


_JSON = msgspec.json.Encoder(enc_hook=_refuse, decimal_format="number")


class Call(msgspec.Struct, frozen=True):
    """How one operation is asked for."""

    method: str
    path: str
    """`{field}` stands for a value of the record's key: `/people/{id}`."""
    body: Literal["values", "fields", "none"] = "values"
    """`values`: key and fields; `fields`: without the key."""
    id: str = "id"
    """Dotted path of the record's id in the answer."""


class Many(msgspec.Struct, frozen=True):
    """How many records are sent by one request."""

    method: str
    path: str
    records: str = "records"
    """Field of the body that holds the list; "" when the body is the list."""
    results: str = "results"
    """Dotted path of the list in the answer, one entry for each record, in their order."""
    ok: str = "ok"
    """Dotted path of a boolean in an entry."""
    reason: str = "error"
    id: str = "id"
    size: int = 100


class HttpRecords:
    """Records of an API. An operation without a call is refused before anything is sent."""

    def __init__(self, client: HttpClient, name: str, calls: Mapping[Operation, Call | Many]) -> None:
        self._client = client
        self._calls = dict(calls)
        sizes = [call.size if isinstance(call, Many) else 1 for call in calls.values()]
        self.name = name
        self.batch_size = min(sizes, default=1)

    def expect(self, operations: Sequence[Operation], key: Sequence[str], fields: Sequence[str]) -> None:
        """Raises `UserError` when a call is missing, or names what is no key."""
        for operation in operations:
            if operation not in self._calls:
                raise UserError(f"{self.name} has no call for {operation!r}", fix=f"calls={{{operation!r}: Call(…)}}")
            call = self._calls[operation]
            unknown = [name for name in _PLACE.findall(call.path) if name not in key]
            if unknown:
                raise UserError(f"{self.name}: {unknown[0]!r} in {call.path} is no field of the key")

    def fault(self, operation: Operation, record: Record) -> str:
        """Values that no JSON holds."""
        try:
            _JSON.encode(record.values)
        except (TypeError, ValueError) as error:
            return str(error)
        return ""

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        """One result for each record."""
        call = self._calls[operation]
        if isinstance(call, Many):
            return self._together(call, records)
        (record,) = records
        return [self._alone(operation, call, record)]

    def _alone(self, operation: Operation, call: Call, record: Record) -> Result:
        content = {"values": record.values, "fields": record.fields, "none": None}[call.body]
        try:
            answer = self._ask(call, record.key, content)
        except Refused as refused:
            if operation == "delete" and refused.status in _GONE:
                return Result(reason="it was gone already")
            if refused.status in (401, 403):
                raise
            return Result(accepted=False, reason=f"{refused.status} {refused.content}".strip())
        try:
            found = dig(answer.json(), call.id)
        except ValueError:
            found = None
        return Result(id="" if found is None else str(found))

    def _together(self, call: Many, records: Sequence[Record]) -> list[Result]:
        rows = [record.values for record in records]
        answer = self._ask(call, {}, {call.records: rows} if call.records else rows)
        try:
            results = dig(answer.json(), call.results)
        except ValueError as error:
            raise DataError(f"{self.name}: the answer is no JSON: {answer.text[:200]!r}") from error
        if not isinstance(results, list) or len(results) != len(records):
            raise DataError(f"{self.name}: the answer holds no list of {len(records)} results under {call.results!r}")
        return [
            Result(
                accepted=bool(dig(each, call.ok)),
                reason=str(dig(each, call.reason) or ""),
                id=str(dig(each, call.id) or ""),
            )
            for each in results
        ]

    def _ask(self, call: Call | Many, key: Mapping[str, Any], content: Any) -> Any:
        path = _PLACE.sub(lambda hit: quote(str(key[hit[1]]), safe=""), call.path)
        more: dict[str, Any] = {}
        if content is not None:
            more["content"] = _JSON.encode(content)
            more["headers"] = {"Content-Type": "application/json"}
        # Not again from here: the log has to show each try, so the sync itself repeats what may be repeated.
        return self._client.request(call.method, path, is_repeatable=False, **more)

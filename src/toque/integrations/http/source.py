"""Records of an HTTP API as a `Source`: all of them each time, or what changed since a cursor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from toque.errors import DataError
from toque.integrations.http.client import HttpClient
from toque.integrations.http.paging import Answer, AnyPaging, OnePage, dig
from toque.ports.sources import Batch

if TYPE_CHECKING:
    import pyarrow as pa

Kind: TypeAlias = Literal["text", "int64", "float64", "bool", "date", "timestamptz", "json"]


class Increment(msgspec.Struct, frozen=True):
    """How to ask for what changed. `{cursor}` in a parameter or in the path stands for the cursor."""

    field: str
    """Of a record: its highest value is the next cursor, compared as text or as a number."""
    start: str
    """The cursor before there is one."""
    is_sorted: bool = False
    """The API gives records in the order of the field: then each page counts at once, else all of them at the end."""


class RestSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask, and how to read the answer."""

    path: str
    params: dict[str, str] = {}
    records: str = ""
    """Dotted path of the list in an answer; "" when the answer is the list."""
    paging: AnyPaging = OnePage()
    increment: Increment | None = None
    columns: dict[str, Kind] = {}
    """The columns and their types; a name may be a dotted path. {} takes what the records have, typed by their JSON."""
    deleted: str = ""
    """A field that says whether the record was deleted."""


class RestSource:
    """One list of an API. `name` keeps its cursor apart from all others: `shop.orders`."""

    def __init__(self, client: HttpClient, name: str, spec: RestSpec) -> None:
        self._client = client
        self._name = name
        self._spec = spec

    @property
    def name(self) -> str:
        """Under which cursors are kept."""
        return self._name

    def read(self, cursor: str) -> Iterator[Batch]:
        """One batch a page. Raises `DataError` for an answer that is not what was agreed."""
        increment = self._spec.increment
        waiting: list[dict[str, Any]] | None = None
        since = highest = cursor
        for records in self._pages(cursor or (increment.start if increment else "")):
            if not records:
                continue
            if waiting is not None:
                highest = self._highest(highest, waiting)
                is_complete = increment is not None and increment.is_sorted
                yield self._batch(waiting, since, highest, is_complete=is_complete)
                since = highest if is_complete else since
            waiting = records
        if waiting is not None:
            yield self._batch(waiting, since, self._highest(highest, waiting), is_complete=True)

    def confirm(self, cursor: str) -> None:
        """Nothing to do: the server keeps no position for us."""

    def _pages(self, cursor: str) -> Iterator[list[dict[str, Any]]]:
        path = self._spec.path.replace("{cursor}", cursor)
        params = {name: value.replace("{cursor}", cursor) for name, value in self._spec.params.items()}
        address, asked = path, {**params, **self._spec.paging.first()}
        while True:
            given: dict[str, Any] = {"params": asked} if asked else {}
            answer = self._client.request("GET", address, **given)
            content = self._content(answer)
            records = dig(content, self._spec.records)
            if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
                where = f"under {self._spec.records!r}" if self._spec.records else "as a whole"
                raise DataError(f"{self._name}: the answer of {answer.url} holds no list of records {where}")
            yield records
            last = records[-1] if records else None
            page = self._spec.paging.after(Answer(content, answer.headers, len(records), last), asked)
            if page is None:
                return
            if page == (address, asked):
                raise DataError(f"{self._name}: the page {answer.url} names itself as the next one")
            address, asked = page[0] or path, page[1]

    def _content(self, answer: Any) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise DataError(f"{self._name}: the answer of {answer.url} is no JSON: {answer.text[:200]!r}") from error

    def _highest(self, cursor: str, records: Sequence[Mapping[str, Any]]) -> str:
        if self._spec.increment is None:
            return cursor
        found = [dig(record, self._spec.increment.field) for record in records]
        values = [each for each in found if each is not None]
        if not values:
            return cursor
        if all(isinstance(each, int | float) for each in values):
            return str(max([*values, *([_number(cursor)] if cursor else [])]))
        return max([*map(str, values), *([cursor] if cursor else [])])

    def _batch(self, records: list[dict[str, Any]], since: str, upto: str, *, is_complete: bool) -> Batch:
        import pyarrow as pa

        deleted = None
        if self._spec.deleted:
            flags = [bool(dig(record, self._spec.deleted)) for record in records]
            deleted = pa.array(flags) if any(flags) else None
        return Batch(
            rows=self._table(records),
            since=since,
            upto=upto,
            deleted=deleted,
            is_complete=is_complete,
            may_repeat=self._spec.increment is not None,
        )

    def _table(self, records: list[dict[str, Any]]) -> pa.Table:
        import pyarrow as pa

        if not self._spec.columns:
            names = list(dict.fromkeys(name for record in records for name in record))
            try:
                return pa.table({name: [record.get(name) for record in records] for name in names})
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                raise DataError(f"{self._name}: a field has values of two types: {error}", sample=records) from error
        kinds = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "date": pa.date32()}
        kinds |= {"timestamptz": pa.timestamp("us", "UTC")}
        columns = {}
        for name, kind in self._spec.columns.items():
            try:
                values = [_typed(dig(record, name), kind) for record in records]
            except (ValueError, TypeError, ArithmeticError) as error:
                raise DataError(f"{self._name}: {name} is no {kind}: {error}", sample=records) from error
            columns[name] = pa.array(values, kinds.get(kind, pa.string()))
        return pa.table(columns)


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _typed(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    match kind:
        case "text":
            return value if isinstance(value, str) else json.dumps(value)
        case "json":
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
        case "int64":
            exact = Decimal(str(value))
            if isinstance(value, bool) or exact != exact.to_integral_value():
                raise TypeError(f"{value!r}")
            return int(exact)
        case "float64":
            if isinstance(value, bool):
                raise TypeError(f"{value!r}")
            return float(value)
        case "bool":
            if not isinstance(value, bool):
                raise TypeError(f"{value!r}")
            return value
        case "date":
            return date.fromisoformat(value)
        case "timestamptz":
            return _moment(value)


def _moment(value: Any) -> datetime:
    """ISO 8601, or seconds since 1970. Without a zone it is UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

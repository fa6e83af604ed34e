"""What changed in an object of Salesforce since a cursor: a `Source`.

The cursor is the highest `SystemModstamp` that was read. Two records may share a stamp, and a long transaction shows
its records with a stamp that has passed meanwhile: so a read begins at the cursor less a lag, and repeats rows, which
the load recognises by their stamp. Deleted records come with the others, as long as the recycle bin holds them, and
from Salesforce's own log of deletes after that. What neither tells is a gap, and said.

A formula field has no stamp of its own: its new value arrives when the record next changes for another reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from toque.errors import DataError, UserError
from toque.integrations.salesforce.bulk import Bulk
from toque.integrations.salesforce.client import SalesforceClient
from toque.integrations.salesforce.session import Refused
from toque.integrations.salesforce.values import instant, readable, soql_instant, table
from toque.ports.sources import Batch

STAMP = "SystemModstamp"
_ADDRESS = 12_000
"""A query of REST stands in an address, of which Salesforce takes 16,000 characters: objects may have 800 fields."""
_ALWAYS = ("Id", "IsDeleted", STAMP)


class Gap(DataError):
    """Records may have been deleted for good without a trace that is left: a full refresh puts the copy right."""


class ChangesSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to read of an object, and how."""

    object: str
    fields: tuple[str, ...] = ()
    """() reads all that can be columns."""
    lag_s: float = 600.0
    """How far behind the cursor a read begins: longer than any transaction of the organisation."""
    bulk_from: int = 50_000
    """From so many records on they come by Bulk API 2.0, which spends fewer calls."""
    on_gap: Literal["fail", "ignore"] = "fail"


class SalesforceChanges:
    """The changes of one object. `name` keeps its cursor apart from all others: `crm.Contact`."""

    def __init__(self, client: SalesforceClient, name: str, spec: ChangesSpec) -> None:
        self._client = client
        self._name = name
        self._spec = spec

    @property
    def name(self) -> str:
        """Under which cursors are kept."""
        return self._name

    def read(self, cursor: str) -> Iterator[Batch]:
        """What changed since `cursor`; one batch for each page, each of which can be committed alone."""
        described = self._client.fields(self._spec.object)
        names = self._names(described)
        start = instant(cursor) - timedelta(seconds=self._spec.lag_s) if cursor else None
        deletions = self._deletions(cursor, start) if start else []
        known: set[str] = set()
        since = cursor
        for records in self._pages(names, start):
            if not records:
                continue
            known.update(record["Id"] for record in records if _is_true(record["IsDeleted"]))
            # Behind the cursor at first, where the lag repeats: a cursor never goes back.
            upto = max(since, soql_instant(instant(records[-1][STAMP])))
            yield self._batch(records, (since, upto), described, names)
            since = upto
        gone = [each for each in deletions if each["id"] not in known]
        if gone:
            rows = [{"Id": each["id"], "IsDeleted": True, STAMP: each["deletedDate"]} for each in gone]
            yield self._batch(rows, (since, since), described, names)

    def confirm(self, cursor: str) -> None:
        """Nothing to do: Salesforce keeps no position for us."""

    def _names(self, described: dict[str, dict[str, Any]]) -> list[str]:
        wanted = self._spec.fields or tuple(readable(described))
        unknown = [name for name in wanted if name not in described]
        if unknown:
            raise UserError(f"{self._spec.object} of Salesforce has no field {unknown[0]!r}")
        missing = [name for name in _ALWAYS if name not in described]
        if missing:
            raise UserError(f"{self._spec.object} has no {missing[0]}: changes of it cannot be told")
        return list(dict.fromkeys((*_ALWAYS, *wanted)))

    def _pages(self, names: list[str], start: datetime | None) -> Iterator[list[dict[str, Any]]]:
        """Pages in the order of their stamps. A query whose pages are forgotten begins anew where it stopped."""
        soql = self._soql(names, start)
        count = self._client.count(self._soql(["COUNT()"], start, order=False), deleted=True)
        if count >= self._spec.bulk_from or len(soql) > _ADDRESS:
            yield from Bulk(self._client).export(soql, deleted=True)
            return
        while True:
            try:
                for records in self._client.pages(self._soql(names, start), deleted=True):
                    yield records
                    start = instant(records[-1][STAMP]) if records else start
                return
            except Refused as error:
                if error.code != "INVALID_QUERY_LOCATOR":
                    raise

    def _soql(self, names: list[str], start: datetime | None, *, order: bool = True) -> str:
        where = f" WHERE {STAMP} >= {soql_instant(start)}" if start else ""
        ordered = f" ORDER BY {STAMP}, Id" if order else ""
        return f"SELECT {', '.join(names)} FROM {self._spec.object}{where}{ordered}"

    def _deletions(self, cursor: str, start: datetime) -> list[dict[str, Any]]:
        """Salesforce's log of deletes. Raises `Gap` if it does not reach back to the cursor."""
        # The span must be a minute at least, and must not end in the future of the organisation by more than that.
        end = max(datetime.now(UTC), start + timedelta(minutes=1))
        params = {"start": _iso(start), "end": _iso(end)}
        try:
            told = self._client.json("GET", f"sobjects/{self._spec.object}/deleted", params=params)
        except Refused as error:
            if error.status not in (400, 404, 405):
                raise
            return self._gap(cursor, f"Salesforce does not tell deletes since then ({error.code})")
        if instant(told["earliestDateAvailable"]) > instant(cursor):
            self._gap(cursor, f"Salesforce's log of deletes begins at {told['earliestDateAvailable']}")
        deleted: list[dict[str, Any]] = told["deletedRecords"]
        return deleted

    def _gap(self, cursor: str, why: str) -> list[dict[str, Any]]:
        if self._spec.on_gap == "ignore":
            return []
        raise Gap(
            f"{self._name} was read up to {cursor}, but {why}: records may be gone without a trace. Load it by"
            " mode=Replace() once, or set on_gap='ignore' if deletes do not matter."
        )

    def _batch(
        self, records: list[dict[str, Any]], span: tuple[str, str], described: dict[str, Any], names: list[str]
    ) -> Batch:
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = table(records, described, names)
        deleted = pc.fill_null(rows["IsDeleted"], fill_value=False).combine_chunks()
        return Batch(
            rows=rows,
            since=span[0],
            upto=span[1],
            deleted=deleted if pc.any(deleted).as_py() else None,
            order=rows[STAMP].cast(pa.int64()).combine_chunks(),
            may_repeat=True,
        )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _is_true(value: Any) -> bool:
    return value is True or value == "true"

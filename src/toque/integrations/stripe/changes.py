"""What changed in the objects of Stripe: a `Source`.

Stripe stamps no object with the time of its last change. So the first read lists everything, and later ones follow
Stripe's events, each of which holds the object as it was then. Events are kept for 30 days: a cursor that is older is a
gap, and everything is listed again. An event may be shown late and two may share a second, so a read begins at the
cursor less a lag, and repeats rows, which the load recognises by their order.

A list does not know what the events after its beginning say: its cursor is the moment before its first page. A cursor
in the middle of a list names the last object too, so that a reader that was killed goes on from there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from toque.errors import DataError, UserError
from toque.integrations.stripe.client import Page, Record, StripeClient
from toque.integrations.stripe.objects import DELETABLE, EVENTS, LISTED, OBJECTS, table
from toque.ports.sources import Batch

KEPT_S = 30 * 86_400
"""So long Stripe keeps its events."""


class Gap(DataError):
    """Objects may have changed without an event that is left: a full refresh puts the copy right."""


class StripeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to read, and how."""

    object: str
    """`customers`, `charges`, `subscriptions`, `invoices`, …: what stands in Stripe's addresses."""
    lag_s: int = 300
    """How far behind the cursor a read begins."""
    page: int = 100
    """Objects at a time; Stripe gives at most 100."""
    on_gap: Literal["list", "fail"] = "list"
    """A cursor older than Stripe's events: list everything again, or fail."""


class _Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    since_s: int = 0
    """Everything that changed before is known."""
    after: str = ""
    """In the middle of a list: the last object of it that is known."""


class StripeChanges:
    """The changes of one kind of object. `name` keeps its cursor apart from all others: `billing.customers`."""

    def __init__(self, client: StripeClient, name: str, spec: StripeSpec) -> None:
        if spec.object not in OBJECTS:
            raise UserError(f"{spec.object!r} of Stripe cannot be read yet", fix=f"one of {', '.join(sorted(OBJECTS))}")
        self._client = client
        self._name = name
        self._spec = spec

    @property
    def name(self) -> str:
        """Under which cursors are kept."""
        return self._name

    def read(self, cursor: str) -> Iterator[Batch]:
        """What changed since `cursor`; one batch for each page, each of which can be committed alone."""
        if not cursor:
            yield from self._listed(_Cursor())
            return
        known = self._parsed(cursor)
        if known.after:
            yield from self._listed(known)
            return
        now_s = self._client.page("events", limit=1).at_s
        if known.since_s < now_s - KEPT_S + self._spec.lag_s:
            if self._spec.on_gap == "fail":
                raise Gap(f"{self._name} was read up to {cursor}, and Stripe keeps its events for 30 days only")
            yield from self._everything(cursor)
            return
        yield from self._followed(known, cursor)

    def confirm(self, cursor: str) -> None:
        """Nothing to do: Stripe keeps no position for us."""

    def _listed(self, known: _Cursor) -> Iterator[Batch]:
        """All objects, from where an earlier read stopped. What changed meanwhile, the events tell."""
        since = _text(known) if known.after else ""
        begun_s = known.since_s
        for page in self._pages(self._spec.object, known.after, **LISTED.get(self._spec.object, {})):
            begun_s = begun_s or page.at_s
            reached = _text(_Cursor(begun_s, page.records[-1]["id"] if page.has_more else ""))
            # Of the beginning, not of now: an event after it is newer, whatever the list shows already.
            yield self._batch(page.records, [begun_s] * len(page.records), since, reached)
            since = reached

    def _everything(self, cursor: str) -> Iterator[Batch]:
        """All objects as one range: what is not among them was deleted."""
        begun_s = 0
        for page in self._pages(self._spec.object, "", **LISTED.get(self._spec.object, {})):
            begun_s = begun_s or page.at_s
            orders = [begun_s] * len(page.records)
            batch = self._batch(page.records, orders, cursor, _text(_Cursor(begun_s)))
            yield dataclasses.replace(batch, is_everything=True, is_complete=not page.has_more)

    def _followed(self, known: _Cursor, cursor: str) -> Iterator[Batch]:
        """The newest event of each object since. Stripe gives the newest first, so all are asked for before one is
        told; of each object only the newest is kept."""
        wanted = {"type": f"{EVENTS[self._spec.object]}.*", "created": {"gte": known.since_s - self._spec.lag_s}}
        newest: dict[str, Record] = {}
        for page in self._pages("events", "", **wanted):
            for event in page.records:
                subject = event["data"]["object"]
                if subject["object"] == OBJECTS[self._spec.object]:
                    newest.setdefault(subject["id"], event)
        if not newest:
            return
        events = sorted(newest.values(), key=lambda event: event["created"])
        upto = _text(_Cursor(max(known.since_s, events[-1]["created"])))
        yield self._batch(
            [event["data"]["object"] for event in events],
            [event["created"] for event in events],
            cursor,
            upto,
            [self._spec.object in DELETABLE and event["type"].endswith(".deleted") for event in events],
        )

    def _pages(self, path: str, after: str, **params: Any) -> Iterator[Page]:
        """Pages of a list, none of them empty."""
        while True:
            start = {"starting_after": after} if after else {}
            page = self._client.page(path, limit=self._spec.page, **params, **start)
            if not page.records:
                return
            yield page
            if not page.has_more:
                return
            after = page.records[-1]["id"]

    def _batch(
        self, records: list[Record], orders: list[int], since: str, upto: str, deleted: list[bool] | None = None
    ) -> Batch:
        import pyarrow as pa

        return Batch(
            rows=table(self._spec.object, records),
            since=since,
            upto=upto,
            deleted=pa.array(deleted) if deleted and any(deleted) else None,
            order=pa.array(orders, pa.int64()),
            changed_at=pa.array([each * 1_000_000 for each in orders], pa.timestamp("us", "UTC")),
            may_repeat=True,
        )

    def _parsed(self, cursor: str) -> _Cursor:
        try:
            return msgspec.json.decode(cursor, type=_Cursor)
        except msgspec.MsgspecError as error:
            raise DataError(f"{self._name}: {cursor!r} is no cursor of Stripe's objects: {error}") from error


def _text(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()

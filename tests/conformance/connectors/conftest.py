"""Connectors under test: each reads what stands in a sandbox, which does to it what networks and vendors do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.conformance.connectors.reading import CONTACTS, CUSTOMERS, open_source
from tests.salesforce import Crm
from toque.ports.sources import Batch, Source

if TYPE_CHECKING:
    from tests.billing import Billing


class Connector(Protocol):
    """A source and the system it reads from."""

    kind: str
    options: dict[str, Any]
    source: Source
    page: str
    """What requests for a page look like."""
    key: str
    label: str
    """The column that holds what `add` gave."""

    def add(self, count: int) -> list[str]:
        """New records, one a second; their labels."""
        ...

    def remove_one(self) -> str:
        """Some record, a second later; its key."""
        ...

    def arm(self, kind: str, match: str, **more: Any) -> None:
        """The next requests that match meet this."""
        ...


class Contacts:
    """Of the sandbox of Salesforce."""

    page = "GET .*query"
    key, label = CONTACTS

    def __init__(self, crm: Crm, kind: str) -> None:
        self.kind = kind
        self.options = crm.options if kind == "salesforce" else crm.client_options
        self.source: Source
        self._crm = crm
        self.arm = crm.arm

    def add(self, count: int) -> list[str]:
        added = []
        for _ in range(count):
            self._crm.clock.forward()
            added.append(f"n{len(self._crm.all(by='Id')):03}")
            self._crm.add(LastName=added[-1])
        return added

    def remove_one(self) -> str:
        gone = next(iter(self._crm.all(by="Id")))
        self._crm.clock.forward()
        self._crm.remove(gone)
        return gone


class Customers:
    """Of localstripe."""

    page = "GET /v1/customers"
    key, label = CUSTOMERS

    def __init__(self, billing: Billing, kind: str) -> None:
        self.kind = kind
        self.options = billing.options
        self.source: Source
        self._billing = billing
        self._made: dict[str, str] = {}
        self.arm = billing.arm

    def add(self, count: int) -> list[str]:
        added = [f"n{len(self._made) + n:03}" for n in range(count)]
        self._made |= {self._billing.customer(name): name for name in added}
        return added

    def remove_one(self) -> str:
        gone = next(iter(self._made))
        self._billing.remove("customer", gone)
        return gone


def told(connector: Connector, batches: list[Batch]) -> list[str]:
    """The labels of the records of all batches, in order."""
    return [label for batch in batches for label in batch.rows[connector.label].to_pylist()]


@pytest.fixture(params=["salesforce", "http", "stripe"])
def connector(request: pytest.FixtureRequest, naps: list[float]) -> Iterator[Connector]:
    made: Connector
    if request.param == "stripe":
        made = Customers(request.getfixturevalue("billing"), request.param)
    else:
        made = Contacts(request.getfixturevalue("crm"), request.param)
    with open_source(request.param, made.options, naps.append) as source:
        made.source = source
        yield made

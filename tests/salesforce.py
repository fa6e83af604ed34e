"""The sandbox of Salesforce for tests: one certificate for each test process, a fresh organisation for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.salesforce.application import Sandbox
from sandbox.salesforce.faults import Fault
from sandbox.salesforce.login import CLIENT, PASSWORD, SECRET, TOKEN, USER
from sandbox.salesforce.schema import OBJECTS
from sandbox.salesforce.server import SandboxServer
from toque.integrations.patience import Patience
from toque.integrations.salesforce.client import SalesforceClient


class Ticks:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float = 1) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Crm:
    """A running organisation and ways to look at it from behind."""

    server: SandboxServer
    clock: Ticks

    @property
    def sandbox(self) -> Sandbox:
        return self.server.sandbox

    @property
    def options(self) -> dict[str, Any]:
        """Of a connection of type `salesforce`."""
        return {
            "url": self.server.url,
            "username": USER,
            "password": PASSWORD,
            "security_token": TOKEN,
            "ca_file": str(self.server.authority),
        }

    @property
    def client_options(self) -> dict[str, Any]:
        """Of a connection that logs in without a user."""
        names = {"url": self.server.url, "ca_file": str(self.server.authority)}
        return {**names, "client_id": CLIENT, "client_secret": SECRET}

    def add(self, name: str = "Contact", /, **values: Any) -> str:
        """A record, without HTTP."""
        return self.sandbox.records.create(OBJECTS[name], values)

    def change(self, record: str, name: str = "Contact", /, **values: Any) -> None:
        self.sandbox.records.update(OBJECTS[name], record, values)

    def remove(self, record: str, name: str = "Contact") -> None:
        self.sandbox.records.delete(OBJECTS[name], record)

    def all(self, name: str = "Contact", *, by: str = "Product_User_Id__c") -> dict[str, dict[str, Any]]:
        """The records that are not deleted, by a field."""
        rows = self.sandbox.state.rows(f'SELECT * FROM "{name}" WHERE NOT IsDeleted')
        return {str(row[by]): row for row in rows}

    def arm(self, kind: Any, match: str = "", **more: Any) -> None:
        self.sandbox.faults.arm(Fault(kind, match, **more))

    def calls(self, match: str) -> list[str]:
        """Requests that contain a text."""
        return [line for line in self.sandbox.log if match in line]


@pytest.fixture(scope="session")
def crm_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that keeps the certificate of the sandboxes."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture
def crm(crm_certificate: Path, tmp_path: Path) -> Iterator[Crm]:
    """An empty organisation whose pages hold five records."""
    clock = Ticks()
    server = SandboxServer(Sandbox(tmp_path / "crm.db", now=clock, page=5), crm_certificate).start()
    yield Crm(server, clock)
    server.close()


@pytest.fixture
def naps() -> list[float]:
    """The pauses that `client` made."""
    return []


@pytest.fixture
def client(crm: Crm, naps: list[float]) -> Iterator[SalesforceClient]:
    """Of the organisation; it waits without taking time."""
    with SalesforceClient(crm.options, Patience(sleep=naps.append)) as opened:
        yield opened

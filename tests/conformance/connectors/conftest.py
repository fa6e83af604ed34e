"""Connectors under test: each reads the same contacts of the sandbox, which does to it what networks and vendors do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.connectors.reading import KINDS, open_source
from tests.salesforce import Crm
from toque.ports.sources import Batch, Source


@dataclass
class Connector:
    """A source and the system it reads from."""

    kind: str
    crm: Crm
    source: Source
    naps: list[float]
    """The pauses that it made."""

    @property
    def given(self) -> dict[str, Any]:
        """How another process opens the same source."""
        options = self.crm.options if self.kind == "salesforce" else self.crm.client_options
        return {"kind": self.kind, "options": options}

    def add(self, count: int) -> list[str]:
        """New records, one a second."""
        names = []
        for _ in range(count):
            self.crm.clock.forward()
            names.append(f"n{len(self.crm.all(by='Id')):03}")
            self.crm.add(LastName=names[-1])
        return names


def names(batches: list[Batch]) -> list[str]:
    """Of the records of all batches, in order."""
    return [name for batch in batches for name in batch.rows["LastName"].to_pylist()]


@pytest.fixture(params=KINDS)
def connector(request: pytest.FixtureRequest, crm: Crm, naps: list[float]) -> Iterator[Connector]:
    options = crm.options if request.param == "salesforce" else crm.client_options
    with open_source(request.param, options, naps.append) as source:
        yield Connector(request.param, crm, source, naps)

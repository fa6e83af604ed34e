"""Loads that die at a chosen step: in this process by an exception, or as a process by `kill -9`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.load_model import Change, batch_of
from toque.graph.loads import LoadSpec, Merge, TableName
from toque.integrations.loading import load
from toque.ports.sources import Batch
from toque.ports.warehouse import Session, Warehouse

SPEC = LoadSpec(table=TableName.parse("raw.contact"), mode=Merge("Id"))
GIVEN = [
    [Change("a", 1, 0, 1), Change("b", 1, 0, 2), Change("c", 1, 0, 3)],
    [Change("b", 2, 0, None, True), Change("c", 2, 0, 4), Change("d", 2, 0, 5), Change("c", 1, 0, 3)],
]


class Crash(Exception):
    """The load ends here."""


class Steps:
    """A source of two ranges; it goes on from any cursor."""

    name = "crm.Contact"

    def __init__(self, before: Callable[[str], None] = lambda _: None) -> None:
        self._before = before
        self.confirmed: list[str] = []

    def read(self, cursor: str) -> Iterator[Batch]:
        for number in range(int(cursor or 0), len(GIVEN)):
            yield batch_of(GIVEN[number], since=str(number or ""), upto=str(number + 1))

    def confirm(self, cursor: str) -> None:
        self._before("confirm")
        self.confirmed.append(cursor)


class Watched:
    """A warehouse that tells of each step of its sessions before and after it."""

    def __init__(self, warehouse: Warehouse, told: Callable[[str], None], session: Session | None = None) -> None:
        self.name, self.dialect = warehouse.name, warehouse.dialect
        self._warehouse, self._told, self._session = warehouse, told, session

    @contextmanager
    def session(self) -> Iterator[Any]:
        if self._session is not None:
            yield _Watched(self._session, self._told)
            return
        with self._warehouse.session() as session:
            yield _Watched(session, self._told)


class _Watched:
    def __init__(self, session: Session, told: Callable[[str], None]) -> None:
        self._session, self._told = session, told

    def __getattr__(self, name: str) -> Any:
        done = getattr(self._session, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            self._told(f"before {name} {arguments[0] if arguments else ''}")
            result = done(*arguments, **more)
            self._told(f"after {name} {arguments[0] if arguments else ''}")
            return result

        return watched

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._told("before begin")
        with self._session.transaction():
            yield
            self._told("before commit")
        self._told("after commit")


def main(path: str, step: str) -> None:
    """Load into a DuckDB file, and be killed when `step` is told for the second time."""
    from toque.integrations.warehouses.duckdb import DuckDBWarehouse

    seen = 0

    def told(what: str) -> None:
        nonlocal seen
        if what.startswith(step):
            seen += 1
            if seen == 2:
                os.kill(os.getpid(), signal.SIGKILL)

    load(Steps(told), Watched(DuckDBWarehouse(path), told), SPEC)


if __name__ == "__main__":
    main(*sys.argv[1:])

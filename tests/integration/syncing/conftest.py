"""A warehouse with scores, and destinations that remember what they were sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

from toque.graph.loads import TableName, Upsert
from toque.graph.syncs import AnySyncMode, SyncSpec
from toque.integrations.warehouses.duckdb import DuckDBSession, DuckDBWarehouse
from toque.ports.destinations import Operation, Record, Result

SOURCE = TableName.parse("marts.scores")


class Shelf:
    """A destination in memory, which does to the next batches what it is told."""

    batch_size = 2
    name = "shelf"

    def __init__(self) -> None:
        self.records: dict[Any, dict[str, Any]] = {}
        self.sent: list[tuple[str, Any]] = []
        self.plans: list[Exception | int] = []
        """An exception is raised before anything is done; a number is how many are done before one is lost."""
        self.lost: Exception = RuntimeError("the destination broke")
        self.refused: set[Any] = set()

    def send(self, operation: Operation, records: Sequence[Record]) -> Sequence[Result]:
        plan = self.plans.pop(0) if self.plans else None
        if isinstance(plan, Exception):
            raise plan
        results = []
        for record in records[:plan]:
            (key,) = record.key.values()
            self.sent.append((operation, key))
            results.append(self._take(operation, key, record.fields))
        if plan is not None:
            raise self.lost
        return results

    def _take(self, operation: Operation, key: Any, fields: dict[str, Any]) -> Result:
        if key in self.refused:
            return Result(accepted=False, reason="not this one")
        if operation == "delete":
            self.records.pop(key, None)
        elif operation == "update" and key not in self.records:
            return Result(accepted=False, reason="no such record")
        else:
            self.records[key] = self.records.get(key, {}) | fields
        return Result(id=f"r{key}")


class Warehouse(DuckDBWarehouse):
    """With a table of scores, in memory: all sessions share one connection."""

    def __init__(self) -> None:
        super().__init__(":memory:", name="warehouse")
        self.connection = duckdb.connect(":memory:", config={"threads": 1})
        self.run("CREATE SCHEMA marts; CREATE TABLE marts.scores (id VARCHAR, score INTEGER, note VARCHAR)")

    @contextmanager
    def session(self) -> Iterator[DuckDBSession]:
        yield DuckDBSession(self.connection)

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, parameters or None).fetchall()

    def put(self, **scores: int | None) -> None:
        for key, score in scores.items():
            self.run("DELETE FROM marts.scores WHERE id = ?", key)
            self.run("INSERT INTO marts.scores VALUES (?, ?, '')", key, score)

    def remove(self, *keys: str) -> None:
        for key in keys:
            self.run("DELETE FROM marts.scores WHERE id = ?", key)

    def log(self) -> list[tuple[Any, ...]]:
        """What became of each record, in order."""
        return self.run(
            "SELECT run, key, operation, status, reason FROM marts._toque_sync_log WHERE status != 'sent' ORDER BY seq"
        )


def scores(mode: AnySyncMode | None = None, **more: Any) -> SyncSpec:
    """A sync of the table of scores."""
    given = {"name": "scores", "source": SOURCE, "fields": {"score": "Score"}} | more
    return SyncSpec(mode=mode or Upsert(key="id"), **given)


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    made = Warehouse()
    yield made
    made.connection.close()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()

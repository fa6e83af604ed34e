"""A query as a source: all of its rows each time, for what has no column that tells what changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from toque.ports.sources import Batch
from toque.ports.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa


class SqlQuery:
    """All rows of a query of a database. What is no longer among them was deleted."""

    def __init__(self, warehouse: Warehouse, query: str, *, name: str) -> None:
        self._warehouse = warehouse
        self._query = query
        self._name = name

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    def read(self, cursor: str) -> Iterator[Batch]:
        """One range of everything."""
        waiting: pa.Table | None = None
        with self._warehouse.session() as session:
            for rows in session.stream(self._query):
                if waiting is not None:
                    yield self._batch(waiting, is_complete=False)
                waiting = rows
            if waiting is not None:
                yield self._batch(waiting, is_complete=True)

    def confirm(self, cursor: str) -> None:
        """Nothing to do: the database keeps no position for us."""

    def _batch(self, rows: pa.Table, *, is_complete: bool) -> Batch:
        return Batch(rows=rows, since="", upto="", is_everything=True, is_complete=is_complete)

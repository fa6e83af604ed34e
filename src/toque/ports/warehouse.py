"""Warehouses: databases that tables of rows go into and come out of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from toque.data.loads.columns import Column
from toque.data.loads.dialects import Dialect
from toque.graph.loads import TableName

if TYPE_CHECKING:
    import pyarrow as pa


class Session(Protocol):
    """One connection. Statements commit one by one, but inside of `transaction()`.

    `?` in a statement stands for the next parameter; question marks in quotes do not. Each method raises
    `TransientError` where the same statement may succeed later: a lost connection, a conflict with another writer.
    """

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """The number of rows that it touched; -1 if the database does not say."""
        ...

    def fetch(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...

    def stream(self, query: str, parameters: Sequence[Any] = (), *, rows: int = 50_000) -> Iterator[pa.Table]:
        """The rows of a query, in tables of at most so many; at least one table, so that its schema is known."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commits at the end, rolls back on any exception. Not nested."""
        ...

    def columns(self, table: TableName) -> list[Column] | None:
        """The columns of a table in their order; None if there is no such table."""
        ...

    def copy_in(self, table: TableName, rows: pa.Table) -> None:
        """Add rows to a table whose columns of the same names hold them, by the quickest way that there is."""
        ...


class Warehouse(Protocol):
    """A database, before anybody has connected to it."""

    @property
    def name(self) -> str:
        """Stable for ever, since cursors are kept under it."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How its SQL is written."""
        ...

    def session(self) -> AbstractContextManager[Session]:
        """A new connection, closed at the end."""
        ...

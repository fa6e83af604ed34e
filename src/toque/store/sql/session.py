"""What the shared operations need of a database: a handful of primitives within one open transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from toque.store.sql.declared import Table

T = TypeVar("T")


class Session(Protocol):
    """One transaction on one connection. Statements mark parameters with `?`."""

    lock_rows: str
    """Suffix of a SELECT that locks what it finds until the transaction ends; "" where writers are alone anyway."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All result rows, as tuples."""
        ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Execute, without waiting for an answer where the protocol allows that."""
        ...

    def upsert(self, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert or overwrite by key; the last of several rows with one key wins."""
        ...

    def insert(self, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert; raises `ToqueBug` if a key exists."""
        ...

    def among(self, column: str) -> str:
        """Text of the condition that `column` is in a list, whose one parameter `listed` makes."""
        ...

    def listed(self, values: Iterable[str]) -> Any:
        """The parameter for `among`."""
        ...

    def by_index(self, name: str) -> str:
        """Behind the name of a table: find the rows by this index, where the database would choose another one."""
        ...

    def lock_pools(self, pools: Iterable[str]) -> None:
        """Keep other transactions from acquiring slots of these pools until this one ends."""
        ...


class Database(Protocol):
    """Runs operations as transactions, off the event loop."""

    async def write(self, operation: Callable[[Session], T], *, tell: bool = False) -> T:
        """One transaction. Raises `StoreUnavailable`; whatever is raised, nothing was written.

        `operation` may be called again after a conflict. `tell`: other processes should look (`Store.changed`).
        """
        ...

    async def read(self, operation: Callable[[Session], T]) -> T:
        """Queries on one snapshot."""
        ...

    async def browse(self, operation: Callable[[Session], T]) -> T:
        """Like `read`, beside it: a large page does not delay what the engine reads."""
        ...

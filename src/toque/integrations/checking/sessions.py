"""A session of a warehouse together with its dialect: what runs the SQL of the checks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toque.data.checks.dialects import Sql
from toque.data.loads.columns import Column
from toque.data.loads.dialects import Dialect
from toque.graph.loads import TableName
from toque.ports.warehouse import Session, Warehouse

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Desk:
    """An open session, and how its SQL is written."""

    session: Session
    dialect: Dialect

    def execute(self, *statements: Sql) -> None:
        """Run statements, one after the other."""
        for statement in statements:
            self.session.execute(*statement.rendered())

    def fetch(self, query: Sql) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.session.fetch(*query.rendered())

    def rows(self, query: Sql, names: Sequence[str]) -> list[dict[str, Any]]:
        """All rows of a query whose columns are called so."""
        return [dict(zip(names, row, strict=True)) for row in self.fetch(query)]

    def documents(self, query: Sql) -> list[dict[str, Any]]:
        """The rows of a query whose only column holds JSON objects."""
        return [json.loads(row[0]) for row in self.fetch(query)]

    def number(self, query: Sql) -> int:
        """The one number that a query answers."""
        return int(self.fetch(query)[0][0])

    def columns(self, table: TableName) -> list[Column]:
        """The columns of a table; [] when there is none."""
        return self.session.columns(table) or []

    def transaction(self) -> AbstractContextManager[None]:
        """Commits at its end, rolls back at an error."""
        return self.session.transaction()

    def arrow(self, query: Sql, names: Sequence[str]) -> pa.Table:
        """The result of a query as a table. Not streamed: a stream may not see what this transaction has changed."""
        import pyarrow as pa

        rows = self.fetch(query)
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        return pa.table({name: pa.array(list(column)) for name, column in zip(names, columns, strict=True)})


@contextmanager
def desk_of(warehouse: Warehouse) -> Iterator[Desk]:
    """A new session of a warehouse, to check in; closed at the end."""
    with warehouse.session() as session:
        yield Desk(session, warehouse.dialect)

"""The tables that are known, with their columns, and which of them a name in SQL means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec


class Catalog:
    """Tables by their full names (`warehouse.marts.scores`), each with its columns in order, and their types.

    SQL names tables by fewer parts, or with a database in front that nobody else speaks of: a name means the one table
    whose full name ends in it, or in its last two parts. When there are several, it means none.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, str] | Sequence[str]], *, connection: str = "") -> None:
        self._tables = {
            name: dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns, "")
            for name, columns in tables.items()
        }
        self._folded = {name.casefold(): name for name in self._tables}
        self._connection = connection
        """What stands in front of tables that are not known."""

    def resolved(self, parts: Sequence[str]) -> str:
        """The full name of the table that these parts name; one that is not known is what the parts say."""
        for start in range(max(len(parts) - 1, 1)):
            said = ".".join(parts[start:]).casefold()
            inside = f"{self._connection}.{said}".casefold()
            if exact := self._folded.get(inside) or self._folded.get(said):
                return exact
            endings = [name for folded, name in self._folded.items() if folded.endswith("." + said)]
            if len(endings) == 1:
                return endings[0]
        return ".".join([self._connection] * bool(self._connection) + list(parts))

    def columns(self, table: str) -> dict[str, str] | None:
        """Types by column, None for a table that is not known."""
        return self._tables.get(table)

    def column(self, table: str, name: str) -> str | None:
        """The column in the case that the table has it; None for one that it does not have."""
        known = self._tables.get(table)
        if known is None:
            return name
        return next((column for column in known if column.casefold() == name.casefold()), None)

    def with_table(self, table: str, columns: Sequence[str]) -> Catalog:
        """This catalog and one table more: what an earlier statement made."""
        return Catalog({**self._tables, table: columns}, connection=self._connection)

    @property
    def digest(self) -> str:
        """The same for equal catalogs only."""
        return hashlib.sha256(msgspec.json.encode([self._connection, self._tables], order="sorted")).hexdigest()

"""The tables that are known, with their columns, and which of them a name in SQL means."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

_WORD = re.compile(r"\w+")


class Catalog:
    """Tables by their full names (`warehouse.marts.scores`), each with its columns in order, and their types.

    SQL names tables by fewer parts, or with a database in front that nobody else speaks of: a name means the one table
    whose full name ends in it, or in its last two parts. When there are several, it means none.
    """

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, str] | Sequence[str]],
        *,
        connection: str = "",
        named: Iterable[str] = (),
    ) -> None:
        """`named`: tables that exist, whatever their columns are."""
        self._tables: dict[str, dict[str, str]] = {}
        self._folded: dict[str, str] = {}
        self._called: dict[str, tuple[str, ...]] = {}
        """Full names by the first word of their last part."""
        self._connection = connection
        """What stands in front of tables that are not known."""
        for name in named:
            self._name(name)
        for name, columns in tables.items():
            self._put(name, columns)

    def _put(self, name: str, columns: Mapping[str, str] | Sequence[str]) -> None:
        self._name(name)
        self._tables[name] = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns, "")

    def _copy(self) -> Catalog:
        more = Catalog({}, connection=self._connection)
        more._tables, more._folded, more._called = dict(self._tables), dict(self._folded), dict(self._called)
        return more

    def _name(self, name: str) -> None:
        if self._folded.get(name.casefold()) != name:
            word = _first_word(name.rpartition(".")[2])
            self._called[word] = (*self._called.get(word, ()), name)
            self._folded[name.casefold()] = name

    def resolved(self, parts: Sequence[str]) -> str:
        """The full name of the table that these parts name; one that is not known is what the parts say."""
        for start in range(max(len(parts) - 1, 1)):
            said = ".".join(parts[start:]).casefold()
            inside = f"{self._connection}.{said}".casefold()
            if exact := self._folded.get(inside) or self._folded.get(said):
                return exact
            called = self._called.get(_first_word(parts[-1]), ())
            endings = [name for name in called if name.casefold().endswith("." + said)]
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
        """This catalog and one table more: what an earlier statement made. Types that were known of it stay."""
        more = self._copy()
        types = self._tables.get(table, {})
        more._put(table, {name: types.get(name, "") for name in columns})
        return more

    def under(self, connection: str) -> Catalog:
        """The same tables, for SQL that runs in this connection."""
        same = Catalog({}, connection=connection)
        same._tables, same._folded, same._called = self._tables, self._folded, self._called
        return same

    def with_names(self, names: Iterable[str]) -> Catalog:
        """This catalog, in which these tables exist, whatever their columns are."""
        more = self._copy()
        for name in names:
            more._name(name)
        return more

    def digest_for(self, text: str) -> str:
        """The same where all tables are alike that `text` could name: others may change, and nothing is parsed anew."""
        words = {"", *_WORD.findall(text.casefold())}
        named = sorted(name for word in words for name in self._called.get(word, ()))
        tables = [(name, list(self._tables.get(name, {}).items())) for name in named]
        return hashlib.sha256(msgspec.json.encode([self._connection, tables])).hexdigest()


def _first_word(name: str) -> str:
    found = _WORD.search(name.casefold())
    return found.group() if found else ""

"""The words in which the tables are declared: plain data, no database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import msgspec

ColumnKind = Literal["text", "int", "bool", "bytes", "index", "serial"]
"""`index`: a map index as big-endian bytes, sorted like the tuple. `serial`: drawn by the database, never again."""


@dataclass(frozen=True, eq=False)
class Column:
    """A column, NOT NULL."""

    name: str
    kind: ColumnKind = "text"
    enum: type[StrEnum] | None = None
    """Only the values of this enum are allowed (a CHECK constraint)."""
    default: str | int | None = None
    frozen: bool = False
    """Set when the row is inserted, kept by every later upsert."""


@dataclass(frozen=True, eq=False)
class Index:
    """An index; `where` makes it partial, so that a hot one stays small beside a long history."""

    name: str
    columns: tuple[str, ...]
    where: str = ""
    unique: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """A table, and the row type whose fields it keeps."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    row: type[msgspec.Struct] | None = None
    """Its fields that are not columns are kept in the column `rest`."""
    indexes: tuple[Index, ...] = ()
    clustered: bool = True
    """SQLite: rows lie in the index of the key (WITHOUT ROWID). Right for small rows."""

    @property
    def column_names(self) -> tuple[str, ...]:
        """In the order of declaration."""
        return tuple(column.name for column in self.columns)

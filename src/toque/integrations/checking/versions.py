"""Versions: a row that was set aside beside the row that the table has of its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toque.data.checks.dialects import Sql, quoted
from toque.data.loads.columns import Column, find
from toque.data.loads.dialects import Dialect
from toque.data.loads.tables import IS_CURRENT, ORDER, SEQUENCE, Tables
from toque.errors import UserError
from toque.graph.loads import TableName
from toque.integrations.checking.sessions import Desk


@dataclass(frozen=True)
class Versions:
    """The statements of a replay about what is newer; all belong in its transaction."""

    table: TableName
    dialect: Dialect
    key: tuple[str, ...]
    is_placed: bool
    """Rows know their place: a load put them there, and keeps one version of each key."""
    has_tombstones: bool

    @classmethod
    def of(cls, desk: Desk, table: TableName, columns: Sequence[Column], key: Sequence[str]) -> Versions | None:
        """None without a key: then every row stands for itself. Raises `UserError` for a key that is no column."""
        if not key:
            return None
        unknown = [name for name in key if find(columns, name) is None]
        if unknown:
            raise UserError(f"{table} has no column {unknown[0]!r}, which is to be its key.")
        real = tuple(column.name for name in key if (column := find(columns, name)) is not None)
        has_places = all(find(columns, name) is not None for name in (ORDER, SEQUENCE))
        is_placed = has_places and find(columns, IS_CURRENT) is None
        tombstones = bool(desk.columns(Tables(table, desk.dialect).tombstones))
        return cls(table, desk.dialect, tuple(map(quoted, real)), is_placed, is_placed and tombstones)

    def drop_superseded(self, stage: TableName) -> list[Sql]:
        """Rows whose key has a newer version in the table, or was deleted since."""
        found = [self._drop(stage, self.table, self._not_newer("t"))]
        if self.has_tombstones:
            own = self.dialect.own
            found.append(
                self._drop(
                    stage,
                    Tables(self.table, self.dialect).tombstones,
                    f"s.{own(ORDER)} IS NOT NULL AND NOT {self._is_newer('s', 't')}",
                )
            )
        return found

    def take_out(self, stage: TableName, older: TableName) -> list[Sql]:
        """The older versions leave the table while the checks look at the newer ones."""
        if not self.is_placed:
            return []
        there = f"EXISTS (SELECT 1 FROM {self._name(stage)} AS s WHERE {self._same('s', 't')})"
        return [
            Sql(f"INSERT INTO {self._name(older)} SELECT * FROM {self._name(self.table)} AS t WHERE {there}"),
            Sql(f"DELETE FROM {self._name(self.table)} AS t WHERE {there}"),
        ]

    def keep_newest(self, stage: TableName) -> list[Sql]:
        """Of several rows of one key that are right by now the last one takes effect."""
        return [self._drop(stage, stage, self._is_newer("t", "s"))] if self.is_placed else []

    def put_back(self, stage: TableName, older: TableName) -> list[Sql]:
        """Older versions of what is still bad come back."""
        if not self.is_placed:
            return []
        gone = f"NOT EXISTS (SELECT 1 FROM {self._name(stage)} AS s WHERE {self._same('s', 't')})"
        return [Sql(f"INSERT INTO {self._name(self.table)} SELECT * FROM {self._name(older)} AS t WHERE {gone}")]

    def _drop(self, stage: TableName, beside: TableName, condition: str) -> Sql:
        there = f"SELECT 1 FROM {self._name(beside)} AS t WHERE {self._same('s', 't')} AND {condition}"
        return Sql(f"DELETE FROM {self._name(stage)} AS s WHERE EXISTS ({there})")

    def _not_newer(self, there: str) -> str:
        """A table that was filled before its first load has no places: whatever comes is newer."""
        if not self.is_placed:
            return "TRUE"
        order = self.dialect.own(ORDER)
        return f"(s.{order} IS NULL OR ({there}.{order} IS NOT NULL AND NOT {self._is_newer('s', there)}))"

    def _is_newer(self, one: str, other: str) -> str:
        order, sequence = self.dialect.own(ORDER), self.dialect.own(SEQUENCE)
        ties = f"{one}.{order} = {other}.{order} AND {one}.{sequence} > {other}.{sequence}"
        return f"({one}.{order} > {other}.{order} OR ({ties}))"

    def _same(self, one: str, other: str) -> str:
        return " AND ".join(f"{one}.{key} = {other}.{key}" for key in self.key)

    def _name(self, table: TableName) -> str:
        return self.dialect.table(table)

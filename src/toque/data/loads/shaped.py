"""The words that the statements of a load are made of, once its tables and columns are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from toque.data.loads.drift import Shape
from toque.data.loads.tables import ACTION, CHANGED_AT, DELETED, ORDER, ROW, SEQUENCE, Tables
from toque.graph.loads import AnyMode, TableName


@dataclass(frozen=True)
class Step:
    """One statement; `name` says what it does."""

    name: str
    sql: str


@dataclass(frozen=True)
class Shaped:
    """A load whose tables and columns are known: the words that its statements are made of."""

    tables: Tables
    mode: AnyMode
    shape: Shape
    sets_aside: bool = False
    """Rows may have left the staging: `remember_seen` has kept the keys that it had."""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The key columns, quoted."""
        return tuple(map(self.tables.dialect.quote, self.shape.keys(self.mode)))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns of the source, quoted."""
        return tuple(self.tables.dialect.quote(each.name) for each in self.shape.columns)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The columns that are no key, quoted."""
        return tuple(each for each in self.columns if each not in self.keys)

    @cached_property
    def target(self) -> str:
        """The table, quoted; likewise below."""
        return self.tables.dialect.table(self.tables.target)

    @cached_property
    def staging(self) -> str:
        """The staged rows."""
        return self.tables.dialect.table(self.tables.staging)

    @cached_property
    def plan(self) -> str:
        """What becomes of them."""
        return self.tables.dialect.table(self.tables.plan)

    @cached_property
    def tombstones(self) -> str:
        """The deleted keys."""
        return self.tables.dialect.table(self.tables.tombstones)

    def own(self, name: str) -> str:
        """A column of Toque's, quoted."""
        return self.tables.dialect.own(name)

    def same_key(self, one: str, other: str) -> str:
        """Whether two aliases are of the same key."""
        return " AND ".join(f"{one}.{key} = {other}.{key}" for key in self.keys)

    def versions(self, *, with_deletes: bool) -> str:
        """The staged rows, each with its `_toque_rank` among those of its key: 1 is the newest. A subquery."""
        places = [self.own(ORDER), self.own(SEQUENCE), self.own(DELETED), self.own(ROW)]
        return (
            f"(SELECT r.*, row_number() OVER (PARTITION BY {', '.join(f'r.{each}' for each in self.keys)}"
            f" ORDER BY {', '.join(f'r.{each} DESC' for each in places)}) AS _toque_rank FROM {self.staging} AS r"
            + ("" if with_deletes else f" WHERE NOT r.{self.own(DELETED)}")
            + ")"
        )

    def is_newer(self, one: str, other: str) -> str:
        """Whether the place of one alias is beyond that of another."""
        order, sequence = self.own(ORDER), self.own(SEQUENCE)
        ties = f"{one}.{order} = {other}.{order} AND {one}.{sequence} > {other}.{sequence}"
        return f"({one}.{order} > {other}.{order} OR ({ties}))"

    def is_same_place(self, one: str, other: str) -> str:
        """Whether the places of two aliases are equal."""
        order, sequence = self.own(ORDER), self.own(SEQUENCE)
        return f"({one}.{order} = {other}.{order} AND {one}.{sequence} = {other}.{sequence})"

    def planned(self, *actions: str) -> str:
        """The staged rows with one of the actions, as a subquery."""
        chosen = ", ".join(f"'{each}'" for each in actions)
        row, action = self.own(ROW), self.own(ACTION)
        return (
            f"(SELECT x.* FROM {self.staging} AS x JOIN {self.plan} AS p ON p.{row} = x.{row}"
            f" WHERE p.{action} IN ({chosen}))"
        )

    def insert_planned(self, columns: Sequence[str], values: Sequence[str] = ()) -> str:
        """The staged rows that are to be inserted; `values` are what goes into `columns`, if not the same."""
        listed = ", ".join(values or columns)
        return f"INSERT INTO {self.target} ({', '.join(columns)}) SELECT {listed} FROM {self.planned('insert')} AS s"

    def vanished(self, living: str = "") -> str:
        """Deletes of the keys that a full reading no longer has: staged, so that the plan treats them as any other.

        They take the last place of the reading, and rows that are newer than it stay. `living` restricts the target.
        """
        had = _seen(self) if self.sets_aside else self.staging
        order, sequence, changed_at = self.own(ORDER), self.own(SEQUENCE), self.own(CHANGED_AT)
        columns = ", ".join([*self.keys, self.own(ROW), order, sequence, self.own(DELETED), changed_at])
        keys = ", ".join(f"t.{key}" for key in self.keys)
        return (
            f"INSERT INTO {self.staging} ({columns})"
            f" SELECT {keys}, -row_number() OVER (ORDER BY {keys}), COALESCE(e.o, t.{order}),"
            f" COALESCE(e.q, t.{sequence}), TRUE,"
            f" COALESCE(e.c, current_timestamp) FROM {self.target} AS t"
            f" CROSS JOIN (SELECT max({order}) AS o, max({sequence}) AS q, max({changed_at}) AS c"
            f" FROM {self.staging}) AS e"
            f" WHERE NOT EXISTS (SELECT 1 FROM {had} AS s WHERE {self.same_key('s', 't')}){living}"
        )


def _seen(load: Shaped) -> str:
    return load.tables.dialect.table(TableName(name=f"_toque_seen_{load.tables.target.name}"))


def remember_seen(load: Shaped) -> list[str]:
    """DDL that keeps the keys of the staged rows: one that is set aside later is bad, not gone."""
    keys = ", ".join(load.keys)
    return [
        f"DROP TABLE IF EXISTS {_seen(load)}",
        f"CREATE TEMPORARY TABLE {_seen(load)} AS SELECT DISTINCT {keys} FROM {load.staging}",
    ]


def differs(one: str, other: str, columns: Sequence[str]) -> str:
    """Whether any of the columns has another value in two aliases; nulls are values."""
    if not columns:
        return "FALSE"
    return "(" + " OR ".join(f"{one}.{each} IS DISTINCT FROM {other}.{each}" for each in columns) + ")"

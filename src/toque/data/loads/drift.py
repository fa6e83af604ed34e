"""Schema drift: what becomes of a table when the rows that arrive have other columns than it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toque.data.loads.columns import Column, ColumnType, find, fits, wider
from toque.data.loads.dialects import Dialect
from toque.errors import DataError, UserError
from toque.graph.loads import AnyMode, Drift, Scd2, TableName

OWN_PREFIX = "_toque_"
SPAN_COLUMNS = ("valid_from", "valid_to", "is_current")


def is_own(name: str) -> bool:
    """Whether a column is Toque's, in a table of data."""
    return name.casefold().startswith(OWN_PREFIX)


@dataclass(frozen=True)
class Loaded:
    """A column that is loaded: what the source calls it, and what it is in the table."""

    source: str
    name: str
    type: ColumnType


@dataclass(frozen=True)
class Shape:
    """What a load does about the schema, and which columns it then writes."""

    columns: tuple[Loaded, ...]
    added: tuple[Column, ...] = ()
    """New in the table."""
    altered: tuple[Column, ...] = ()
    """With their new types."""
    left_out: tuple[str, ...] = ()
    """Columns of the source that the contract keeps out."""
    absent: tuple[str, ...] = ()
    """Columns of the table that the source no longer has: what they hold stays."""

    def keys(self, mode: AnyMode) -> tuple[str, ...]:
        """The key, as the table calls it."""
        names = {column.source.casefold(): column.name for column in self.columns}
        return tuple(names[key.casefold()] for key in mode.keys)


def decide(
    table: TableName,
    existing: Sequence[Column] | None,
    incoming: Sequence[Column],
    *,
    mode: AnyMode,
    on_drift: Drift,
    dialect: Dialect,
) -> Shape:
    """What to alter before rows with the columns `incoming` go into `table`, whose columns are `existing`.

    `existing` is None when there is no table yet. Raises `DataError` with what differs when the contract or the types
    forbid the load, `UserError` when the columns could never be loaded.
    """
    _check_names(table, incoming, mode, dialect)
    if existing is None:
        columns = tuple(Loaded(each.name, dialect.physical(each.name), each.type) for each in incoming)
        return Shape(columns, added=tuple(Column(each.name, each.type) for each in columns))
    return _Comparison(table, existing, on_drift, dialect).of(incoming, mode)


@dataclass(frozen=True)
class _Comparison:
    table: TableName
    existing: Sequence[Column]
    on_drift: Drift
    dialect: Dialect

    def of(self, incoming: Sequence[Column], mode: AnyMode) -> Shape:
        columns, added, altered, left_out, differences = [], [], [], [], []
        for column in incoming:
            there = find(self.existing, column.name)
            if there is None:
                if self.on_drift == "freeze" and not _is_among(column.name, mode.keys):
                    left_out.append(column.name)
                    continue
                differences.append(f"{column.name} ({column.type}) is new")
                added.append(Column(self.dialect.physical(column.name), column.type))
                columns.append(Loaded(column.name, added[-1].name, column.type))
                continue
            new = self._type(column, there)
            if new != there.type:
                differences.append(f"{column.name} was {there.type} and is now {column.type}")
                altered.append(Column(there.name, new))
            columns.append(Loaded(column.name, there.name, new))
        absent = tuple(each.name for each in self.existing if not _is_own(each.name, mode) and _lacks(incoming, each))
        differences += [f"{name} is gone" for name in absent]
        if differences and self.on_drift == "reject":
            raise DataError(
                f"{self.table} refuses rows of another schema: {'; '.join(differences)}."
                ' Fix: change the table by hand, or contract=Contract("evolve")'
            )
        return Shape(tuple(columns), tuple(added), tuple(altered), tuple(left_out), absent)

    def _type(self, column: Column, there: Column) -> ColumnType:
        """The type that the column will have."""
        if fits(self.dialect.stored(column.type), there.type) or fits(column.type, there.type):
            return there.type
        new = wider(there.type, column.type)
        if new is None or not self.dialect.can_alter(there.type, new):
            raise DataError(
                f"{self.table}.{there.name} is {there.type}, and {column.type} arrived: no rule turns one into the"
                f" other. Fix: convert {column.name} in the source, or change the column by hand"
            )
        if self.on_drift == "freeze":
            raise DataError(
                f"{self.table}.{there.name} is {there.type}, and {column.type} arrived, which it cannot hold."
                f' Fix: convert {column.name} in the source, or contract=Contract("evolve"), which makes it {new}'
            )
        return self.dialect.stored(new)


def _check_names(table: TableName, incoming: Sequence[Column], mode: AnyMode, dialect: Dialect) -> None:
    seen: dict[str, str] = {}
    for column in incoming:
        if is_own(column.name):
            raise UserError(f"column {column.name!r} for {table}: names with {OWN_PREFIX} are Toque's own")
        if isinstance(mode, Scd2) and column.name.casefold() in SPAN_COLUMNS:
            raise UserError(
                f"column {column.name!r} for {table}: Scd2 writes a column of this name", fix="rename it in the source"
            )
        other = seen.setdefault(column.name.casefold(), column.name)
        if other != column.name:
            raise UserError(
                f"columns {other!r} and {column.name!r} for {table} differ in case only, which {dialect.name} takes"
                " for the same",
                fix="rename one in the source",
            )
        if column.type.kind == "other":
            raise UserError(f"column {column.name!r} for {table} is a {column.type}: no warehouse holds that")
    for key in mode.keys:
        if key.casefold() not in seen:
            raise UserError(
                f"the key {key!r} of {table} is no column of the source; it has {', '.join(sorted(seen.values()))}"
            )


def _is_among(name: str, names: Sequence[str]) -> bool:
    return name.casefold() in {each.casefold() for each in names}


def _is_own(name: str, mode: AnyMode) -> bool:
    return is_own(name) or (isinstance(mode, Scd2) and name.casefold() in SPAN_COLUMNS)


def _lacks(incoming: Sequence[Column], column: Column) -> bool:
    return not _is_among(column.name, [each.name for each in incoming])

"""Types of columns, the same for every warehouse: what fits where, and what could hold both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "bool",
    "int16",
    "int32",
    "int64",
    "decimal",
    "float32",
    "float64",
    "text",
    "json",
    "bytes",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "other",
]

INTEGER_DIGITS: dict[str, int] = {"int16": 5, "int32": 10, "int64": 19}
_RANK = {kind: rank for rank, kind in enumerate(INTEGER_DIGITS)}
MAX_PRECISION = 38


@dataclass(frozen=True)
class ColumnType:
    """A kind; decimals have a size. `other` is a type that only its warehouse knows: nothing is loaded into it."""

    kind: Kind
    precision: int = 0
    scale: int = 0
    name: str = ""
    """As the warehouse calls it; for `other`."""

    def __str__(self) -> str:
        match self.kind:
            case "decimal":
                return f"decimal({self.precision}, {self.scale})"
            case "other":
                return self.name
            case _:
                return self.kind


@dataclass(frozen=True)
class Column:
    """A column of a table, by the name that it has there."""

    name: str
    type: ColumnType


def find(columns: Sequence[Column], name: str) -> Column | None:
    """By name, whatever its case: the first that is exactly so, else the first that differs in case only."""
    for column in columns:
        if column.name == name:
            return column
    return next((column for column in columns if column.name.casefold() == name.casefold()), None)


def fits(value: ColumnType, column: ColumnType) -> bool:
    """Whether each value of the one type can be stored in a column of the other without loss."""
    if value == column:
        return value.kind != "other"
    match value.kind, column.kind:
        case ("int16" | "int32" | "int64", "int16" | "int32" | "int64"):
            return _RANK[value.kind] <= _RANK[column.kind]
        case ("int16" | "int32" | "int64", "decimal"):
            return INTEGER_DIGITS[value.kind] <= column.precision - column.scale
        case ("int16" | "int32" | "float32", "float64") | ("int16", "float32"):
            return True
        case ("decimal", "decimal"):
            return value.scale <= column.scale and value.precision - value.scale <= column.precision - column.scale
        case ("date", "timestamp") | ("json", "text"):
            return True
        case (kind, "text"):
            return kind not in ("bytes", "other")
        case _:
            return False


def wider(column: ColumnType, value: ColumnType) -> ColumnType | None:
    """The least type that holds what the column has and the new values; None when a person has to decide.

    Whole numbers of 64 bits become `float64` when fractions arrive: above 2^53 they lose digits, as in JSON itself.
    """
    if fits(value, column):
        return column
    if column.kind in INTEGER_DIGITS and fits(column, value) and value.kind != "text":
        return value
    match column.kind, value.kind:
        case ("decimal", "decimal"):
            return _decimal(column, value)
        case ("decimal", "int16" | "int32" | "int64"):
            return _decimal(column, ColumnType("decimal", INTEGER_DIGITS[value.kind], 0))
        case ("int16" | "int32" | "int64", "decimal"):
            return _decimal(ColumnType("decimal", INTEGER_DIGITS[column.kind], 0), value)
        case ("int16" | "int32" | "int64" | "float32", "float32" | "float64") | (
            "float32" | "float64",
            "int16" | "int32" | "int64",
        ):
            return ColumnType("float64")
        case ("date", "timestamp"):
            return value
        case _:
            return None


def _decimal(one: ColumnType, other: ColumnType) -> ColumnType | None:
    scale = max(one.scale, other.scale)
    precision = max(one.precision - one.scale, other.precision - other.scale) + scale
    return ColumnType("decimal", precision, scale) if precision <= MAX_PRECISION else None

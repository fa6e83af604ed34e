"""Checks in the IR: what must be true of a table, as values. `toque.data.checks` says what they mean in SQL.

A row check finds rows that are wrong, so they can be set aside; a table check looks at the table as a whole, so it can
only block or warn. Values to compare with are kept as tagged JSON (`toque.graph.constants`).
"""

from __future__ import annotations

from typing import Any, Final, Literal, Self, TypeAlias

import msgspec

from toque.graph.ir import CodeRef
from toque.graph.value import IRValue

Severity: TypeAlias = Literal["block", "quarantine", "warn"]
"""`block` halts the branch, `quarantine` sets the bad rows aside and goes on with the others, `warn` only says so."""


class Check(IRValue, frozen=True, kw_only=True, tag_field="check"):
    """What all checks share."""

    name: str = ""
    """What people call it, and the rule in the rejects table; "" is made of the check itself."""
    severity: Severity = "block"

    def warn(self) -> Self:
        """The same check, which says what is wrong and lets everything go on."""
        return msgspec.structs.replace(self, severity="warn")

    def named(self, name: str) -> Self:
        """The same check under a name of its own."""
        return msgspec.structs.replace(self, name=name)


class RowCheck(Check, frozen=True, kw_only=True):
    """A check that tells good rows from bad ones."""

    at_most: float | None = None
    """With `quarantine`: more bad rows than this block after all. Below 1 a share, from 1 on a count."""

    def quarantine(self, *, at_most: int | str | None = None) -> Self:
        """The same check, which sets bad rows aside in the rejects table and goes on with the good ones.

        `at_most` (a count, or a share such as `"5%"`): with more bad rows than that it blocks after all.
        """
        limit = None if at_most is None else limit_of(at_most)
        return msgspec.structs.replace(self, severity="quarantine", at_most=limit)


class TableCheck(Check, frozen=True, kw_only=True):
    """A check of the table as a whole: there are no bad rows to set aside."""


class NotNull(RowCheck, frozen=True, kw_only=True, tag="not_null"):
    """The column has a value in every row."""

    column: str


class Unique(RowCheck, frozen=True, kw_only=True, tag="unique"):
    """No two rows have the same values in these columns. All rows of a repeated key are bad; a null is no key."""

    columns: tuple[str, ...]


class AcceptedValues(RowCheck, frozen=True, kw_only=True, tag="accepted_values"):
    """The column holds one of these values, or null."""

    column: str
    values: tuple[Any, ...]
    """Tagged JSON."""


class Relationships(RowCheck, frozen=True, kw_only=True, tag="relationships"):
    """Each value of the column, unless null, is in `field` of the table `to`."""

    column: str
    to: str
    field: str


class InRange(RowCheck, frozen=True, kw_only=True, tag="in_range"):
    """The column lies between two bounds, or is null; a bound that is null is none."""

    column: str
    min: Any = None
    """Tagged JSON, as `max`; both belong to the range."""
    max: Any = None


class Expression(RowCheck, frozen=True, kw_only=True, tag="expression"):
    """A condition in SQL over the columns of one row; null passes, as in a CHECK constraint."""

    sql: str


class RowCount(TableCheck, frozen=True, kw_only=True, tag="row_count"):
    """The table has so many rows."""

    min: int | None = None
    max: int | None = None


class Recent(TableCheck, frozen=True, kw_only=True, tag="recent"):
    """The newest value of a time column is not older than this; a table without rows is not recent."""

    column: str
    within_s: float


class Schema(TableCheck, frozen=True, kw_only=True, tag="schema"):
    """The table has these columns, with these types ("" is any type)."""

    columns: dict[str, str]
    extra: bool = True
    """Whether there may be others."""


class CustomSql(TableCheck, frozen=True, kw_only=True, tag="custom_sql"):
    """A query that returns what is wrong: no row, and the check holds. `{table}` stands for the table."""

    sql: str


class Matches(TableCheck, frozen=True, kw_only=True, tag="matches"):
    """The table holds the rows of another one, a known-good dataset: no more, no fewer and no others."""

    to: str
    """A table of the same warehouse."""
    key: tuple[str, ...] = ()
    """Columns that tell rows apart: then each row that differs is shown once, with its key."""
    tolerance: float = 0.0
    """By which numbers may differ, relative to the larger or absolute; needs a key."""
    columns: tuple[str, ...] = ()
    """What is compared; () all columns of both."""


class PythonCheck(TableCheck, frozen=True, kw_only=True, tag="python"):
    """A function of the data, or a pandera model, that says what is wrong."""

    code: CodeRef
    kind: Literal["function", "pandera"] = "function"


AnyRowCheck: TypeAlias = NotNull | Unique | AcceptedValues | Relationships | InRange | Expression
AnyTableCheck: TypeAlias = RowCount | Recent | Schema | CustomSql | Matches | PythonCheck
AnyCheck: TypeAlias = AnyRowCheck | AnyTableCheck

ROW_CHECKS: Final = (NotNull, Unique, AcceptedValues, Relationships, InRange, Expression)


def limit_of(at_most: int | str) -> float:
    """A count, or a share such as `"5%"`, as one number: below 1 a share, from 1 on a count. Raises `ValueError`."""
    if isinstance(at_most, str):
        number = at_most.removesuffix("%").strip()
        if at_most.endswith("%") and number.replace(".", "", 1).isdigit() and float(number) < 100:
            return float(number) / 100
    elif at_most >= 0 and at_most == int(at_most):
        return float(at_most)
    raise ValueError(f'at_most={at_most!r} is neither a count nor a share: at_most=3 or at_most="5%"')


def as_data(checks: tuple[AnyCheck, ...] | list[AnyCheck]) -> list[dict[str, Any]]:
    """The checks as JSON-compatible data, such as a constant of a node."""
    return [msgspec.to_builtins(check) for check in checks]


def of_data(data: list[dict[str, Any]]) -> tuple[AnyCheck, ...]:
    """The checks that `as_data` was given."""
    return tuple(msgspec.convert(item, type=AnyCheck) for item in data)


def is_count(at_most: float) -> bool:
    """Whether such a limit is a count and no share; 0 is the count of no rows."""
    return at_most >= 1 or at_most == 0


def name_of(check: AnyCheck) -> str:
    """The name of a check: its own, or one made of what it says. `not_null(id)`."""
    if check.name:
        return check.name
    match check:
        case NotNull(column=column) | AcceptedValues(column=column) | InRange(column=column) | Recent(column=column):
            inside = column
        case Unique(columns=columns):
            inside = ", ".join(columns)
        case Relationships():
            inside = f"{check.column} in {check.to}.{check.field}"
        case Expression(sql=sql):
            inside = " ".join(sql.split())
        case Matches(to=to):
            inside = to
        case PythonCheck(code=code):
            return code.qualname
        case RowCount() | Schema() | CustomSql():
            inside = ""
    kind = kind_of(check)
    return f"{kind}({inside if len(inside) <= 60 else inside[:59] + '…'})" if inside else kind


def kind_of(check: AnyCheck) -> str:
    """The kind as it is written: `not_null`."""
    return str(type(check).__struct_config__.tag)

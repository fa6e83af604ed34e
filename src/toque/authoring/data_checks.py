"""Checks as their users write them: `checks=[not_null("id").quarantine(), row_count(min=1).warn()]`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toque.authoring import sites
from toque.authoring.references import code_ref
from toque.durations import Duration, seconds
from toque.graph import checks, constants


def not_null(column: str) -> checks.NotNull:
    """Every row has a value in `column`."""
    return checks.NotNull(column=_column(column, "not_null"))


def unique(*columns: str) -> checks.Unique:
    """No two rows have the same values in `columns`. With `.quarantine()` all rows of a repeated key are set aside."""
    if not columns:
        raise sites.refuse("unique() names no column.", fix='unique("id")')
    return checks.Unique(columns=tuple(_column(name, "unique") for name in columns))


def accepted_values(column: str, values: Iterable[Any]) -> checks.AcceptedValues:
    """Each value of `column`, unless null, is one of `values`."""
    if isinstance(values, str):
        raise sites.refuse(
            f"accepted_values({column!r}): the values are one string.", fix=f"accepted_values({column!r}, [{values!r}])"
        )
    found = tuple(values)
    if not found or any(value is None for value in found):
        what = "has no values" if not found else "lists None, which always passes"
        raise sites.refuse(f"accepted_values({column!r}) {what}.", fix="values, and not_null() where null is wrong")
    return checks.AcceptedValues(
        column=_column(column, "accepted_values"), values=tuple(_constant(value) for value in found)
    )


def relationships(column: str, to: str, field: str = "id") -> checks.Relationships:
    """Each value of `column`, unless null, is found in `field` of the table `to` (`"schema.table"`)."""
    if not isinstance(to, str) or not to:
        raise sites.refuse(f"relationships({column!r}): to={to!r} names no table.", fix='to="raw.account"')
    return checks.Relationships(column=_column(column, "relationships"), to=to, field=_column(field, "relationships"))


def in_range(column: str, min: Any = None, max: Any = None) -> checks.InRange:  # noqa: A002
    """Each value of `column`, unless null, lies between `min` and `max`, which both belong to the range."""
    if min is None and max is None:
        raise sites.refuse(f"in_range({column!r}) has no bounds.", fix=f"in_range({column!r}, min=0)")
    try:
        is_empty = min is not None and max is not None and min > max
    except TypeError as error:
        raise sites.refuse(f"in_range({column!r}): {error}.", fix="bounds of one type") from None
    if is_empty:
        raise sites.refuse(f"in_range({column!r}): nothing lies between {min!r} and {max!r}.", fix="min <= max")
    return checks.InRange(column=_column(column, "in_range"), min=_constant(min), max=_constant(max))


def expression(sql: str, *, name: str = "") -> checks.Expression:
    """A condition in SQL that holds for each row, such as `"ends_at >= starts_at"`; null passes."""
    if not isinstance(sql, str) or not sql.strip():
        raise sites.refuse("expression() has no condition.", fix='expression("ends_at >= starts_at")')
    return checks.Expression(sql=sql.strip(), name=name)


def row_count(min: int | None = None, max: int | None = None) -> checks.RowCount:  # noqa: A002
    """The table has at least `min` and at most `max` rows."""
    if min is None and max is None:
        raise sites.refuse("row_count() has no bounds.", fix="row_count(min=1)")
    if (min or 0) < 0 or (max is not None and max < (min or 0)):
        raise sites.refuse(f"row_count(min={min}, max={max}) can never hold.", fix="0 <= min <= max")
    return checks.RowCount(min=min, max=max)


def recent(column: str, within: Duration) -> checks.Recent:
    """The newest value of the time column is not older than `within`, such as `"2h"`. Times without a zone are UTC."""
    try:
        within_s = seconds(within)
    except ValueError as error:
        raise sites.refuse(f"recent({column!r}): {error}.") from None
    return checks.Recent(column=_column(column, "recent"), within_s=within_s)


def schema(columns: Mapping[str, str] | Iterable[str], *, extra: bool = True) -> checks.Schema:
    """The table has these columns: names, or names with their types. `extra=False`: and no others."""
    if isinstance(columns, str):
        raise sites.refuse("schema() takes several columns.", fix=f"schema([{columns!r}])")
    found = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns, "")
    if not found:
        raise sites.refuse("schema() names no column.", fix='schema({"id": "bigint", "email": "varchar"})')
    return checks.Schema(columns=found, extra=extra)


def custom_sql(sql: str, *, name: str) -> checks.CustomSql:
    """A query that returns what is wrong; the check holds when it returns no row. `{table}` stands for the table."""
    if not isinstance(sql, str) or not sql.strip():
        raise sites.refuse("custom_sql() has no query.", fix='custom_sql("SELECT … FROM {table} WHERE …", name="…")')
    return checks.CustomSql(sql=sql.strip().rstrip("; \n"), name=name)


def matches(
    to: str, *, key: str | Iterable[str] = (), tolerance: float = 0.0, columns: Iterable[str] = ()
) -> checks.Matches:
    """The table holds the same rows as `to`, a known-good table of the same warehouse: `matches("golden.contact")`.

    With `key`, a row that differs is shown once; numbers may then differ by `tolerance`, relative or absolute.
    `columns` are compared, all of them unless stated.
    """
    if not isinstance(to, str) or not to:
        raise sites.refuse(f"matches({to!r}) names no table.", fix='matches("golden.contact")')
    if isinstance(columns, str):
        raise sites.refuse("matches(): columns is one string.", fix=f"columns=[{columns!r}]")
    names = (key,) if isinstance(key, str) else tuple(key)
    if tolerance and not names:
        raise sites.refuse(
            "matches(): without a key nobody knows which numbers are to be near each other.", fix='key="id"'
        )
    if tolerance < 0:
        raise sites.refuse(f"matches(): tolerance={tolerance} can never hold.", fix="tolerance=0.01")
    return checks.Matches(to=to, key=names, tolerance=float(tolerance), columns=tuple(columns))


def python_check(function: Callable[[Any], Any], *, name: str = "") -> checks.PythonCheck:
    """A function of the data (an Arrow, pandas or polars table) at the top level of a module, or a pandera model.

    A function returns True or False, or the rows that are wrong (an empty table, list or None when all is well), or
    raises `AssertionError` or `DataError`.
    """
    is_model = isinstance(function, type) and any(kind.__name__ == "DataFrameModel" for kind in function.__mro__)
    return checks.PythonCheck(code=code_ref(function, "a check"), kind="pandera" if is_model else "function", name=name)


def listed(given: Iterable[Any]) -> tuple[checks.AnyCheck, ...]:
    """The value of `checks=`. Raises `UserError` for what is no check."""
    found = tuple(given)
    for each in found:
        if not isinstance(each, checks.Check):
            raise sites.refuse(f"{each!r} is no check.", fix='checks=[not_null("id"), row_count(min=1).warn()]')
    return found


def _column(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name:
        raise sites.refuse(f"{where}({name!r}) names no column.", fix=f'{where}("id")')
    return name


def _constant(value: Any) -> Any:
    try:
        return constants.encode(value)
    except constants.NotTagged as error:
        raise sites.refuse(
            f"A check cannot compare with {error}.", fix="numbers, texts, dates, times, Decimal"
        ) from None

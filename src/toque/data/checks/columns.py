"""Checks said for the columns that a table really has: names in any case are found, and unknown ones named."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

import msgspec

from toque.data.loads.columns import Column, find
from toque.data.loads.dialects import Dialect
from toque.data.loads.tables import STAGING
from toque.errors import UserError
from toque.graph.checks import AnyCheck, Recent, Relationships, RowCheck, Schema, Unique, name_of
from toque.graph.loads import TableName


def for_columns(
    check: AnyCheck, table: TableName, columns: Sequence[Column], of_parent: Callable[[TableName], Sequence[Column]]
) -> AnyCheck:
    """The check with the names that the columns have in the warehouse, so that `Id` finds `ID` and `id`.

    `of_parent` gives the columns of a table that the check refers to. Raises `UserError` for unknown ones.
    """
    check = msgspec.structs.replace(check, name=name_of(check))  # people see it as they wrote it
    if isinstance(check, Unique):
        return msgspec.structs.replace(check, columns=tuple(_found(name, table, columns) for name in check.columns))
    if isinstance(check, Schema):
        real = {name: _real(name, columns) for name in check.columns}
        return msgspec.structs.replace(check, columns={real[name]: kind for name, kind in check.columns.items()})
    if isinstance(check, Relationships):
        parent = TableName.parse(check.to)
        check = msgspec.structs.replace(check, field=_found(check.field, parent, of_parent(parent)))
    if isinstance(check, RowCheck | Recent) and hasattr(check, "column"):
        return msgspec.structs.replace(check, column=_found(check.column, table, columns))
    return check


def typed(columns: Sequence[Column], dialect: Dialect) -> list[tuple[str, str]]:
    """Names and types of columns, as the dialect writes them."""
    return [
        (column.name, column.type.name if column.type.kind == "other" else dialect.type_name(column.type))
        for column in columns
    ]


def _real(name: str, columns: Sequence[Column]) -> str:
    column = find(columns, name)
    return name if column is None else column.name


def _found(name: str, table: TableName, columns: Sequence[Column]) -> str:
    column = find(columns, name)
    if column is not None:
        return column.name
    known = [column.name for column in columns]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}"
    there = str(table).replace(STAGING, "")  # nobody knows where rows wait
    raise UserError(
        f"{there} has no column {name!r}, which a check is about." if known else f"There is no table {there}.",
        fix=meant if known else "load it first",
    )

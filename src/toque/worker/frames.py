"""Data frames and tables of whatever library: what is told of them, and several as one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from toque.errors import UserError


def library(value: Any) -> str:
    """`pandas`, `polars` or `pyarrow` for a table of one of them, else ""."""
    for name, kinds in (("pyarrow", ("Table", "RecordBatch")), ("pandas", ("DataFrame",)), ("polars", ("DataFrame",))):
        module = sys.modules.get(name)
        if module is not None and isinstance(value, tuple(getattr(module, kind) for kind in kinds)):
            return name
    return ""


def rows(value: Any) -> int | None:
    """How many rows a table has, or items a list; None for what has none."""
    if library(value) == "pyarrow":
        return int(value.num_rows)
    if library(value) or isinstance(value, list | tuple | dict | set):
        return len(value)
    return None


def columns(value: Any) -> tuple[tuple[str, str], ...]:
    """Names and types of the columns, as their library says them; () for what is no table."""
    match library(value):
        case "pyarrow":
            return tuple((field.name, str(field.type)) for field in value.schema)
        case "pandas":
            return tuple((str(name), str(kind)) for name, kind in value.dtypes.items())
        case "polars":
            return tuple((name, str(kind)) for name, kind in value.schema.items())
        case _:
            return ()


def to_arrow(value: Any) -> Any:
    """A `pyarrow.Table` of a table of any library, or of a list of dicts. Raises `UserError`."""
    import pyarrow as pa

    match library(value):
        case "pyarrow":
            return value if isinstance(value, pa.Table) else pa.Table.from_batches([value])
        case "pandas":
            return pa.Table.from_pandas(value, preserve_index=False)
        case "polars":
            return value.to_arrow()
        case _:
            pass
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return pa.Table.from_pylist(value)
    raise UserError(
        f"a value of type {type(value).__module__}.{type(value).__qualname__} is no table",
        fix="return a pyarrow.Table, a data frame of pandas or polars, or a list of dicts",
    )


def from_arrow(table: Any, kind: Any) -> Any:
    """The table as the type that an annotation names; as it is when it names none that is known."""
    match getattr(kind, "__module__", "").partition(".")[0], getattr(kind, "__name__", ""):
        case "pandas", "DataFrame":
            return table.to_pandas()
        case "polars", "DataFrame":
            import polars as pl

            return pl.from_arrow(table)
        case _ if kind is list or getattr(kind, "__origin__", None) is list:
            return table.to_pylist()
        case _:
            return table


def joined(values: Sequence[Any]) -> Any | None:
    """Tables of one library below each other; None when they are not."""
    kinds = {library(value) for value in values}
    if len(kinds) != 1:
        return None
    match kinds.pop():
        case "pyarrow":
            import pyarrow as pa

            return pa.concat_tables([to_arrow(value) for value in values], promote_options="default")
        case "pandas":
            import pandas as pd

            return pd.concat(values, ignore_index=True)
        case "polars":
            import polars as pl

            return pl.concat(values, how="vertical_relaxed")
        case _:
            return None

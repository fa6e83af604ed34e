"""Rows: any table that a task may give, as columns and plain tuples, so that two of them can be compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toque.errors import UserError


@dataclass(frozen=True)
class Table:
    """Columns and rows, in order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    is_text: bool = False
    """All values are text, since a CSV file has no types: they are compared as text."""


def table_of(value: Any) -> Table | None:
    """`value` as a table: an Arrow, pandas, polars or DuckDB table, dicts in a list, or None for anything else."""
    if hasattr(value, "to_arrow_table"):
        value = value.to_arrow_table()
    elif hasattr(value, "fetch_arrow_table"):
        value = value.fetch_arrow_table()
    if hasattr(value, "column_names") and hasattr(value, "to_pylist"):  # pyarrow
        return _of_dicts(value.to_pylist(), tuple(value.column_names))
    if hasattr(value, "to_dict") and hasattr(value, "dtypes") and hasattr(value, "index"):  # pandas
        return Table(
            tuple(map(str, value.columns)),
            [tuple(_scalar(cell) for cell in row) for row in value.itertuples(index=False)],
        )
    if hasattr(value, "rows") and hasattr(value, "columns") and hasattr(value, "schema"):  # polars
        return Table(tuple(value.columns), list(value.rows()))
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if is_list and value and all(isinstance(row, Mapping) for row in value):
        return _of_dicts(list(value), tuple(dict.fromkeys(str(name) for row in value for name in row)))
    return None


def read(path: Path) -> Table:
    """The table in a CSV, JSON (a list of objects), JSON lines or Parquet file. Raises `UserError`."""
    if not path.exists():
        raise UserError(
            f"{path} does not exist: there is nothing to compare with.", fix="write the known-good file once"
        )
    match path.suffix:
        case ".parquet":
            import pyarrow.parquet

            found = table_of(pyarrow.parquet.read_table(path))
        case ".csv":
            with path.open(newline="") as file:
                head, *rows = list(csv.reader(file)) or [[]]
            return Table(tuple(head), [tuple(row) for row in rows], is_text=True)
        case ".jsonl" | ".ndjson":
            found = _of_list([json.loads(line) for line in path.read_text().splitlines() if line.strip()])
        case ".json":
            found = _of_list(json.loads(path.read_text()))
        case other:
            raise UserError(
                f"{path} cannot be compared: {other or 'no ending'}.", fix=".parquet, .csv, .json or .jsonl"
            )
    if found is None:
        raise UserError(f"{path} holds no table.", fix="a list of objects")
    return found


def text_of(value: Any) -> str:
    """A cell as a CSV file would have it."""
    return "" if value is None else str(value)


def _of_list(data: Any) -> Table | None:
    return Table((), []) if data == [] else table_of(data)


def _of_dicts(rows: list[Any], columns: tuple[str, ...]) -> Table:
    return Table(columns, [tuple(row.get(name) for name in columns) for row in rows])


def _scalar(cell: Any) -> Any:
    """NumPy scalars as Python's own, every kind of missing value as None."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(cell, float) and cell != cell:
        return None
    return cell.item() if hasattr(cell, "item") and type(cell).__module__ == "numpy" else cell

"""Comparison of an output with a known-good dataset, and what differs in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from toque.errors import ToqueError, UserError
from toque.testing.rows import Table, read, table_of, text_of

SHOWN = 10
"""Differences in one message."""


class Mismatch(ToqueError, AssertionError):
    """An output is not what it should be. `differences` lists how."""

    def __init__(self, what: str, differences: Sequence[str]) -> None:
        self.differences = list(differences)
        shown = [f"  {line}" for line in differences[:SHOWN]]
        if len(differences) > SHOWN:
            shown.append(f"  … and {len(differences) - SHOWN} more")
        super().__init__("\n".join([what, *shown]))


def compare(
    output: Any,
    known_good: Any,
    *,
    key: str | Sequence[str] = (),
    tolerance: float = 0.0,
    ordered: bool = False,
) -> None:
    """Raise `Mismatch` unless `output` equals `known_good`; each is a table, a value or a path to a table.

    Tables (Arrow, pandas, polars, DuckDB, lists of dicts, Parquet, CSV and JSON files) are compared as sets of rows, or
    in their order; with `key` rows are matched by these columns, and each differing cell is named. Floats may differ by
    `tolerance`, relative or absolute.
    """
    key = (key,) if isinstance(key, str) else tuple(key)
    left, right = _side(output), _side(known_good)
    if isinstance(left, Table) and isinstance(right, Table):
        found = list(_table_differences(left, right, key, tolerance, ordered))
    elif isinstance(left, Table) or isinstance(right, Table):
        found = [f"{_kind(output)} cannot be compared with {_kind(known_good)}"]
    else:
        found = [] if _same(output, known_good, tolerance) else [f"{_short(output)} is not {_short(known_good)}"]
    if found:
        raise Mismatch("the output differs from the known-good dataset", found)


def differences(first: Any, second: Any) -> list[str]:
    """How two values differ, exactly; empty when they do not."""
    one, other = table_of(first), table_of(second)
    if one is not None and other is not None:
        return list(_table_differences(one, other, (), 0.0, ordered=True))
    return [] if _same(first, second, 0.0) else [f"{_short(first)}, then {_short(second)}"]


def row_differences(first: Sequence[tuple[Any, ...]], second: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    """How two bags of rows differ: what the first has more often, then what the second has."""
    before, after = Counter(map(_written, first)), Counter(map(_written, second))
    for row, number in (before - after).items():
        yield f"- {row}{_times(number)}"
    for row, number in (after - before).items():
        yield f"+ {row}{_times(number)}"


def _written(row: tuple[Any, ...]) -> str:
    """As text in which equal numbers look the same: in pandas a column of integers with a gap is one of floats."""
    return repr(tuple(int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in row))


def _side(value: Any) -> Any:
    if isinstance(value, Path):
        return read(value)
    if isinstance(value, str) and Path(value).suffix in (".parquet", ".csv", ".json", ".jsonl", ".ndjson"):
        return read(Path(value))
    if isinstance(value, list) and not value:
        return Table((), [])
    found = table_of(value)
    return value if found is None else found


def _table_differences(
    output: Table, known: Table, key: tuple[str, ...], tolerance: float, ordered: bool
) -> Iterator[str]:
    if set(output.columns) != set(known.columns) and (output.rows or known.rows):
        yield from (f"column {name!r} is missing" for name in known.columns if name not in output.columns)
        yield from (f"column {name!r} is not expected" for name in output.columns if name not in known.columns)
        return
    columns = known.columns
    as_text = output.is_text or known.is_text
    ours, theirs = _arranged(output, columns, as_text), _arranged(known, columns, as_text)
    if key:
        yield from _keyed_differences(ours, theirs, columns, key, tolerance)
    elif ordered or tolerance:
        if not ordered:
            ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
        if len(ours) != len(theirs):
            yield f"{len(ours)} rows instead of {len(theirs)}"
        for number, (row, wanted) in enumerate(zip(ours, theirs, strict=False)):
            yield from _cell_differences(f"row {number}", columns, row, wanted, tolerance)
    else:
        if len(ours) != len(theirs):
            yield f"{len(ours)} rows instead of {len(theirs)}"
        yield from row_differences(theirs, ours)


def _keyed_differences(
    ours: list[tuple[Any, ...]],
    theirs: list[tuple[Any, ...]],
    columns: tuple[str, ...],
    key: tuple[str, ...],
    tolerance: float,
) -> Iterator[str]:
    unknown = [name for name in key if name not in columns]
    if unknown:
        raise UserError(f"key={unknown[0]!r} is not a column.", fix=f"one of {', '.join(columns)}")
    positions = [columns.index(name) for name in key]
    mine = {tuple(row[at] for at in positions): row for row in ours}
    wanted = {tuple(row[at] for at in positions): row for row in theirs}
    for rows, found, whose in ((ours, mine, "the output"), (theirs, wanted, "the known-good dataset")):
        if len(found) != len(rows):
            yield f"the key {', '.join(key)} is not unique in {whose}"
    for row_key in wanted:
        named = ", ".join(f"{name}={value!r}" for name, value in zip(key, row_key, strict=True))
        if row_key in mine:
            yield from _cell_differences(named, columns, mine[row_key], wanted[row_key], tolerance)
        else:
            yield f"- {named}: missing"
    for row_key in mine:
        if row_key not in wanted:
            named = ", ".join(f"{name}={value!r}" for name, value in zip(key, row_key, strict=True))
            yield f"+ {named}: not expected"


def _cell_differences(
    where: str, columns: tuple[str, ...], row: tuple[Any, ...], wanted: tuple[Any, ...], tolerance: float
) -> Iterator[str]:
    for name, mine, theirs in zip(columns, row, wanted, strict=True):
        if not _same(mine, theirs, tolerance):
            yield f"{where}: {name} is {_short(mine)} instead of {_short(theirs)}"


def _arranged(table: Table, columns: tuple[str, ...], as_text: bool) -> list[tuple[Any, ...]]:
    order = [table.columns.index(name) for name in columns if name in table.columns]
    rows = [tuple(row[at] for at in order) for row in table.rows]
    return [tuple(text_of(cell) for cell in row) for row in rows] if as_text else rows


def _same(one: Any, other: Any, tolerance: float) -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    if numbers and (isinstance(one, float) or isinstance(other, float)):
        if math.isnan(one) and math.isnan(other):
            return True
        return one == other or math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    if type(one) in (list, tuple) and type(one) is type(other):
        return len(one) == len(other) and all(_same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if type(one) is dict and type(other) is dict:
        return one.keys() == other.keys() and all(_same(one[name], other[name], tolerance) for name in one)
    try:
        return bool(one == other)
    except Exception:  # arrays compare by element, and refuse to be one truth value
        return repr(one) == repr(other)


def _kind(value: Any) -> str:
    return f"a {type(value).__qualname__}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _times(number: int) -> str:
    return f"  ({number} times)" if number > 1 else ""

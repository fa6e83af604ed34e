"""Checks in Python: functions of the data, and pandera models."""

from __future__ import annotations

import importlib
import re
from typing import Any

import msgspec

from toque.data.checks.masking import MASK, is_sensitive, masked
from toque.data.checks.queries import SAMPLES
from toque.data.checks.verdicts import Verdict, of_found
from toque.errors import DataError, UserError
from toque.graph.checks import PythonCheck

_CELL = re.compile(r"(?P<key>.+?): (?P<column>\w+) is .*", re.DOTALL)
_ROW = re.compile(r"[-+] (?P<key>\w+=.*): (?:missing|not expected)", re.DOTALL)
_COLUMN = re.compile(r"column '\w+' is (?:missing|not expected)|\d+ rows instead of \d+")


def verdict_of(check: PythonCheck, data: Any, sensitive: tuple[str, ...] = ()) -> Verdict:
    """What a function or model says of `data`: an Arrow, pandas or polars table."""
    subject = _loaded(check)
    if check.kind == "pandera":
        return _of_pandera(check, subject, data, sensitive)
    try:
        answer = subject(data)
    except (AssertionError, DataError) as error:
        differences = getattr(error, "differences", None)
        if differences:  # of `toque.testing.compare`
            shown = [{"difference": _shown(line, sensitive)} for line in differences[:SAMPLES]]
            message = f"{len(differences):,} differences from the known-good dataset"
            return msgspec.structs.replace(of_found(check, len(differences), message), samples=tuple(shown))
        rows = error.sample if isinstance(error, DataError) else []
        return _verdict(check, max(len(rows), 1), rows, sensitive, str(error) or "its assertion does not hold")
    if answer is None or answer is True:
        return of_found(check, 0)
    if answer is False:
        return of_found(check, 1, "it says False")
    rows = _rows_of(answer)
    return _verdict(check, len(rows), rows, sensitive)


def _loaded(check: PythonCheck) -> Any:
    found: Any = importlib.import_module(check.code.module)
    for part in check.code.qualname.split("."):
        found = getattr(found, part)
    return found


def _of_pandera(check: PythonCheck, model: Any, data: Any, sensitive: tuple[str, ...]) -> Verdict:
    try:
        from pandera.errors import SchemaErrors
    except ImportError:
        raise UserError("A pandera model needs pandera.", fix="pip install 'toque[pandera]'") from None
    is_polars = "polars" in {
        module for kind in type(model).__mro__ + model.__mro__ for module in kind.__module__.split(".")
    }
    try:
        model.validate(_as_polars(data) if is_polars else _as_pandas(data), lazy=True)
    except SchemaErrors as error:
        cases = _rows_of(error.failure_cases)
        said = sorted({f"{case.get('column')}: {case.get('check')}" for case in cases})
        rows = [{str(case.get("column")): case.get("failure_case"), "index": case.get("index")} for case in cases]
        return _verdict(check, len(cases), rows, sensitive, f"{len(cases):,} failures: " + "; ".join(said))
    return of_found(check, 0)


def _verdict(
    check: PythonCheck, bad: int, rows: list[dict[str, Any]], sensitive: tuple[str, ...], message: str = ""
) -> Verdict:
    shown = tuple(masked(rows[:SAMPLES], sensitive))
    return msgspec.structs.replace(of_found(check, bad, message), samples=shown)


def _shown(difference: str, sensitive: tuple[str, ...]) -> str:
    """The text of a difference, unless it holds the value of a sensitive column, or nobody can tell whether it does."""
    told = _CELL.fullmatch(difference) or _ROW.fullmatch(difference) or _COLUMN.fullmatch(difference)
    if told is None:
        return MASK
    named = [*re.findall(r"(\w+)=", told.groupdict().get("key") or ""), told.groupdict().get("column") or ""]
    return (
        MASK
        if any(is_sensitive(name, sensitive) for name in named) and not _COLUMN.fullmatch(difference)
        else difference
    )


def _as_pandas(data: Any) -> Any:
    return data.to_pandas() if hasattr(data, "to_pandas") else data


def _as_polars(data: Any) -> Any:
    if type(data).__module__.startswith("polars"):
        return data
    import polars

    return polars.from_pandas(data) if hasattr(data, "iloc") else polars.from_arrow(data)


def _rows_of(answer: Any) -> list[dict[str, Any]]:
    if hasattr(answer, "to_pylist"):
        return list(answer.to_pylist())
    if hasattr(answer, "to_dicts"):
        return list(answer.to_dicts())
    if hasattr(answer, "to_dict"):
        return list(answer.to_dict("records"))
    return [row if isinstance(row, dict) else {"value": row} for row in answer]
